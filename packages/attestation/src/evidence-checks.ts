/** Whether opened evidence is that of the record: everything that the party committed to opens, and nothing is unbound. */
import { compareBytes, fromHex, utf8ToBytes, type Hex } from '@tallystick/core'
import {
  auditorAddress,
  chainBinding,
  commitment,
  type CommitmentValues,
  type ReservedRange,
  type StepHead,
} from '@tallystick/session'
import { differingLink, differingSteps, inboxChains, linkDigest } from './chains.ts'
import { check, failed, holds, notChecked, passed, type Check, type Finding } from './checks.ts'
import { commitRows, rowCount, tileRoots, type Salting } from './dataset.ts'
import { unsignedBy } from './disclosure.ts'
import type { Evidence } from './evidence.ts'
import type { KernelRunner } from './execute.ts'
import type { Subjects } from './verify-session.ts'

const level = 'replayed' as const

const jobFinding = ({ run, terms, roles, nameOf }: Subjects, evidence: Evidence): Finding => {
  if (!roles.includes(evidence.role)) return failed(`the terms have no role ${evidence.role}`)
  if (evidence.specHash !== run.specHash) return failed('it belongs to other terms')
  if (evidence.attempt !== run.attempt) return failed(`it belongs to attempt ${evidence.attempt}, not ${run.attempt}`)
  const { code, package: version } = terms.protocol
  if (evidence.package !== version)
    return failed(`it was made by version ${evidence.package}, the terms say ${version}`)
  return holds(evidence.code === code, `of ${nameOf(evidence.role)}`, `it was made by the code ${evidence.code}`)
}

const disclosureFinding = (
  { terms, run, roles, nameOf }: Subjects,
  { role, attempt, disclosure }: Evidence,
): Finding => {
  if (disclosure.role !== role || disclosure.attempt !== attempt)
    return failed('the disclosure is of another party or attempt')
  if (disclosure.auditor !== auditorAddress(terms.auditor.recipient))
    return failed('the disclosure names another auditor')
  const stranger = Object.keys(disclosure.signatures).find((by) => !roles.includes(by))
  if (stranger !== undefined) return failed(`${stranger}, who is no party, signed the disclosure`)
  const [missing] = unsignedBy(terms, run.specHash, disclosure)
  return missing === undefined
    ? passed(`to ${terms.auditor.name}, countersigned by all parties`)
    : failed(`${nameOf(missing)} has not countersigned it`)
}

type Opens = 'input' | 'seed' | 'coin'

/** Whether a value and its nonce open what the party committed to. */
const opens = (subjects: Subjects, { role }: Evidence, kind: Opens, value: Uint8Array, nonce: string): Finding => {
  const promised: CommitmentValues | undefined = subjects.session.commitments.find((one) => one.role === role)
  if (promised === undefined) return notChecked('the record has no commitment of this party')
  const found = commitment(kind, subjects.run, role, value, fromHex(nonce, 32))
  const name = subjects.nameOf(role)
  return holds(found === promised[kind], `opens the commitment of ${name}`, `not the ${kind} that ${name} committed to`)
}

/** How the party says that its rows were salted. */
const saltingIn = ({ input }: Evidence): Salting => ({
  jobSaltKey: fromHex(input.jobSaltKey, 32),
  datasetId: fromHex(input.datasetId, 32),
})

/** Roots of the tiles of the rows by the fast kernels; undefined where they cannot be made, which is for the check to say. */
export const tilesOf = async (kernels: KernelRunner, evidence: Evidence): Promise<Uint8Array | undefined> => {
  try {
    return await tileRoots(kernels, evidence.input.rows, saltingIn(evidence))
  } catch {
    return undefined
  }
}

const inputFinding = (subjects: Subjects, evidence: Evidence, tiles?: Uint8Array): Finding => {
  const { role, input } = evidence
  const { data } = subjects.terms
  const stated = Object.hasOwn(data, role) ? data[role]!.rows : undefined
  const rows = rowCount(input.rows)
  if (stated !== undefined && stated !== rows) return failed(`${rows} rows, the terms say ${stated}`)
  const { root } = commitRows(input.rows, saltingIn(evidence), tiles)
  const found = opens(subjects, evidence, 'input', root, input.nonce)
  return found.status === 'passed' ? passed(`${rows} rows; ${found.detail}`) : found
}

const coinFinding = (subjects: Subjects, evidence: Evidence): Finding => {
  const { share, nonce } = evidence.coin
  const own = subjects.session.coins.find((one) => one.role === evidence.role)
  if (subjects.session.coins.length !== subjects.roles.length)
    return notChecked('not all shares of the joint coin are open')
  if (own?.share !== share || own.nonce !== nonce) return failed('not the share of the joint coin in the record')
  return opens(subjects, evidence, 'coin', fromHex(share, 32), nonce)
}

/**
 * Whether ranges are of the correlation whose digest (with the record of its making) is in the terms: how that is seen
 * depends on the correlation.
 */
export type ResourceCheck = (
  resource: { readonly role: string; readonly correlation: string; readonly digest: Hex },
  ranges: readonly ReservedRange[],
) => boolean

const resourcesFinding = ({ terms }: Subjects, evidence: Evidence, holdsFor: ResourceCheck | undefined): Finding => {
  const { role, resources } = evidence
  const all = terms.resources ?? {}
  const bound = Object.hasOwn(all, role) ? all[role]! : {}
  const unbound = resources.find(({ correlation }) => !Object.hasOwn(bound, correlation))
  if (unbound !== undefined) return failed(`${unbound.correlation} is not in the terms: a free input`, unbound.step)
  if (resources.length === 0) return passed('none')
  if (holdsFor === undefined)
    return notChecked('they are named in the terms; that these are their units was not looked at')
  const wrong = Object.entries(bound).find(
    ([correlation, digest]) =>
      !holdsFor(
        { role, correlation, digest },
        resources.filter((range) => range.correlation === correlation),
      ),
  )
  return wrong === undefined ? passed(`${resources.length} ranges`) : failed(`not the ${wrong[0]} that the terms name`)
}

