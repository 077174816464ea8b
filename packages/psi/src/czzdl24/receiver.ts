/** The receiver: finds which rows of the sender it lacks, and gets these. */
import { aesExpand, tableIntersect } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { drawScalar } from '../ecdh/coins.ts'
import { checkItems, chunks } from '../ecdh/items.ts'
import type { Items } from '../ecdh/messages.ts'
import { receiveAndMask, receiveDoubled, sendMasked } from '../ecdh/steps.ts'
import { receiveChunk } from '../rr22/steps.ts'
import { unpadRows } from './ids.ts'
import { blockBytes, elementBytes, shapeOf, widthOf, type messages } from './messages.ts'
import type { Outcome, Parameters } from './messages.ts'
import type { Transfer } from './index.ts'

type Ctx = Context<typeof messages, 'receiver'>

/** The ids at the wanted places: the others are under keys that this side lacks. */
function* receiveWanted(ctx: Ctx, parameters: Parameters, wanted: readonly number[], keys: Uint8Array) {
  const width = widthOf(parameters)
  const opened = new Uint8Array(width * wanted.length)
  let next = 0
  for (const [from, to] of chunks(parameters.sizes.sender, parameters.chunkRows)) {
    const masked = yield* receiveChunk('sender', 'masked ids', [from, to], width, () => ctx.receive('masked'))
    const first = next
    while (next < wanted.length && wanted[next]! < to) next++
    const places = wanted.slice(first, next)
    const own = new Uint8Array(blockBytes * places.length)
    places.forEach((place, i) => own.set(keys.subarray(blockBytes * place, blockBytes * (place + 1)), blockBytes * i))
    if (places.length === 0) continue
    const pads = yield* ctx.compute(aesExpand, { keys: own, width })
    for (const [i, place] of places.entries()) {
      for (let k = 0; k < width; k++) {
        opened[width * (first + i) + k] = masked[width * (place - from) + k]! ^ pads[width * i + k]!
      }
    }
  }
  return opened
}

export const receiverOver = (transfer: Transfer) =>
  function* (ctx: Ctx, parameters: Parameters, items: Items): Routine<Outcome> {
    const { sizes, idBytes } = parameters
    const shape = shapeOf(parameters)
    checkItems(items, 'receiver', sizes.receiver)
    const scalar = drawScalar(ctx.narrow('scalar').rng)
    const choices = ctx.narrow('choices').rng.bytes(blockBytes * Math.ceil(sizes.sender / 128))
    const [, theirs, keys] = yield* ctx.join(
      (branch) => sendMasked(branch, shape, scalar, items, undefined, (rows) => branch.send('receiverMasked', rows)),
      (branch) => receiveAndMask(branch, shape, scalar, 'sender', () => branch.receive('senderMasked')),
      (branch) => transfer.receive(branch, 'sender', { n: sizes.sender, security: 'semi-honest' }, choices),
    )
    yield* ctx.checkpoint()
    const own = yield* receiveDoubled(shape, 'receiver', () => ctx.receive('receiverDoubled'))
    const found = yield* ctx.compute(tableIntersect, { left: theirs, right: own, width: elementBytes })
    const wanted = Array.from(found.keys()).filter((row) => found[row]! < 0)
    const turned = choices.slice(0, Math.ceil(sizes.sender / 8))
    for (const row of wanted) turned[row >> 3]! ^= 1 << (row & 7)
    // Bits past the last row are as random as the others.
    yield* ctx.send('turned', turned)
    const opened = yield* receiveWanted(ctx, parameters, wanted, keys)
    return { kind: 'union', others: unpadRows('sender', opened, widthOf(parameters), idBytes) }
  }
