import { TallyError } from '@tallystick/core'
import type { DecodeInput, EncodeInput } from './kernels.ts'
import { denseColumns, okvsSize, type OkvsShape } from './parameters.ts'

const misuse = (text: string): TallyError => new TallyError('api/misuse', 'self', `okvs: expected ${text}`)

const within = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most

const checkShape = (shape: OkvsShape, rows: Uint8Array): void => {
  const { bins, load, sparse, dense } = shape
  const fits = within(bins, 1, 2 ** 20) && within(load, 0, 2 ** 20) && within(sparse, 3, 65_536)
  if (!fits || !within(dense, 0, denseColumns)) throw misuse(`a shape of the store, found ${JSON.stringify(shape)}`)
  if (rows.length % 16 !== 0) throw misuse(`rows of 16 bytes, found ${rows.length} bytes`)
}

const checkVector = (shape: OkvsShape, what: string, vector: Uint8Array): void => {
  const size = 16 * okvsSize(shape)
  if (vector.length !== size) throw misuse(`a ${what} of ${size} bytes, found ${vector.length}`)
}

/** @throws TallyError api/misuse unless there is one value a row, and the fill is empty or as large as the vector. */
export function checkEncode(input: EncodeInput): EncodeInput {
  const { shape, rows, values, fill } = input
  checkShape(shape, rows)
  if (values.length !== rows.length) throw misuse(`a value of 16 bytes for each row, found ${values.length} bytes`)
  if (fill.length > 0) checkVector(shape, 'fill', fill)
  return input
}

/** @throws TallyError api/misuse unless the vector has the size that the shape says. */
export function checkDecode(input: DecodeInput): DecodeInput {
  checkShape(input.shape, input.rows)
  checkVector(input.shape, 'vector', input.vector)
  return input
}