/** The chains that the party shows are those behind the heads that it signed. */
const chainsFinding = (subjects: Subjects, { role, chains }: Evidence): Finding => {
  const { checkpoint, views } = subjects.session
  const binding = chainBinding(subjects.run)
  const shown = [
    { at: 'checkpoint', signed: checkpoint.find((one) => one.role === role)?.heads ?? [], list: chains.checkpoint },
    { at: 'end', signed: views.find((one) => one.role === role)?.heads ?? [], list: chains.view },
  ]
  for (const { at, signed, list } of shown) {
    const apart = differingLink(binding, signed, list)
    if (apart !== undefined)
      return failed(`those of ${apart.from} to ${apart.to} at the ${at} are not behind the signed head`)
    const known = (chain: StepHead): boolean => signed.some(({ from, to }) => chain.from === from && chain.to === to)
    const names = list.map(nameOfChain)
    if (!list.every(known) || new Set(names).size < names.length)
      return failed(`one at the ${at} is of no link, or there twice`)
    if (names.join('\n') !== list.toSorted(asHeads).map(nameOfChain).join('\n'))
      return failed(`those at the ${at} are not in order`)
  }
  return passed('behind the heads that the party signed')
}

const nameOfChain = ({ from, to, step }: StepHead): string => `${from}>${to}:${step}`

/** The order of a transcript's heads: links by name, the steps of a link by their bytes. */
const asHeads = (a: StepHead, b: StepHead): number => {
  const [left, right] = [`${a.from}>${a.to}`, `${b.from}>${b.to}`]
  if (left !== right) return left < right ? -1 : 1
  return compareBytes(utf8ToBytes(a.step), utf8ToBytes(b.step))
}

/** The frames that the party shows are those that it signed to have received. */
const inboxFinding = (subjects: Subjects, evidence: Evidence, peer: string): Finding => {
  const { role, inbox, chains } = evidence
  const view = subjects.session.views.find((one) => one.role === role)
  const signed = view?.heads.find(({ from, to }) => from === peer && to === role)
  if (signed === undefined) return notChecked('the record has no head of this link')
  const frames = inbox.filter(({ from }) => from === peer)
  const hole = missingOrdinal(frames)
  if (hole !== undefined) return failed(`frame ${hole.ordinal} is missing or there twice`, hole.step)
  const binding = chainBinding(subjects.run)
  const received = inboxChains(binding, role, frames)
  if (linkDigest(binding, peer, role, received) === signed.digest) return passed(`${frames.length} frames, as signed`)
  const [step] = differingSteps({ from: peer, to: role }, received, chains.view)
  return failed(
    `not the frames that ${subjects.nameOf(role)} signed to have received from ${subjects.nameOf(peer)}`,
    step,
  )
}

/** Frames of a step are numbered from 0 without a gap. */
const missingOrdinal = (frames: Evidence['inbox']): { readonly step: string; readonly ordinal: number } | undefined => {
  const seen = new Map<string, Set<number>>()
  for (const { step, ordinal } of frames) {
    const ordinals = seen.get(step) ?? new Set<number>()
    if (ordinals.has(ordinal)) return { step, ordinal }
    seen.set(step, ordinals.add(ordinal))
  }
  for (const [step, ordinals] of seen) {
    for (let ordinal = 0; ordinal < ordinals.size; ordinal++) if (!ordinals.has(ordinal)) return { step, ordinal }
  }
  return undefined
}

/** Checks of the evidence itself, in a stable order. */
export const evidenceChecks = (
  subjects: Subjects,
  evidence: Evidence,
  {
    tiles,
    resources,
  }: { readonly tiles?: Uint8Array | undefined; readonly resources?: ResourceCheck | undefined } = {},
): Check[] => {
  const { role } = evidence
  const of = (id: string, what: string) => ({ id, level, what, role })
  const job = check(of('evidence-job', 'evidence of this job, by the agreed code'), () =>
    jobFinding(subjects, evidence),
  )
  if (job.status === 'failed') return [job]
  const seed = fromHex(evidence.seed.value, 32)
  const peers = subjects.roles.filter((peer) => peer !== role)
  const stray = evidence.inbox.find(({ from }) => !peers.includes(from))
  return [
    job,
    check(of('evidence-disclosure', 'disclosed to the auditor of the terms'), () =>
      disclosureFinding(subjects, evidence),
    ),
    check(of('evidence-input', 'input rows'), () => inputFinding(subjects, evidence, tiles)),
    check(of('evidence-seed', 'own seed'), () => opens(subjects, evidence, 'seed', seed, evidence.seed.nonce)),
    check(of('evidence-coin', 'share of the joint coin'), () => coinFinding(subjects, evidence)),
    check(of('evidence-resources', 'correlations made before'), () => resourcesFinding(subjects, evidence, resources)),
    check(of('evidence-chains', 'chains of all steps'), () => chainsFinding(subjects, evidence)),
    ...peers.map((peer) =>
      check(of('evidence-inbox', `frames from ${peer}`), () =>
        stray === undefined ? inboxFinding(subjects, evidence, peer) : failed(`a frame from ${stray.from}`, stray.step),
      ),
    ),
  ]
}
