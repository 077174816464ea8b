/**
 * A circuit on shared bits, bit-sliced over the instances: O. Goldreich, S. Micali, A. Wigderson (STOC 1987) with all AND
 * gates of a layer in one round. Free gates cost no message, so rounds are the AND depth of the circuit.
 */
import { INV, XOR, type Schedule } from '@tallystick/circuits'
import { TallyError } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import { planeWords, type Backend, type Bits } from '../backend.ts'

/** Parts of one call: what an argument list can hold. */
const mostParts = 4096

const stackAll = (backend: Backend, parts: readonly Bits[]): Bits => {
  if (parts.length <= mostParts) return backend.stack(...parts)
  const stacks: Bits[] = []
  for (let at = 0; at < parts.length; at += mostParts) stacks.push(backend.stack(...parts.slice(at, at + mostParts)))
  return stackAll(backend, stacks)
}

const freeGates = (backend: Backend, code: Int32Array, slots: Bits[], length: number): void => {
  for (let at = 0; at < code.length; at += 4) {
    const [kind, a, b, out] = code.subarray(at, at + 4) as unknown as [number, number, number, number]
    if (kind === XOR) slots[out] = backend.xor(slots[a]!, slots[b]!)
    else if (kind === INV) slots[out] = backend.not(slots[a]!)
    else slots[out] = backend.constantBits(1, length, new Uint32Array(planeWords(length)).fill(-a))
  }
}

/** Planes of all inputs, one value after another and least significant bits first, to planes of all outputs. */
export function* evaluateCircuit(backend: Backend, schedule: Schedule, inputs: Bits): Routine<Bits> {
  const { length } = inputs
  if (inputs.width !== schedule.inputs.length) {
    const message = `expected ${schedule.inputs.length} planes of inputs, found ${inputs.width}`
    throw new TallyError('api/misuse', 'self', message)
  }
  const slots: Bits[] = Array.from({ length: schedule.slots })
  schedule.inputs.forEach((slot, i) => (slots[slot] = backend.planes(inputs, [i])))
  for (const { free, and } of schedule.layers) {
    freeGates(backend, free, slots, length)
    const gates = and.length / 3
    if (gates === 0) continue
    const operands = (side: 0 | 1): Bits =>
      stackAll(
        backend,
        Array.from({ length: gates }, (_, gate) => slots[and[3 * gate + side]!]!),
      )
    const results = yield* backend.and(operands(0), operands(1))
    for (let gate = 0; gate < gates; gate++) slots[and[3 * gate + 2]!] = backend.planes(results, [gate])
  }
  return stackAll(
    backend,
    Array.from(schedule.outputs, (slot) => slots[slot]!),
  )
}
