/**
 * Half-gates garbling of a run of layers of a circuit, for a batch of instances: S. Zahur, M. Rosulek, D. Evans, "Two Halves
 * Make a Whole" (Eurocrypt 2015, ia.cr/2014/756), figure 2, with free XOR and point-and-permute.
 *
 * The hash is that of C. Guo, J. Katz, X. Wang, C. Weng, Y. Yu, "Better Concrete Security for Half-Gates Garbling (in the
 * Multi-Instance Setting)" (Crypto 2020, ia.cr/2019/1168): H(x, i) = E(start ⊕ i, σ(x)) ⊕ σ(x), a key of AES-128 for each
 * half gate, σ(high ‖ low) = (high ⊕ low) ‖ high, start random for each session. A fixed key instead would cost the factor
 * of all gates ever garbled in security (section 3 there).
 *
 * Labels are 16 bytes, read as numbers of 128 bits in little endian; the colour is the lowest bit, and Δ has it set. Layers
 * and slots are those of a schedule of the circuits package: `code` is for each layer the number of free gates and of AND
 * gates, then four numbers a free gate (0 XOR, 2 INV, 3 EQ; left slot or constant, right slot, slot) and three an AND gate
 * (left slot, right slot, slot; none reads what another one of the layer writes).
 */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkEvaluate, checkGarble } from './shapes.ts'

export interface LayersInput {
  readonly code: Int32Array
  readonly instances: number
  /** For each slot a label of each instance. */
  readonly labels: Uint8Array
  /** 16 bytes, public. */
  readonly start: Uint8Array
  /**
   * Tweaks: gate g of the code (counted over its AND gates) has tweak + i·stride + 2g and the next one for instance i. Both
   * even, all below 2^52; a tweak is used once in a session.
   */
  readonly tweak: number
  readonly stride: number
}

export interface GarbleInput extends LayersInput {
  /** Δ: 16 bytes, odd. */
  readonly delta: Uint8Array
}

export interface EvaluateInput extends LayersInput {
  /** What `garble` made of the same layers. */
  readonly tables: Uint8Array
}

export interface Garbled {
  /** The labels of 0 in every slot, after the layers. */
  readonly labels: Uint8Array
  /** 32 bytes for each AND gate and instance. */
  readonly tables: Uint8Array
}

/** Some of the instances of rows that have `unit` bytes for each. */
const pick = (all: Uint8Array, unit: number, instances: number, from: number, to: number): Uint8Array => {
  const rows = all.length / (unit * instances)
  const width = unit * (to - from)
  const out = new Uint8Array(rows * width)
  for (let row = 0; row < rows; row++) {
    const at = unit * (row * instances + from)
    out.set(all.subarray(at, at + width), row * width)
  }
  return out
}

/** The inverse: rows of all instances from rows of some each. */
const merge = (parts: readonly Uint8Array[], unit: number, sizes: readonly number[]): Uint8Array => {
  const instances = sizes.reduce((sum, size) => sum + size, 0)
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let first = 0
  parts.forEach((part, i) => {
    const width = unit * sizes[i]!
    for (let row = 0; width * row < part.length; row++) {
      out.set(part.subarray(width * row, width * (row + 1)), unit * (row * instances + first))
    }
    first += sizes[i]!
  })
  return out
}

const labelBytes = 16
const tableBytes = 32

const some = <I extends LayersInput>(input: I, from: number, to: number): I => ({
  ...input,
  instances: to - from,
  labels: pick(input.labels, labelBytes, input.instances, from, to),
  tweak: input.tweak + from * input.stride,
})

/** The labels of 0 in, the labels of 0 and the tables out. */
export const garble: Kernel<GarbleInput, Garbled> = {
  name: 'garble/garble',
  run: (input) => reference.garble(checkGarble(input)),
  batch: {
    rows: ({ instances }) => instances,
    slice: some,
    join: (parts, sizes) => ({
      labels: merge(
        parts.map(({ labels }) => labels),
        labelBytes,
        sizes,
      ),
      tables: merge(
        parts.map(({ tables }) => tables),
        tableBytes,
        sizes,
      ),
    }),
  },
}

/** The labels that the evaluator has in and out. */
export const evaluate: Kernel<EvaluateInput, Uint8Array> = {
  name: 'garble/evaluate',
  run: (input) => reference.evaluate(checkEvaluate(input)),
  batch: {
    rows: ({ instances }) => instances,
    slice: (input, from, to) => ({
      ...some(input, from, to),
      tables: pick(input.tables, tableBytes, input.instances, from, to),
    }),
    join: (parts, sizes) => merge(parts, labelBytes, sizes),
  },
}
