/**
 * What a ledger holds about a computation: the job (the content of its id), and the entries that parties add to it.
 * The encodings are those of `contracts/src/ComputationRegistry.sol`.
 */
import { fromHex, taggedDigest, TallyError, toHex, canonicalJson } from '@tallystick/core'
import type { Hex } from '@tallystick/core'
import { AbiCoder, Interface, keccak256 } from 'ethers'
import { Anchor, ComputationRegistry } from './contracts.generated.ts'

export interface Job {
  readonly specHash: Hex
  /** Counts runs of the same terms, from 0. */
  readonly attempt: number
  /**
   * Whether `parties` are ids in the party registry (keys are looked up at block time, contract wallets may sign), or
   * the addresses of plain keys.
   */
  readonly registered: boolean
  /** In the order of the terms: 20-byte addresses, or 32-byte party ids. */
  readonly parties: readonly Hex[]
  /** Indices of the parties that receive the result. */
  readonly receivers: readonly number[]
  /** Unix seconds, 0 for none. */
  readonly deadline: number
}

/** One party's signature; `key` names the registered key that made it, and is left out for plain keys. */
export interface Signed {
  readonly party: number
  readonly signature: Hex
  readonly key?: Hex
}

export type Entry =
  | { readonly kind: 'propose'; readonly job: Job; readonly agreements: readonly Signed[] }
  | {
      readonly kind: 'commit'
      readonly job: Job
      readonly input: Hex
      readonly seed: Hex
      readonly coin: Hex
      readonly by: Signed
    }
  | {
      readonly kind: 'start'
      readonly job: Job
      readonly commitments: Hex
      /** Each party's own heads, in the order of the parties. */
      readonly heads: readonly Hex[]
      /** One of each party. */
      readonly checkpoints: readonly Signed[]
    }
  | {
      readonly kind: 'close'
      readonly job: Job
      readonly heads: Hex
      readonly result: Hex
      readonly signatures: readonly Signed[]
    }
  | { readonly kind: 'abort'; readonly job: Job; readonly reason: Hex; readonly by: Signed }
  | { readonly kind: 'anchor'; readonly root: Hex }

export const computationInterface = new Interface(ComputationRegistry.abi)
export const anchorInterface = new Interface(Anchor.abi)

/** Content id of an entry: the same entry has the same id on every machine, which makes repeating it harmless. */
export const entryId = (entry: Entry): Hex => toHex(taggedDigest('tallystick/ledger-entry/v1', canonicalJson(entry)))

export const maskOf = (parties: readonly number[]): number => {
  let mask = 0
  for (const party of parties) {
    if (!Number.isInteger(party) || party < 0 || party >= 32) {
      throw new TallyError('api/misuse', 'self', 'expected party indices from 0 to 31')
    }
    mask |= 1 << party
  }
  return mask >>> 0
}

export const partiesIn = (mask: number): number[] =>
  Array.from({ length: 32 }, (_, party) => party).filter((party) => ((mask >>> party) & 1) === 1)

const jobTuple = (job: Job): readonly unknown[] => [
  job.specHash,
  job.attempt,
  job.registered,
  maskOf(job.receivers),
  job.deadline,
  job.parties.map((party) => `0x${party.slice(2).padStart(64, '0')}`),
]

const jobType = computationInterface.getFunction('idOf')!.inputs[0]!.format('sighash')

/** Id of the computation: keccak256 of domain salt and job, with no time, chain or account in it. */
export const computationId = (domain: Hex, job: Job): Hex => {
  for (const party of job.parties) fromHex(party, job.registered ? 32 : 20)
  return keccak256(AbiCoder.defaultAbiCoder().encode(['bytes32', jobType], [fromHex(domain, 32), jobTuple(job)])) as Hex
}

const zeroAddress = `0x${'00'.repeat(20)}`

const cosignatures = (job: Job, signed: readonly Signed[]): readonly unknown[] => {
  const sorted = [...signed].sort((a, b) => a.party - b.party)
  return [
    maskOf(sorted.map(({ party }) => party)),
    job.registered ? sorted.map(({ key }) => key ?? zeroAddress) : [],
    sorted.map(({ signature }) => signature),
  ]
}

/** The arguments after the job. */
const argumentsOf = (entry: Exclude<Entry, { kind: 'anchor' }>): readonly unknown[] => {
  switch (entry.kind) {
    case 'propose':
      return [cosignatures(entry.job, entry.agreements)]
    case 'commit':
      return [entry.by.party, [entry.input, entry.seed, entry.coin], entry.by.key ?? zeroAddress, entry.by.signature]
    case 'start':
      return [entry.commitments, entry.heads, cosignatures(entry.job, entry.checkpoints)]
    case 'close':
      return [entry.heads, entry.result, cosignatures(entry.job, entry.signatures)]
    case 'abort':
      return [entry.by.party, entry.reason, entry.by.key ?? zeroAddress, entry.by.signature]
    default:
      throw new TallyError('api/misuse', 'self', 'expected a kind of ledger entry that this version knows')
  }
}

/** The call that records an entry: which contract, and its data. */
export const callOf = (entry: Entry): { readonly contract: 'computations' | 'anchors'; readonly data: Hex } => {
  if (entry.kind === 'anchor') {
    return { contract: 'anchors', data: anchorInterface.encodeFunctionData('anchor', [entry.root]) as Hex }
  }
  const values = argumentsOf(entry)
  const data = computationInterface.encodeFunctionData(entry.kind, [jobTuple(entry.job), ...values])
  return { contract: 'computations', data: data as Hex }
}
