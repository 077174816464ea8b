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
  /** A multiple of 128, below 2^52: no other layer of the session may use a tweak of these. */
  readonly tweak: number
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

/** The labels of 0 in, the labels of 0 and the tables out. */
export const garble: Kernel<GarbleInput, Garbled> = {
  name: 'garble/garble',
  run: (input) => reference.garble(checkGarble(input)),
}

/** The labels that the evaluator has in and out. */
export const evaluate: Kernel<EvaluateInput, Uint8Array> = {
  name: 'garble/evaluate',
  run: (input) => reference.evaluate(checkEvaluate(input)),
}
