/**
 * The same as `evaluateCircuit` on the components of replicated shares themselves: all wires of a party lie in two arrays, so
 * that a free gate is a loop over words and a layer of AND gates one gathering.
 */
import { INV, XOR, type Schedule } from '@tallystick/circuits'
import type { Routine } from '@tallystick/protocol'
import { planeWords } from '../backend.ts'
import { openBits } from '../rep3/local.ts'
import { and } from '../rep3/multiply.ts'
import { bits, type Components, type Party } from '../rep3/party.ts'

/** Free gates on one component. `ones` is all ones where the component carries public values, else 0. */
export const freeGates = (code: Int32Array, state: Int32Array, words: number, ones: number): void => {
  for (let at = 0; at < code.length; at += 4) {
    const kind = code[at]!
    const [a, b, out] = [code[at + 1]! * words, code[at + 2]! * words, code[at + 3]! * words]
    if (kind === XOR) for (let i = 0; i < words; i++) state[out + i] = state[a + i]! ^ state[b + i]!
    else if (kind === INV) for (let i = 0; i < words; i++) state[out + i] = state[a + i]! ^ ones
    else state.fill(-code[at + 1]! & ones, out, out + words)
  }
}

/** Operand `side` of all AND gates of a layer, one after the other. */
export const gather = (code: Int32Array, state: Int32Array, words: number, side: 0 | 1): Uint32Array => {
  const out = new Uint32Array((code.length / 3) * words)
  for (let at = side, to = 0; at < code.length; at += 3, to += words) {
    const from = code[at]! * words
    for (let i = 0; i < words; i++) out[to + i] = state[from + i]!
  }
  return out
}

export const scatter = (code: Int32Array, state: Int32Array, words: number, results: Uint32Array): void => {
  for (let at = 2, from = 0; at < code.length; at += 3, from += words) {
    const to = code[at]! * words
    for (let i = 0; i < words; i++) state[to + i] = results[from + i]!
  }
}

/** Components of the planes of all inputs to those of all outputs. */
export function* evaluateComponents(
  party: Party,
  schedule: Schedule,
  inputs: Components,
  instances: number,
): Routine<Components> {
  const words = planeWords(instances)
  // Component 0 carries public values: the parties 0 (own) and 2 (next) hold it.
  const sides = [
    { state: new Int32Array(schedule.slots * words), ones: party.index === 0 ? -1 : 0 },
    { state: new Int32Array(schedule.slots * words), ones: party.index === 2 ? -1 : 0 },
  ] as const
  const [own, next] = sides
  schedule.inputs.forEach((slot, i) => {
    own.state.set(inputs.own.subarray(i * words, (i + 1) * words), slot * words)
    next.state.set(inputs.next.subarray(i * words, (i + 1) * words), slot * words)
  })
  for (const { free, and: code } of schedule.layers) {
    for (const { state, ones } of sides) freeGates(free, state, words, ones)
    const gates = code.length / 3
    if (gates === 0) continue
    const operand = (side: 0 | 1) =>
      bits(gates, instances, gather(code, own.state, words, side), gather(code, next.state, words, side))
    const results = openBits(yield* and(party, operand(0), operand(1)))
    scatter(code, own.state, words, results.own)
    scatter(code, next.state, words, results.next)
  }
  const outputsOf = (state: Int32Array): Uint32Array => {
    const out = new Uint32Array(schedule.outputs.length * words)
    schedule.outputs.forEach((slot, i) => out.set(state.subarray(slot * words, (slot + 1) * words), i * words))
    return out
  }
  return { own: outputsOf(own.state), next: outputsOf(next.state) }
}
