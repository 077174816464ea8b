/** A party's own rows: checked before anything is sent, cut into chunks in the order in which they are sent. */
import { TallyError } from '@tallystick/core'
import type { Items, Role } from './messages.ts'

/** FNV-1a over a row, then the finaliser of MurmurHash3: a hash for a table, not a cryptographic one. */
const rowHash = (bytes: Uint8Array, from: number, to: number): number => {
  let hash = 0x811c9dc5
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

const equalRows = ({ bytes, offsets }: Items, i: number, j: number): boolean => {
  const length = offsets[i + 1]! - offsets[i]!
  if (offsets[j + 1]! - offsets[j]! !== length) return false
  for (let k = 0; k < length; k++) if (bytes[offsets[i]! + k] !== bytes[offsets[j]! + k]) return false
  return true
}

/** The first row that repeats an earlier one, with that earlier row. Open addressing, 8 to 16 bytes a row. */
export const firstDuplicate = (items: Items): { readonly row: number; readonly of: number } | undefined => {
  const { bytes, offsets } = items
  const size = offsets.length - 1
  const mask = 2 ** Math.ceil(Math.log2(2 * size + 2)) - 1
  const table = new Int32Array(mask + 1).fill(-1)
  for (let row = 0; row < size; row++) {
    let slot = rowHash(bytes, offsets[row]!, offsets[row + 1]!) & mask
    for (; table[slot] !== -1; slot = (slot + 1) & mask) {
      if (equalRows(items, row, table[slot]!)) return { row, of: table[slot]! }
    }
    table[slot] = row
  }
  return undefined
}

/** Checks the shape of a role's own input. @throws TallyError input/malformed or input/changed (another number of rows). */
export const checkRows = (items: Items, role: string, size: number): void => {
  const { bytes, offsets } = items
  const malformed = (found: string): TallyError =>
    new TallyError('input/malformed', 'self', `expected n + 1 non-decreasing offsets over the bytes, found ${found}`)
  if (offsets.length === 0 || offsets[0] !== 0) throw malformed('a first offset other than 0')
  for (let i = 1; i < offsets.length; i++) {
    if (offsets[i]! < offsets[i - 1]!) throw malformed(`a smaller offset at position ${i}`)
  }
  if (offsets.at(-1) !== bytes.length) throw malformed(`an end at ${offsets.at(-1)} of ${bytes.length} bytes`)
  const rows = offsets.length - 1
  if (rows !== size) {
    throw new TallyError('input/changed', 'self', `the terms say ${size} rows of the ${role}, found ${rows}`, {
      remedy: 'restore the data that the terms were made for, or agree on new terms with the size of today',
    })
  }
}

/** Checks that each row begins with so many bytes of values. @throws TallyError input/malformed; the next row is never read in its place */
export const checkValued = ({ bytes, offsets }: Items, width: number): void => {
  for (let row = 0; row + 1 < offsets.length; row++) {
    if (offsets[row + 1]! - offsets[row]! >= width && offsets[row + 1]! <= bytes.length) continue
    throw new TallyError('input/malformed', 'self', `expected ${width} bytes of values in row ${row}, found fewer`, {
      remedy: 'bring the columns that the terms name, in the role that they name',
    })
  }
}

export const duplicated = (row: number, of: number): TallyError =>
  new TallyError('input/duplicate', 'self', `expected distinct rows, found row ${row} equal to row ${of}`, {
    remedy: 'remove the duplicates, or choose the rule "keep-first" in the terms',
  })

/**
 * Checks a role's own input against the terms; nothing was sent yet.
 * @throws TallyError input/malformed, input/changed (not the agreed number of rows) or input/duplicate.
 */
export const checkItems = (items: Items, role: Role, size: number): void => {
  checkRows(items, role, size)
  const duplicate = firstDuplicate(items)
  if (duplicate !== undefined) throw duplicated(duplicate.row, duplicate.of)
}

/** Bounds [from, to) of the chunks of `rows` rows. */
export function* chunks(rows: number, chunkRows: number): Generator<readonly [from: number, to: number]> {
  for (let from = 0; from < rows; from += chunkRows) yield [from, Math.min(rows, from + chunkRows)]
}

/** The rows order[from … to) as items of their own; without an order, the rows from … to. */
export const pickItems = (
  { bytes, offsets }: Items,
  order: Uint32Array | undefined,
  from: number,
  to: number,
): Items => {
  const picked = new Uint32Array(to - from + 1)
  const rowAt = (i: number): number => (order === undefined ? from + i : order[from + i]!)
  for (let i = 0; i < to - from; i++) picked[i + 1] = picked[i]! + offsets[rowAt(i) + 1]! - offsets[rowAt(i)]!
  const out = new Uint8Array(picked[to - from]!)
  for (let i = 0; i < to - from; i++) out.set(bytes.subarray(offsets[rowAt(i)], offsets[rowAt(i) + 1]), picked[i])
  return { bytes: out, offsets: picked }
}
