/** Ids as rows of one width (a byte that counts the length from 1, the id, zeros), their sort keys, and back. */
import { taggedDigest, TallyError } from '@tallystick/core'
import type { Words } from '../backend.ts'
import { concatWords, shiftLeftWords } from '../words.ts'
import type { UnionParameters } from './parameters.ts'

/** Ids as flat bytes: id i is bytes[offsets[i], offsets[i + 1]). */
export interface UnionRows {
  readonly bytes: Uint8Array
  /** n + 1 positions, non-decreasing, from 0 to the length of `bytes`. */
  readonly offsets: Uint32Array
}

/** Bits of a key: of its id's digest, or, where ids are as short, the id itself. */
export const keyBits = 80

/** Elements of 64 bits that an id takes. */
export const columnsOf = ({ idBytes }: Pick<UnionParameters, 'idBytes'>): number => Math.ceil((1 + idBytes) / 8)

/** Bits below a key for the place of its row among all. */
export const placeBits = ({ sizes }: Pick<UnionParameters, 'sizes'>): number => {
  const rows = Object.values(sizes).reduce((sum, size) => sum + size, 0)
  return Math.max(1, 32 - Math.clz32(rows - 1))
}

const idAt = ({ bytes, offsets }: UnionRows, row: number): Uint8Array => bytes.subarray(offsets[row], offsets[row + 1])

/** @throws TallyError input/invalid-value where an own id is longer than agreed; nothing was sent yet. */
const checkLengths = ({ offsets }: UnionRows, idBytes: number): void => {
  for (let row = 0; row + 1 < offsets.length; row++) {
    const length = offsets[row + 1]! - offsets[row]!
    if (length <= idBytes) continue
    const message = `row ${row} has an id of ${length} bytes, the terms say ${idBytes} at most`
    throw new TallyError('input/invalid-value', 'self', message, { remedy: 'agree on terms with longer ids' })
  }
}

/** Bytes as words, least byte first, whatever the machine. */
const littleEndian = (bytes: Uint8Array): Words => {
  const out = new Uint32Array(Math.ceil(bytes.length / 4))
  for (let i = 0; i < bytes.length; i++) out[i >> 2]! |= bytes[i]! << (8 * (i & 3))
  return out
}

/** Row by row, 8 bytes a column. */
export const paddedOf = (rows: UnionRows, parameters: UnionParameters): Uint8Array => {
  checkLengths(rows, parameters.idBytes)
  const width = 8 * columnsOf(parameters)
  const count = rows.offsets.length - 1
  const out = new Uint8Array(width * count)
  for (let row = 0; row < count; row++) {
    const id = idAt(rows, row)
    out[width * row] = 1 + id.length
    out.set(id, width * row + 1)
  }
  return out
}

/** Column after column, elements of 64 bits. */
export const columnWords = (padded: Uint8Array, columns: number): Words => {
  const words = littleEndian(padded)
  const count = padded.length / (8 * columns)
  const out = new Uint32Array(words.length)
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < columns; column++) {
      const [from, to] = [2 * (columns * row + column), 2 * (count * column + row)]
      out[to] = words[from]!
      out[to + 1] = words[from + 1]!
    }
  }
  return out
}

/** Keys with the places of their rows below them, elements of 128 bits: no two are equal, in order of keys then places. */
export const keyWords = (padded: Uint8Array, parameters: UnionParameters, first: number): Words => {
  const width = 8 * columnsOf(parameters)
  const bytes = keyBits / 8
  const count = padded.length / width
  const flat = new Uint8Array(16 * count)
  for (let row = 0; row < count; row++) {
    const id = padded.subarray(width * row, width * (row + 1))
    const short = 1 + parameters.idBytes <= bytes
    flat.set(short ? id.subarray(0, bytes) : taggedDigest('tallystick/ba12/key/v1', id).subarray(0, bytes), 16 * row)
  }
  const words = shiftLeftWords(128, littleEndian(flat), placeBits(parameters))
  for (let row = 0; row < count; row++) words[4 * row]! |= first + row
  return words
}

const before = (a: Uint8Array, b: Uint8Array): number => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

/** Ids one after the other, ascending by their bytes, each once. */
export const flatOf = (ids: readonly Uint8Array[]): UnionRows => {
  const sorted = ids.toSorted(before).filter((id, i, all) => i === 0 || before(all[i - 1]!, id) !== 0)
  const offsets = new Uint32Array(sorted.length + 1)
  sorted.forEach((id, i) => (offsets[i + 1] = offsets[i]! + id.length))
  const bytes = new Uint8Array(offsets[sorted.length]!)
  sorted.forEach((id, i) => bytes.set(id, offsets[i]))
  return { bytes, offsets }
}

export const idsOf = (rows: UnionRows): readonly Uint8Array[] =>
  Array.from({ length: rows.offsets.length - 1 }, (_, row) => idAt(rows, row))

/**
 * From opened columns: rows of zeros are blank.
 * @throws TallyError peer/misbehaved for a row that is no padded id
 */
export const unpadded = (opened: Words, parameters: UnionParameters): UnionRows => {
  const columns = columnsOf(parameters)
  const width = 8 * columns
  const count = opened.length / (2 * columns)
  const ids: Uint8Array[] = []
  for (let row = 0; row < count; row++) {
    const words = concatWords(
      Array.from({ length: columns }, (_, c) => opened.subarray(2 * (count * c + row), 2 * (count * c + row) + 2)),
    )
    if (words.every((word) => word === 0)) continue
    const padded = Uint8Array.from({ length: width }, (_, i) => words[i >> 2]! >>> (8 * (i & 3)))
    const length = padded[0]! - 1
    if (length < 0 || length > parameters.idBytes || padded.subarray(1 + length).some((byte) => byte !== 0)) {
      throw new TallyError('peer/misbehaved', 'none', `opened row ${row} is no padded id`, {
        remedy: 'a party entered a wrong row or sent a wrong share: the audit by replay tells which',
      })
    }
    ids.push(padded.slice(1, 1 + length))
  }
  return flatOf(ids)
}
