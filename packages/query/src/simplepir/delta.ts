/**
 * A delta as bytes: versions, counts, then per changed slot its place and differences, then the stash whole, with its epochs.
 *
 *     from (4) ‖ to (4) ‖ changed slots c (4) ‖ c columns (4 each) ‖ c slots (4 each) ‖ c · width differences (2 each) ‖ stash
 */
import { concatBytes, TallyError } from '@tallystick/core'
import { splitEpochs } from '../sealed/epochs.ts'
import { slotBytesOf, type Shape } from './shape.ts'
import type { Delta } from './update.ts'

const bytesOf = (view: Uint32Array | Int16Array): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength)

const headBytes = 12

export const encodeDelta = ({ from, to, columns, slots, differences, stash }: Delta): Uint8Array =>
  concatBytes(
    bytesOf(Uint32Array.of(from, to, columns.length)),
    bytesOf(columns),
    bytesOf(slots),
    bytesOf(differences),
    stash,
  )

const malformed = (found: string): TallyError =>
  new TallyError('decode/malformed', 'none', `expected a delta of a table, found ${found}`, {
    remedy: 'fetch the delta again, or the whole hint',
  })

/** @throws TallyError decode/malformed, input/malformed unless these are the bytes of a delta for a table of this shape */
export const decodeDelta = (delta: Uint8Array, shape: Shape): Delta => {
  // A copy that starts at 0: views of other classes slice without copying.
  const bytes = new Uint8Array(delta)
  const width = slotBytesOf(shape)
  if (bytes.length < headBytes) throw malformed(`${bytes.length} bytes`)
  const [from, to, count] = new Uint32Array(bytes.slice(0, headBytes).buffer)
  const stashAt = headBytes + count! * (8 + 2 * width)
  if (bytes.length < stashAt || from! >= to!) throw malformed('other sizes')
  splitEpochs(bytes.subarray(stashAt), width)
  const columns = new Uint32Array(bytes.slice(headBytes, headBytes + 4 * count!).buffer)
  const slots = new Uint32Array(bytes.slice(headBytes + 4 * count!, headBytes + 8 * count!).buffer)
  const differences = new Int16Array(bytes.slice(headBytes + 8 * count!, stashAt).buffer)
  if (columns.some((column) => column >= shape.columns) || slots.some((slot) => slot >= shape.slots)) {
    throw malformed('a slot outside of the table')
  }
  if (differences.some((difference) => difference < -255 || difference > 255)) {
    throw malformed('a difference that bytes cannot have')
  }
  return { from: from!, to: to!, columns, slots, differences, stash: bytes.slice(stashAt) }
}
