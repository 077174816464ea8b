/** Ids to points: one for each hash function, and where the receiver's rows lie. */
import { taggedDigest, TallyError } from '@tallystick/core'
import { blake3Ids, blake3Masks, cuckooPlace, emptyBin, type Digests } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { chunks } from '../ecdh/items.ts'
import type { Items } from '../ecdh/messages.ts'
import { elementBytes, slotsOf, binsOf, type Parameters } from './messages.ts'

type Compute = Pick<Context<any, any>, 'compute'>

/** Rows that a kernel call takes. */
const stepRows = 16_384

/** Digests of ids under the session's salt: words 0 to 2 of `first` are the hash functions. */
export const idsOf = (ctx: Compute, salt: Uint8Array, { bytes, offsets }: Items): Routine<Digests> =>
  ctx.compute(blake3Ids, { key: taggedDigest('tallystick/psi/psty19/ids/v1', salt), bytes, offsets })

/** The digest of (id, k) for each entry 4 · row + k. */
export function* pointsOf(
  ctx: Compute,
  salt: Uint8Array,
  { first, second }: Digests,
  entries: Uint32Array,
): Routine<Digests> {
  const key = taggedDigest('tallystick/psi/psty19/points/v1', salt)
  const width = 2 * elementBytes + 1
  const out = {
    first: new Uint8Array(elementBytes * entries.length),
    second: new Uint8Array(elementBytes * entries.length),
  }
  for (const [from, to] of chunks(entries.length, stepRows)) {
    const bytes = new Uint8Array(width * (to - from))
    const offsets = Uint32Array.from({ length: to - from + 1 }, (_, i) => width * i)
    for (let i = from; i < to; i++) {
      const at = elementBytes * (entries[i]! >>> 2)
      const place = width * (i - from)
      for (let k = 0; k < elementBytes; k++) {
        bytes[place + k] = first[at + k]!
        bytes[place + elementBytes + k] = second[at + k]!
      }
      bytes[place + width - 1] = entries[i]! & 3
    }
    const part = yield* ctx.compute(blake3Ids, { key, bytes, offsets })
    out.first.set(part.first, elementBytes * from)
    out.second.set(part.second, elementBytes * from)
  }
  return out
}

/** F(point) = H'(value, point) for one store. */
export const masksOf = (
  ctx: Compute,
  salt: Uint8Array,
  store: number,
  values: Uint8Array,
  points: Digests,
): Routine<Uint8Array> => {
  const key = taggedDigest('tallystick/psi/psty19/masks/v1', salt, Uint8Array.of(store))
  return ctx.compute(blake3Masks, { ...points, key, values, tweak: new Uint8Array(elementBytes), width: elementBytes })
}

/** The receiver's cuckoo table: entries 4 · row + k of the taken bins, and the bin of each. */
export function* placeRows(ctx: Compute, parameters: Parameters, { first }: Digests) {
  const { table, unplaced } = yield* ctx.compute(cuckooPlace, { digests: first, bins: binsOf(parameters) })
  if (unplaced.length > 0) {
    const message = `${unplaced.length} rows found no bin in the cuckoo table (probability 2^-40)`
    throw new TallyError('session/aborted', 'self', message, { remedy: 'start a new attempt: it draws a new salt' })
  }
  const entries = new Uint32Array(parameters.sizes.receiver)
  const bins = new Uint32Array(parameters.sizes.receiver)
  let next = 0
  for (let bin = 0; bin < table.length; bin++) {
    if (table[bin] === emptyBin) continue
    bins[next] = bin
    entries[next++] = table[bin]!
  }
  return { entries, bins }
}

/** Blocks of the given rows in their bins; the other bins keep what they have. */
export const scatter = (target: Uint8Array, bins: Uint32Array, rows: Uint8Array): void => {
  const to = new Uint32Array(target.buffer, target.byteOffset, target.length / 4)
  const from = new Uint32Array(rows.buffer, rows.byteOffset, rows.length / 4)
  for (let i = 0; i < bins.length; i++) {
    for (let k = 0; k < 4; k++) to[4 * bins[i]! + k] = from[4 * i + k]!
  }
}

/** Of each row the numbers of its entries 4 · row + k, for all three functions. */
export const allEntries = (rows: number): Uint32Array => {
  const out = new Uint32Array(3 * rows)
  for (let row = 0, at = 0; row < rows; row++) for (let k = 0; k < 3; k++) out[at++] = 4 * row + k
  return out
}

/** Bytes of one store's part of all bins. */
export const slotBytes = (parameters: Parameters): number => elementBytes * slotsOf(parameters)
