/** The receiver: one row a bin, learns which of its rows are common. */
import { TallyError } from '@tallystick/core'
import { cuckooPlace, emptyBin, tableIntersect } from '@tallystick/kernels'
import { baseSend, type BaseSent } from '@tallystick/ot'
import type { Context, Party, Routine } from '@tallystick/protocol'
import { chunks } from '../ecdh/items.ts'
import type { Items, Outcome } from '../ecdh/messages.ts'
import { checkOwn, misbehaved, receiveChunk } from '../rr22/steps.ts'
import { addInto, codesOf, columnsOf, digestsOf, frameKeys, frames, hashRows, toColumns, toRows } from './matrix.ts'
import { hashes } from '../bins/index.ts'
import { binsOf, codeBits, codeBytes, isTrivial, maskBytes, matrixRows, saltBytes } from './messages.ts'
import type { messages, Parameters } from './messages.ts'

type Ctx = Context<typeof messages, 'receiver'>

/** 4 · row + k for each bin of the matrix, or `emptyBin`. */
function* placeRows(ctx: Ctx, parameters: Parameters, places: Uint8Array): Routine<Uint32Array> {
  const bins = binsOf(parameters)
  const { table, unplaced } = yield* ctx.compute(cuckooPlace, { digests: places, bins })
  if (unplaced.length > 0) {
    const message = `${unplaced.length} rows found no bin in the cuckoo table (probability 2^-40)`
    throw new TallyError('session/aborted', 'self', message, {
      remedy: 'start a new attempt: it draws a new salt',
    })
  }
  const entries = new Uint32Array(matrixRows(parameters)).fill(emptyBin)
  entries.set(table)
  return entries
}

/** The words of the taken bins in their places; an empty bin has the word zero, which nobody sees. */
const scattered = (codes: Uint8Array, entries: Uint32Array): Uint8Array => {
  const out = new Uint32Array((codeBytes / 4) * entries.length)
  const words = new Uint32Array(codes.buffer, codes.byteOffset, codes.length / 4)
  for (let bin = 0, next = 0; bin < entries.length; bin++) {
    if (entries[bin] === emptyBin) continue
    for (let i = 0; i < 16; i++) out[16 * bin + i] = words[next++]!
  }
  return new Uint8Array(out.buffer)
}

/** The code words of some bins. */
function* codeRows(ctx: Ctx, second: Uint8Array, entries: Uint32Array): Routine<Uint8Array> {
  const taken = entries.filter((entry) => entry !== emptyBin)
  return scattered(yield* codesOf(ctx, second, taken), entries)
}

/** The value of each bin's row, under the key that only the sender has. */
function* evaluate(
  ctx: Ctx,
  parameters: Parameters,
  salt: Uint8Array,
  second: Uint8Array,
  entries: Uint32Array,
  keys: BaseSent,
): Routine<Uint8Array> {
  const width = maskBytes(parameters)
  const masks = new Uint8Array(width * entries.length)
  const zero = yield* frameKeys(ctx, parameters, keys.zero)
  const one = yield* frameKeys(ctx, parameters, keys.one)
  for (const [frame, [from, to]] of frames(parameters).entries()) {
    const own = yield* columnsOf(ctx, zero[frame]!, to - from)
    // A copy: what a kernel gave may lie in a journal.
    const corrections = (yield* columnsOf(ctx, one[frame]!, to - from)).slice()
    addInto(corrections, own)
    addInto(corrections, yield* toColumns(ctx, yield* codeRows(ctx, second, entries.subarray(from, to))))
    yield* ctx.send('columns', corrections)
    masks.set(yield* hashRows(ctx, salt, yield* toRows(ctx, own), width), width * from)
  }
  return masks
}

/** The sender's masks under a hash function; ascending, or in the order of the first set. */
function* receiveMasks(
  ctx: Ctx,
  { sizes, chunkRows }: Parameters,
  width: number,
  ascending: boolean,
): Routine<Uint8Array> {
  const masks = new Uint8Array(width * sizes.sender)
  for (const [from, to] of chunks(sizes.sender, chunkRows)) {
    const chunk = yield* receiveChunk('sender', 'masks', [from, to], width, () => ctx.receive('masks'))
    masks.set(chunk, width * from)
  }
  for (let at = ascending ? width : masks.length; at < masks.length; at += width) {
    let k = 0
    while (k < width - 1 && masks[at + k] === masks[at + k - width]) k++
    if (masks[at + k]! < masks[at + k - width]!) {
      throw misbehaved('sender', `masks of the sender: expected ascending order, mask ${at / width} is below the last`)
    }
  }
  return masks
}

/** Own rows that are common, and for the sender a bit for each of its rows, in the order of its first set. */
function* compare(ctx: Ctx, parameters: Parameters, entries: Uint32Array, own: Uint8Array) {
  const { sizes } = parameters
  const width = maskBytes(parameters)
  const rows: number[] = []
  const bits = new Uint8Array(Math.ceil(sizes.sender / 8))
  for (let k = 0; k < hashes; k++) {
    const right = yield* receiveMasks(ctx, parameters, width, k === 0 || parameters.to === 'receiver')
    const taken: number[] = []
    entries.forEach((entry, bin) => {
      if (entry !== emptyBin && (entry & 3) === k) taken.push(bin)
    })
    const left = new Uint8Array(width * taken.length)
    taken.forEach((bin, i) => {
      for (let byte = 0; byte < width; byte++) left[width * i + byte] = own[width * bin + byte]!
    })
    const found = yield* ctx.compute(tableIntersect, { left, right, width })
    found.forEach((place, i) => {
      if (place < 0) return
      rows.push(entries[taken[i]!]! >>> 2)
      bits[place >> 3]! |= 1 << (place & 7)
    })
  }
  return { rows: Uint32Array.from(rows).sort(), bits }
}

function* transfers(ctx: Ctx, parameters: Parameters, items: Items) {
  const salt = ctx.narrow('salt').rng.bytes(saltBytes)
  const [keys, { second, entries }] = yield* ctx.join(
    (branch) => baseSend(branch, 'sender', codeBits),
    function* (branch) {
      const { places, second } = yield* digestsOf(branch, salt, items)
      const entries = yield* placeRows(branch, parameters, places)
      yield* branch.send('salt', salt)
      return { second, entries }
    },
  )
  return { entries, masks: yield* evaluate(ctx, parameters, salt, second, entries, keys) }
}

export const receiver: Party<typeof messages, 'receiver', Parameters, Items, Outcome> = function* (
  ctx,
  parameters,
  items,
) {
  yield* checkOwn(ctx, items, 'receiver', parameters.sizes.receiver)
  const own = isTrivial(parameters) ? undefined : yield* transfers(ctx, parameters, items)
  yield* ctx.checkpoint()
  if (own === undefined) return { kind: 'intersection', rows: new Uint32Array() }
  const { rows, bits } = yield* compare(ctx, parameters, own.entries, own.masks)
  if (parameters.to === 'both') {
    for (const [from, to] of chunks(bits.length, parameters.chunkRows)) {
      yield* ctx.send('common', bits.subarray(from, to))
    }
  }
  return { kind: 'intersection', rows }
}
