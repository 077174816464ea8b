/** Committed rows of a lookup, and back. Of the client a row is a key; of the holder the bytes of its key, key and value. */
import { TallyError } from '@tallystick/core'
import type { Items } from '@tallystick/kernels/oprf'
import { itemOf, type ClientInput, type HolderInput } from './messages.ts'

const itemsOf = (parts: readonly Uint8Array[]): Items => {
  const offsets = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  const bytes = new Uint8Array(offsets.at(-1) ?? 0)
  parts.forEach((part, i) => bytes.set(part, offsets[i]))
  return { bytes, offsets }
}

/** Two bytes of the key's length, little endian, the key, the value. */
export const lookupRows = ({ keys, values }: HolderInput): Items =>
  itemsOf(
    Array.from({ length: keys.offsets.length - 1 }, (_, row) => {
      const [key, value] = [itemOf(keys, row), itemOf(values, row)]
      const out = new Uint8Array(2 + key.length + value.length)
      out.set([key.length & 255, key.length >> 8])
      out.set(key, 2)
      out.set(value, 2 + key.length)
      return out
    }),
  )

/** @throws TallyError input/malformed for rows that {@link lookupRows} does not write */
export const lookupInput = (rows: Items, role: string): ClientInput | HolderInput => {
  if (role === 'client') return { keys: rows }
  const [keys, values]: [Uint8Array[], Uint8Array[]] = [[], []]
  for (let i = 0; i + 1 < rows.offsets.length; i++) {
    const row = itemOf(rows, i)
    const end = row.length < 2 ? Infinity : 2 + row[0]! + 256 * row[1]!
    if (end > row.length) {
      throw new TallyError('input/malformed', 'self', `row ${i}: expected a key and a value`, {
        remedy: 'declare the table again with this version, and agree on new terms',
      })
    }
    keys.push(row.subarray(2, end))
    values.push(row.subarray(end))
  }
  return { keys: itemsOf(keys), values: itemsOf(values) }
}
