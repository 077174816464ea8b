/** Ids in rows of one width: a byte for the length, the id, zeros. */
import { TallyError } from '@tallystick/core'
import type { Items } from '../ecdh/messages.ts'
import { misbehaved } from '../rr22/steps.ts'

/** @throws TallyError input/invalid-value where an own id is longer than agreed; nothing was sent yet. */
export const checkLengths = ({ offsets }: Items, idBytes: number): void => {
  for (let row = 0; row + 1 < offsets.length; row++) {
    const length = offsets[row + 1]! - offsets[row]!
    if (length <= idBytes) continue
    const message = `row ${row} has an id of ${length} bytes, the terms say ${idBytes} at most`
    throw new TallyError('input/invalid-value', 'self', message, { remedy: 'agree on terms with longer ids' })
  }
}

/** Rows in the given order. */
export const padRows = ({ bytes, offsets }: Items, order: Uint32Array, width: number): Uint8Array => {
  const out = new Uint8Array(width * order.length)
  for (let i = 0; i < order.length; i++) {
    const [from, to] = [offsets[order[i]!]!, offsets[order[i]! + 1]!]
    out[width * i] = to - from
    out.set(bytes.subarray(from, to), width * i + 1)
  }
  return out
}

const before = (a: Uint8Array, b: Uint8Array): number => {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}

/** @throws TallyError peer/misbehaved for a row that is no padded id. */
export const unpadRows = (peer: string, rows: Uint8Array, width: number, idBytes: number): Items => {
  const ids: Uint8Array[] = []
  for (let at = 0; at < rows.length; at += width) {
    const length = rows[at]!
    const rest = rows.subarray(at + 1 + length, at + width)
    if (length > idBytes || rest.some((byte) => byte !== 0)) {
      throw misbehaved(peer, `masked ids of the ${peer}: row ${at / width} opens to no id`)
    }
    ids.push(rows.subarray(at + 1, at + 1 + length))
  }
  ids.sort(before)
  const offsets = new Uint32Array(ids.length + 1)
  ids.forEach((id, i) => (offsets[i + 1] = offsets[i]! + id.length))
  const bytes = new Uint8Array(offsets[ids.length]!)
  ids.forEach((id, i) => bytes.set(id, offsets[i]))
  return { bytes, offsets }
}
