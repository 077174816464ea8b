/** The sender: has the key of every bin; learns the outcome only where the terms say `to: 'both'`. */
import { tableSort, type Sorted } from '@tallystick/kernels'
import { baseReceive } from '@tallystick/ot'
import type { Context, Party, Routine } from '@tallystick/protocol'
import { chunks } from '../ecdh/items.ts'
import type { Items, Outcome } from '../ecdh/messages.ts'
import { checkOwn, misbehaved, receiveChunk } from '../rr22/steps.ts'
import { binOf, codesOf, columnsOf, digestsOf, frameKeys, frames, hashRows, stepRows, toRows } from './matrix.ts'
import { hashes } from '../bins/index.ts'
import { binsOf, codeBits, codeBytes, isTrivial, maskBytes, matrixRows } from './messages.ts'
import type { messages, Parameters } from './messages.ts'

type Ctx = Context<typeof messages, 'sender'>

/** q of each bin: the receiver's row, plus the choices where its code word has a bit. */
function* receiveMatrix(ctx: Ctx, parameters: Parameters, choices: Uint8Array, keys: Uint8Array): Routine<Uint8Array> {
  const matrix = new Uint8Array(codeBytes * matrixRows(parameters))
  const columnKeys = yield* frameKeys(ctx, parameters, keys)
  for (const [frame, [from, to]] of frames(parameters).entries()) {
    // A copy: what a kernel gave may lie in a journal.
    const own = (yield* columnsOf(ctx, columnKeys[frame]!, to - from)).slice()
    const receive = () => ctx.receive('columns')
    const theirs = (yield* receiveChunk('receiver', 'columns', [from, to], codeBytes, receive)).slice()
    const words = (to - from) / 32
    const sums = new Uint32Array(own.buffer)
    const corrections = new Uint32Array(theirs.buffer)
    for (let column = 0; column < codeBits; column++) {
      const mask = -((choices[column >> 3]! >> (column & 7)) & 1)
      for (let i = column * words; i < (column + 1) * words; i++) sums[i]! ^= mask & corrections[i]!
    }
    matrix.set(yield* toRows(ctx, own), codeBytes * from)
  }
  return matrix
}

/** Row i of words, and the choices, plus the matrix's row of its bin. Outside of generators: they are not optimised alike. */
const addMatrix = (
  words: Uint32Array,
  choices: Uint32Array,
  matrix: Uint32Array,
  binAt: (row: number) => number,
): void => {
  for (let i = 0, to = 0; to < words.length; i++) {
    const at = 16 * binAt(i)
    for (let j = 0; j < 16; j++, to++) words[to] = (words[to]! & choices[j]!) ^ matrix[at + j]!
  }
}

/** The values of all own rows under hash function k: H(q of the bin + (C(row, k) and the choices)). */
function* evaluate(
  ctx: Ctx,
  parameters: Parameters,
  k: number,
  own: {
    readonly salt: Uint8Array
    readonly places: Uint8Array
    readonly second: Uint8Array
    readonly choices: Uint8Array
    readonly matrix: Uint8Array
  },
): Routine<Uint8Array> {
  const width = maskBytes(parameters)
  const bins = binsOf(parameters)
  const { sender } = parameters.sizes
  const out = new Uint8Array(width * sender)
  const places = new Uint32Array(own.places.buffer)
  const matrix = new Uint32Array(own.matrix.buffer)
  const choices = new Uint32Array(own.choices.slice().buffer)
  for (const [from, to] of chunks(sender, stepRows)) {
    const entries = new Uint32Array(to - from)
    for (let i = 0; i < entries.length; i++) entries[i] = 4 * (from + i) + k
    const rows = (yield* codesOf(ctx, own.second, entries)).slice()
    const words = new Uint32Array(rows.buffer)
    addMatrix(words, choices, matrix, (i) => binOf(places, from + i, k, bins))
    out.set(yield* hashRows(ctx, own.salt, rows, width), width * from)
  }
  return out
}

/** Rows of `width` bytes in another order. */
const ordered = (rows: Uint8Array, width: number, order: Uint32Array): Uint8Array => {
  const out = new Uint8Array(rows.length)
  order.forEach((from, to) => out.set(rows.subarray(width * from, width * (from + 1)), width * to))
  return out
}

/**
 * All masks, a set for each hash function. Sorted, what is sent is a function of the set of masks: it says nothing about
 * the order of the rows. Where both learn, all sets have the order of the first, so that the reply is a bit a row: a bit a
 * mask would say under which function the receiver placed a row, which depends on its other rows.
 */
function* transfers(ctx: Ctx, parameters: Parameters, items: Items): Routine<Sorted[]> {
  const choices = ctx.narrow('choices').rng.bytes(codeBytes)
  const [keys, { salt, places, second }] = yield* ctx.join(
    (branch) => baseReceive(branch, 'receiver', codeBits, choices),
    function* (branch) {
      const salt = yield* branch.receive('salt')
      return { salt, ...(yield* digestsOf(branch, salt, items)) }
    },
  )
  const matrix = yield* receiveMatrix(ctx, parameters, choices, keys)
  const sets: Sorted[] = []
  for (let k = 0; k < hashes; k++) {
    const rows = yield* evaluate(ctx, parameters, k, { salt, places, second, choices, matrix })
    const width = maskBytes(parameters)
    const order = parameters.to === 'both' ? sets[0]?.order : undefined
    if (order === undefined) sets.push(yield* ctx.compute(tableSort, { rows, width }))
    else sets.push({ rows: ordered(rows, width, order), order })
  }
  return sets
}

/** Own rows that the receiver found; `order` is that in which their masks were sent. */
function* receiveCommon(ctx: Ctx, { sizes, chunkRows }: Parameters, order: Uint32Array): Routine<Uint32Array> {
  const bits = new Uint8Array(Math.ceil(sizes.sender / 8))
  for (const [from, to] of chunks(bits.length, chunkRows)) {
    bits.set(yield* receiveChunk('receiver', 'common rows', [from, to], 1, () => ctx.receive('common')), from)
  }
  const rows: number[] = []
  for (let bit = 0; bit < 8 * bits.length; bit++) {
    if (((bits[bit >> 3]! >> (bit & 7)) & 1) === 0) continue
    const row = order[bit]
    if (row === undefined) throw misbehaved('receiver', `common rows of the receiver: bit ${bit} stands for no row`)
    rows.push(row)
  }
  return Uint32Array.from(rows).sort()
}

export const sender: Party<typeof messages, 'sender', Parameters, Items, Outcome> = function* (ctx, parameters, items) {
  const { sizes, to, chunkRows } = parameters
  yield* checkOwn(ctx, items, 'sender', sizes.sender)
  const nothing: Outcome = to === 'both' ? { kind: 'intersection', rows: new Uint32Array() } : { kind: 'none' }
  const sets = isTrivial(parameters) ? undefined : yield* transfers(ctx, parameters, items)
  yield* ctx.checkpoint()
  if (sets === undefined) return nothing
  const width = maskBytes(parameters)
  for (const { rows } of sets) {
    for (const [from, end] of chunks(sizes.sender, chunkRows)) {
      yield* ctx.send('masks', rows.subarray(width * from, width * end))
    }
  }
  if (to === 'receiver') return nothing
  return { kind: 'intersection', rows: yield* receiveCommon(ctx, parameters, sets[0]!.order) }
}
