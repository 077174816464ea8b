/**
 * What runs over shapes alone: the local calls of a backend, and what its messages come to, as numbers of words from one
 * party to another and the longest chain of messages for each party.
 */
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Backend, Bits, Ring } from './backend.ts'
import { limbsOf, oneRing, pairLength } from './words.ts'

export type Message = readonly [from: string, to: string, words: number]

/** What passed between the parties so far. */
export interface Tally {
  words: number
  /** Rounds on the longest chain of messages to each role. */
  readonly depth: Map<string, number>
  /** Whether opened values decide about a part of it. */
  decided: boolean
  /** Whether those are counted as expected, not as they are at most. */
  readonly expected: boolean
  /** Whether the program states what it opens in mid-run; where it does not, opening is refused. */
  readonly stated: boolean
}

export const depthOf = (tally: Tally, role: string): number => tally.depth.get(role) ?? 0
export const deepest = (tally: Tally): number => Math.max(0, ...tally.depth.values())

/** Messages that all leave before any of them arrives. */
export const round = (tally: Tally, messages: readonly Message[]): void => {
  const sent = messages.filter(([, , words]) => words > 0)
  const arrivals = sent.map(([from, to]) => [to, depthOf(tally, from) + 1] as const)
  for (const [to, depth] of arrivals) tally.depth.set(to, Math.max(depthOf(tally, to), depth))
  for (const [, , words] of sent) tally.words += words
}

export const shares = <R extends Ring>(ring: R, length: number): Arithmetic<R> => ({ kind: 'arithmetic', ring, length })
export const planes = (width: number, length: number): Bits => ({ kind: 'bits', width, length })
// oxlint-disable-next-line require-yield -- nothing waits for anybody
export const now = function* <T>(result: T): Routine<T> {
  return result
}

/** Calls of a backend that send nothing. */
export type LocalCalls = Pick<
  Backend,
  | 'constant'
  | 'add'
  | 'subtract'
  | 'negate'
  | 'shift'
  | 'scale'
  | 'weigh'
  | 'sum'
  | 'prefixSum'
  | 'concat'
  | 'slice'
  | 'gather'
  | 'low'
  | 'constantBits'
  | 'xor'
  | 'not'
  | 'planes'
  | 'stack'
>

export const localShapes: LocalCalls = {
  constant: (ring, values) => shares(ring, values.length / limbsOf(ring)),
  add: (x, y) => shares(oneRing(x.ring, y.ring), pairLength(x.length, y.length)),
  subtract: (x, y) => shares(oneRing(x.ring, y.ring), pairLength(x.length, y.length)),
  negate: (x) => x,
  shift: (x, by) => shares(x.ring, pairLength(x.length, by.length / limbsOf(x.ring))),
  scale: (x, factor) => shares(x.ring, pairLength(x.length, factor.length / limbsOf(x.ring))),
  weigh: (x, factors) => shares(x.ring, (x.length * limbsOf(x.ring)) / factors.length),
  sum: (x, every) => shares(x.ring, every === 0 ? 0 : Math.floor(x.length / every)),
  prefixSum: (x) => x,
  concat: (...parts) =>
    shares(
      parts[0]!.ring,
      parts.reduce((sum, { length }) => sum + length, 0),
    ),
  slice: (x, from, to) => shares(x.ring, Math.max(0, Math.min(to, x.length) - from)),
  gather: (x, index) => shares(x.ring, index.length),
  low: ({ length }) => shares(64, length),
  constantBits: (width, length) => planes(width, length),
  xor: (x) => x,
  not: (x) => x,
  planes: (x, index) => planes(index.length, x.length),
  stack: (...parts) =>
    planes(
      parts.reduce((sum, { width }) => sum + width, 0),
      parts[0]?.length ?? 0,
    ),
}
