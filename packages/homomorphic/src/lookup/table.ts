/** The holder's table in bins, and each bin's rows shared out to polynomials. */
import { createRng, TallyError, type Rng } from '@tallystick/core'
import type { RlweInterpolateInput, SimpleTable } from '@tallystick/kernels'
import { itemOf, type HolderInput } from './messages.ts'
import { keyResidues, outputBytes, sealValue } from './labels.ts'
import { residuesOfKey, type Parameters, type Plan } from './plan.ts'

/** Rows by partition and bin. */
export interface Shares {
  /** partitions × bins: how many. */
  readonly counts: Uint32Array
  /** partitions × bins × degree: which. */
  readonly rows: Uint32Array
}

/**
 * Shares rows out in turn. Two rows of one polynomial must differ in both residues, or it would be none: where they do not
 * (once in 2^25 pairs), the next partition takes the row.
 */
export const shareOut = (plan: Plan, { offsets, entries }: SimpleTable, residues: Uint32Array): Shares => {
  const { bins, partitions, degree } = plan
  const counts = new Uint32Array(partitions * bins)
  const rows = new Uint32Array(partitions * bins * degree)
  const takes = (partition: number, bin: number, row: number): boolean => {
    const own = partition * bins + bin
    const count = counts[own]!
    if (count === degree) return false
    for (let i = own * degree; i < own * degree + count; i++) {
      const other = rows[i]!
      if (residues[2 * other] === residues[2 * row] || residues[2 * other + 1] === residues[2 * row + 1]) return false
    }
    rows[own * degree + count] = row
    counts[own] = count + 1
    return true
  }
  for (let bin = 0; bin < bins; bin++) {
    let [turn, last] = [0, -1]
    for (let at = offsets[bin]!; at < offsets[bin + 1]!; at++) {
      const row = entries[at]! >>> 2
      // Two functions may throw a row into the same bin.
      if (row === last) continue
      last = row
      let tried = 0
      while (tried < partitions && !takes((turn + tried) % partitions, bin, row)) tried++
      if (tried === partitions) {
        // The chance is 2^-40, whatever the keys are.
        throw new TallyError('invariant/broken', 'self', 'expected room in the bins of a lookup, found none', {
          remedy: 'run the job again: the bins are drawn anew',
        })
      }
      turn++
    }
  }
  return { counts, rows }
}

/** `count` uniform residues, from `least` on; words of at least t are drawn again. */
const uniform = (rng: Rng, count: number, t: number, least: number): Uint32Array => {
  const out = new Uint32Array(count)
  for (let found = 0; found < count;) {
    for (const word of new Uint32Array(rng.bytes(4096).buffer)) {
      if (word < least || word >= t || found === count) continue
      out[found++] = word
    }
  }
  return out
}

/** Factors of the first polynomials, which may not be zero, and of the others. */
const masksOf = (coins: Uint8Array, { ring }: Plan, labels: number): Uint32Array => {
  const [rng, t] = [createRng(coins), Number(ring.plainModulus)]
  const out = new Uint32Array((1 + labels) * ring.degree)
  out.set(uniform(rng.fork('row'), ring.degree, t, 1))
  out.set(uniform(rng.fork('value'), labels * ring.degree, t, 0), ring.degree)
  return out
}

/** The residues of all values, once for all partitions: rows × 2 × labels. */
export const sealValues = (
  outputs: Uint8Array,
  { values }: HolderInput,
  { valueBytes, sizes }: Parameters,
  { labels }: Plan,
): Uint32Array => {
  const width = residuesOfKey * labels
  const out = new Uint32Array(sizes.holder * width)
  for (let row = 0; row < sizes.holder; row++) {
    const output = outputs.subarray(row * outputBytes, (row + 1) * outputBytes)
    out.set(sealValue(output, itemOf(values, row), valueBytes), row * width)
  }
  return out
}

/** A share of the bins, and some labels. */
export interface Part {
  readonly partition: number
  readonly from: number
  readonly to: number
}

/** What of one partition, and labels [from, to), goes to the kernel. Slot `bin` has the first residue of a key, slot `bins + bin` the second. */
export const partitionInput = (
  plan: Plan,
  { counts, rows }: Shares,
  residues: Uint32Array,
  sealed: Uint32Array,
  { partition, from, to }: Part,
  coins: Uint8Array,
): RlweInterpolateInput => {
  const { ring, bins, degree } = plan
  const loads = counts.subarray(partition * bins, (partition + 1) * bins)
  // The fullest bin there is, not the fullest that there may be: higher coefficients would all be zero. Bins are filled
  // by digests that are random to everybody, and no frame shows it.
  const most = loads.reduce((least, count) => Math.max(least, count), 1)
  const [n, labels] = [ring.degree, to - from]
  const width = residuesOfKey * plan.labels
  const input = {
    ...{ degree: n, plainModulus: ring.plainModulus, most, masks: masksOf(coins, plan, labels) },
    counts: new Uint32Array(n),
    points: new Uint32Array(n * most),
    labels: new Uint32Array(labels * n * most),
  }
  for (let bin = 0; bin < bins; bin++) {
    const own = partition * bins + bin
    for (let half = 0; half < residuesOfKey; half++) {
      const slot = half * bins + bin
      input.counts[slot] = counts[own]!
      for (let i = 0; i < counts[own]!; i++) {
        const row = rows[own * degree + i]!
        input.points[slot * most + i] = residues[residuesOfKey * row + half]!
        for (let k = 0; k < labels; k++) {
          input.labels[(k * n + slot) * most + i] = sealed[row * width + residuesOfKey * (from + k) + half]!
        }
      }
    }
  }
  return input
}

export const residuesOf = (outputs: Uint8Array, { ring }: Plan): Uint32Array => keyResidues(outputs, ring.plainModulus)
