/**
 * Bins of a cuckoo table with three hash functions, points (row, function) in them, and tags of bins compared under shares:
 * what circuit PSI (Pinkas, Schneider, Tkachenko, Yanai, EUROCRYPT 2019, ia.cr/2019/241, section 4) and what is made of it
 * have in common. Steps of protocols, whose headers say what is sent, who learns what, and what is constant-time.
 */
import { TallyError } from '@tallystick/core'
import { bitsSlice, blake3Ids, blake3Masks, cuckooPlace, emptyBin, type Digests } from '@tallystick/kernels'
import { equalShares, vectorWords, type Transfers, type TripleMessages, type TripleStore } from '@tallystick/ot'
import type { Context, Routine } from '@tallystick/protocol'
import { chunks } from '../ecdh/items.ts'

type Compute = Pick<Context<any, any>, 'compute'>

/** Hash functions of the table. */
export const hashes = 3
const blockBytes = 16
/** Rows that a kernel call takes. */
const stepRows = 16_384

/**
 * Bins for so many rows, without a stash. 1.27 n is what Pinkas, Schneider and Zohner (TOPS 2018, ia.cr/2016/930) found to
 * fail with probability 2^-40 in experiments. For small n that is too few, since a few rows may share their few bins: with
 * 257 n^0.4 bins the union bound over all sets of j rows whose 3j places fall in j - 1 bins is below 2^-41 for n up to
 * 4500, where 1.27 n begins to be more.
 */
export const binsOf = (rows: number): number => Math.max(Math.ceil(1.27 * rows), Math.ceil(257 * rows ** 0.4))

/** Bins up to whole vectors of bits; those past {@link binsOf} mean nothing. */
export const slotsOf = (rows: number): number => 128 * Math.ceil(binsOf(rows) / 128)

/** Bits of a tag: among the bins of `tables` tables two different tags agree with probability 2^-statistical at most. */
export const tagBits = (rows: number, tables: number, statistical: number): number => {
  let bits = statistical
  for (let reach = 1; reach < tables * slotsOf(rows); reach *= 2) bits++
  return bits
}

/** The cuckoo table of rows by the digests of their ids: ascending bins, and the entry 4 · row + k in each. */
export function* placeRows(ctx: Compute, rows: number, { first }: Digests) {
  const { table, unplaced } = yield* ctx.compute(cuckooPlace, { digests: first, bins: binsOf(rows) })
  if (unplaced.length > 0) {
    const message = `${unplaced.length} rows found no bin in the cuckoo table (probability 2^-40)`
    throw new TallyError('session/aborted', 'self', message, { remedy: 'start a new attempt: it draws a new salt' })
  }
  const bins = Uint32Array.from(table.keys()).filter((bin) => table[bin] !== emptyBin)
  return { bins, entries: bins.map((bin) => table[bin]!) }
}

/** Of each row its entries 4 · row + k, for all three functions. */
export const allEntries = (rows: number): Uint32Array =>
  Uint32Array.from({ length: hashes * rows }, (_, i) => 4 * Math.floor(i / hashes) + (i % hashes))

/** Digests of (id, k) for entries 4 · row + k: `first` is H in GF(2^128), `second` the row of every store. */
export function* pointsOf(ctx: Compute, key: Uint8Array, ids: Digests, entries: Uint32Array): Routine<Digests> {
  const width = 2 * blockBytes + 1
  const first = new Uint8Array(blockBytes * entries.length)
  const second = new Uint8Array(blockBytes * entries.length)
  for (const [from, to] of chunks(entries.length, stepRows)) {
    const bytes = new Uint8Array(width * (to - from))
    const offsets = Uint32Array.from({ length: to - from + 1 }, (_, i) => width * i)
    for (let i = 0; i < to - from; i++) {
      const entry = entries[from + i]!
      const at = blockBytes * (entry >>> 2)
      for (let k = 0; k < blockBytes; k++) {
        bytes[width * i + k] = ids.first[at + k]!
        bytes[width * i + blockBytes + k] = ids.second[at + k]!
      }
      bytes[width * (i + 1) - 1] = entry & 3
    }
    const part = yield* ctx.compute(blake3Ids, { key, bytes, offsets })
    first.set(part.first, blockBytes * from)
    second.set(part.second, blockBytes * from)
  }
  return { first, second }
}

const noTweak = new Uint8Array(blockBytes)

/** F(point) = H'(value, point) for each point. */
export const masksOf = (ctx: Compute, key: Uint8Array, values: Uint8Array, points: Digests): Routine<Uint8Array> =>
  ctx.compute(blake3Masks, { ...points, key, values, tweak: noTweak, width: blockBytes })

/** XOR shares of whether the two ends' tags agree, a bit a slot: the low `bits` bits, at most 64, of 16 bytes. */
export function* equalTags<M extends TripleMessages>(
  ctx: Context<M, any>,
  { transfers, store }: { readonly transfers: Transfers; readonly store: TripleStore },
  tags: Uint8Array,
  bits: number,
): Routine<Uint32Array> {
  const slots = tags.length / blockBytes
  const own = new Uint32Array(tags.buffer, tags.byteOffset, 4 * slots)
  const words = new Uint32Array(2 * slots)
  for (let i = 0; i < slots; i++) {
    words[2 * i] = own[4 * i]!
    words[2 * i + 1] = own[4 * i + 1]!
  }
  const planes = yield* ctx.compute(bitsSlice, { words, ring: 64 })
  return yield* equalShares(ctx, transfers, store, planes.slice(0, bits * vectorWords(slots)), bits)
}
