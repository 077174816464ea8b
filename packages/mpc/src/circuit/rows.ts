/** Rows of several values each to planes of bits and back (see slices.ts of the circuits package). */
import { evaluatePlanes, maskPlanes, planeWords, toPlanes, toRows } from '@tallystick/circuits'
import { bytesOf, circuitOfTerms, instancesOf, ownedBy } from './terms.ts'
import type { CircuitInput, CircuitParameters } from './terms.ts'

/** Planes of the values that a role brings, one value after another; bits past a value's width are not looked at. */
export const planesOfInput = (parameters: CircuitParameters, role: string, { rows }: CircuitInput): Uint32Array => {
  const { circuit } = circuitOfTerms(parameters.circuit)
  const instances = instancesOf(parameters)
  const widths = ownedBy(parameters, role).map((i) => circuit.inputs[i]!)
  return planesOfRows(rows, widths, instances)
}

const planesOfRows = (rows: Uint8Array, widths: readonly number[], instances: number): Uint32Array => {
  const rowBytes = widths.reduce((sum, width) => sum + bytesOf(width), 0)
  const words = planeWords(instances)
  const planes = new Uint32Array(widths.reduce((sum, width) => sum + width, 0) * words)
  let [at, offset] = [0, 0]
  for (const width of widths) {
    const own = new Uint8Array(bytesOf(width) * instances)
    for (let i = 0; i < instances; i++) {
      own.set(rows.subarray(i * rowBytes + offset, i * rowBytes + offset + bytesOf(width)), i * bytesOf(width))
    }
    planes.set(toPlanes(own, width, instances), at)
    at += width * words
    offset += bytesOf(width)
  }
  return planes
}

/** Planes of all outputs to rows. */
export const rowsOfPlanes = (planes: Uint32Array, widths: readonly number[], instances: number): Uint8Array => {
  const rowBytes = widths.reduce((sum, width) => sum + bytesOf(width), 0)
  const words = planeWords(instances)
  const rows = new Uint8Array(rowBytes * instances)
  let [at, offset] = [0, 0]
  for (const width of widths) {
    const own = toRows(planes.subarray(at, (at += width * words)), width, instances)
    for (let i = 0; i < instances; i++) {
      rows.set(own.subarray(i * bytesOf(width), (i + 1) * bytesOf(width)), i * rowBytes + offset)
    }
    offset += bytesOf(width)
  }
  return rows
}

/** Where in the planes of all inputs the planes of a role stand: indices of input bits. */
export const inputBitsOf = (parameters: CircuitParameters, role: string): readonly number[] => {
  const { circuit } = circuitOfTerms(parameters.circuit)
  let at = 0
  return circuit.inputs.flatMap((width, i) => {
    const from = at
    at += width
    return parameters.owners[i] === role ? Array.from({ length: width }, (_, bit) => from + bit) : []
  })
}

/** The ideal functionality: the rows of the outputs. */
export const idealRows = (
  parameters: CircuitParameters,
  inputs: Readonly<Record<string, CircuitInput>>,
): Uint8Array => {
  const { circuit, schedule } = circuitOfTerms(parameters.circuit)
  const instances = instancesOf(parameters)
  const words = planeWords(instances)
  const all = new Uint32Array(schedule.inputs.length * words)
  for (const role of new Set(parameters.owners)) {
    const planes = planesOfInput(parameters, role, inputs[role]!)
    inputBitsOf(parameters, role).forEach((bit, i) => all.set(planes.subarray(i * words, (i + 1) * words), bit * words))
  }
  return rowsOfPlanes(maskPlanes(evaluatePlanes(schedule, all, words), instances), circuit.outputs, instances)
}
