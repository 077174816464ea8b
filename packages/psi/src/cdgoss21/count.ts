/**
 * Whether at least t of N shared bits are set, for many places at once. Counters in unary: after i bits, counter k says
 * whether k or more of them are set. The next bit b makes u_k + b (u_(k-1) + u_k): one gate, since u_k implies
 * u_(k-1). Counters from which t can no longer be reached, or need no gate, are left out.
 */
import { andShares, type Transfers, type TripleStore, type TripleMessages } from '@tallystick/ot'
import type { Context, Routine } from '@tallystick/protocol'

/** Counters that bit i of N (from 1) changes. */
const counters = (i: number, bits: number, threshold: number): readonly number[] => {
  const least = Math.max(1, threshold - bits + i)
  return Array.from({ length: Math.max(0, Math.min(threshold, i) - least + 1) }, (_, j) => least + j)
}

/** Gates a place. */
export const countGates = (bits: number, threshold: number): number => {
  let gates = 0
  for (let i = 2; i <= bits; i++) gates += counters(i, bits, threshold).length
  return gates
}

/** Layers of gates, one a round. */
export const countLayers = (bits: number): number => bits - 1

/** XOR shares, bit by bit, of "at least `threshold` of `bits` are set". */
export function* atLeastShares<M extends TripleMessages, R extends string>(
  ctx: Context<M, R>,
  transfers: Transfers,
  store: TripleStore,
  bits: readonly Uint32Array[],
  threshold: number,
): Routine<Uint32Array> {
  const width = bits[0]!.length
  const zero = new Uint32Array(width)
  // The constant one is shared as ones of the first end and zeros of the other.
  let reached = new Map<number, Uint32Array>([[0, transfers.first ? zero.map(() => -1) : zero]])
  reached.set(1, bits[0]!)
  for (let i = 2; i <= bits.length; i++) {
    const changed = counters(i, bits.length, threshold)
    const left = new Uint32Array(changed.length * width)
    const right = new Uint32Array(changed.length * width)
    for (const [j, k] of changed.entries()) {
      const [below, own] = [reached.get(k - 1)!, reached.get(k) ?? zero]
      left.set(bits[i - 1]!, j * width)
      for (let w = 0; w < width; w++) right[j * width + w] = below[w]! ^ own[w]!
    }
    const products = yield* andShares(ctx, transfers, store, left, right)
    const next = new Map<number, Uint32Array>([[0, reached.get(0)!]])
    for (const [j, k] of changed.entries()) {
      const own = reached.get(k) ?? zero
      next.set(
        k,
        own.map((word, w) => word ^ products[j * width + w]!),
      )
    }
    reached = next
  }
  return reached.get(threshold)!
}
