/** Circuits in the clear, bit-sliced over a batch of instances: what every protocol that runs circuits is compared with. */
import { INV, misuse, sum, XOR, type Circuit } from './circuit.ts'
import { scheduleOf, type Schedule } from './schedule.ts'
import { integersToRows, planeWords, rowsToIntegers, toPlanes, toRows } from './slices.ts'

/**
 * Planes of all inputs, one value after another, to planes of all outputs (see slices.ts). `words` is the number of words
 * of a plane.
 */
export const evaluatePlanes = (schedule: Schedule, inputs: Uint32Array, words: number): Uint32Array => {
  if (inputs.length !== schedule.inputs.length * words) {
    throw misuse(`expected ${schedule.inputs.length} planes of ${words} words, found ${inputs.length} words`)
  }
  const state = new Int32Array(schedule.slots * words)
  schedule.inputs.forEach((slot, i) => state.set(inputs.subarray(i * words, (i + 1) * words), slot * words))
  for (const { free, and } of schedule.layers) {
    for (let at = 0; at < free.length; at += 4) {
      const kind = free[at]!
      const [a, b, out] = [free[at + 1]! * words, free[at + 2]! * words, free[at + 3]! * words]
      if (kind === XOR) for (let i = 0; i < words; i++) state[out + i] = state[a + i]! ^ state[b + i]!
      else if (kind === INV) for (let i = 0; i < words; i++) state[out + i] = ~state[a + i]!
      else state.fill(-free[at + 1]!, out, out + words)
    }
    for (let at = 0; at < and.length; at += 3) {
      const [a, b, out] = [and[at]! * words, and[at + 1]! * words, and[at + 2]! * words]
      for (let i = 0; i < words; i++) state[out + i] = state[a + i]! & state[b + i]!
    }
  }
  const outputs = new Uint32Array(schedule.outputs.length * words)
  schedule.outputs.forEach((slot, i) => outputs.set(state.subarray(slot * words, (slot + 1) * words), i * words))
  return outputs
}

/** Clears the bits past the last instance. */
export const maskPlanes = (planes: Uint32Array, instances: number): Uint32Array => {
  const words = planeWords(instances)
  const rest = instances % 32
  if (rest === 0) return planes
  for (let at = words - 1; at < planes.length; at += words) planes[at]! &= 2 ** rest - 1
  return planes
}

/** Rows of every input value (⌈width / 8⌉ bytes an instance) to rows of every output value. */
export const evaluateRows = (circuit: Circuit, inputs: readonly Uint8Array[], instances: number): Uint8Array[] => {
  if (inputs.length !== circuit.inputs.length) {
    throw misuse(`expected ${circuit.inputs.length} input values, found ${inputs.length}`)
  }
  const words = planeWords(instances)
  const planes = new Uint32Array(sum(circuit.inputs) * words)
  let at = 0
  circuit.inputs.forEach((width, i) => {
    planes.set(toPlanes(inputs[i]!, width, instances), at)
    at += width * words
  })
  const out = maskPlanes(evaluatePlanes(scheduleOf(circuit), planes, words), instances)
  at = 0
  return circuit.outputs.map((width) => toRows(out.subarray(at, (at += width * words)), width, instances))
}

/** The same for one instance, in integers. */
export const evaluate = (circuit: Circuit, inputs: readonly bigint[]): bigint[] => {
  if (inputs.length !== circuit.inputs.length) {
    throw misuse(`expected ${circuit.inputs.length} input values, found ${inputs.length}`)
  }
  const rows = inputs.map((value, i) => integersToRows([value], circuit.inputs[i]!))
  return evaluateRows(circuit, rows, 1).map((row, i) => rowsToIntegers(row, circuit.outputs[i]!)[0]!)
}
