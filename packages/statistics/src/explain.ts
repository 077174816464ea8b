/** What a plan costs and tells, before it runs. */
import { prepare, statisticsFor } from './program.ts'
import type { Parameters } from './plan.ts'

export interface Explanation {
  readonly rounds: number
  /** Codec payload of all parties. */
  readonly bytes: number
  /** Of a run from when all parties are there to its end: an estimate. */
  readonly seconds: number
  readonly learns: readonly { readonly name: string; readonly text: string }[]
  /** On whose honesty it rests, and what two owners can tell of each other from any figure. */
  readonly notes: readonly string[]
}

/** What a party spends on a job (keys, signatures, syncs to disk), and on a row that it commits to; measured as the others. */
const secondsAJob = 0.3
const secondsARow = 2.5e-6
/**
 * What a party spends on a round beside the network, and on a byte that it sends or receives (sealing, hashing, journal):
 * measured on two shared cores of a server (bench/statistics.ts), to be taken for the order of magnitude.
 */
const secondsARound = 2.5e-3
const secondsAByte = 1 / 40e6
/** Of all bytes those that a computing party sends or receives: two of three links, or all that two owners say and half of what the helper deals. */
const shareOf = ({ helper, triples }: Parameters): number => {
  if (triples === 'bgv') return 1
  return helper === true ? 0.9 : 2 / 3
}
/** Encryption, products and decryption under BGV: a triple of 300 bytes takes some 3 microseconds of a party. */
const secondsAByteUnderBgv = 1 / 100e6

const helperNote =
  'The helper deals random numbers: it learns this plan, row counts, and nothing of any row. It must work with neither ' +
  'owner: with one of them, or with what the two send each other, it can read every row of both.'
const aloneNote =
  'The two owners compute by themselves, each under encryption with a key of its own: either is protected from the other by ' +
  'ring learning with errors, and by 40 bits of statistical masks.'
const twoTablesNote =
  'There are two tables of the same columns: each owner can take what its own rows make off a figure over both, and has ' +
  'that of the other’s rows; withheld counts and rounding are no protection from that, noise is.'

const notesOf = ({ layout, tables, helper, triples }: Parameters): readonly string[] => [
  ...(helper === true ? [helperNote] : []),
  ...(triples === 'bgv' ? [aloneNote] : []),
  ...(layout === 'horizontal' && Object.keys(tables).length === 2 ? [twoTablesNote] : []),
]

/** @param latency milliseconds of one way between parties */
export const explain = (parameters: Parameters, latency: number): Explanation => {
  const { figures } = prepare(parameters)
  const { rounds, bytes } = statisticsFor(parameters).cost(parameters)
  const secondsOfByte = secondsAByte + (parameters.triples === 'bgv' ? secondsAByteUnderBgv : 0)
  return {
    rounds,
    bytes,
    seconds:
      secondsAJob +
      Math.max(...Object.values(parameters.sizes).map((rows) => rows ?? 0)) * secondsARow +
      rounds * (secondsARound + latency / 1000) +
      shareOf(parameters) * bytes * secondsOfByte,
    learns: parameters.outputs.map(({ name, to }, f) => ({
      name,
      text: `${figures[f]!.learns}${to === undefined ? '' : ` (only ${to.join(', ')})`}`,
    })),
    notes: notesOf(parameters),
  }
}
