/** What a plan costs and tells, before it runs. */
import { prepare, statisticsFor } from './program.ts'
import type { Parameters } from './plan.ts'

export interface Explanation {
  readonly rounds: number
  /** Codec payload of all parties. */
  readonly bytes: number
  /** Of a run, connecting and signing not counted: an estimate. */
  readonly seconds: number
  readonly learns: readonly { readonly name: string; readonly text: string }[]
}

/**
 * What a party spends on a round beside the network, and on a byte that it sends or receives (sealing, hashing, journal):
 * measured on two shared cores of a server (bench/statistics.ts), to be taken for the order of magnitude.
 */
const secondsARound = 2.5e-3
const secondsAByte = 1 / 40e6

/** @param latency milliseconds of one way between parties */
export const explain = (parameters: Parameters, latency: number): Explanation => {
  const { figures } = prepare(parameters)
  const { rounds, bytes } = statisticsFor(parameters).cost(parameters)
  return {
    rounds,
    bytes,
    seconds: rounds * (secondsARound + latency / 1000) + ((2 * bytes) / 3) * secondsAByte,
    learns: parameters.outputs.map(({ name, to }, f) => ({
      name,
      text: `${figures[f]!.learns}${to === undefined ? '' : ` (only ${to.join(', ')})`}`,
    })),
  }
}
