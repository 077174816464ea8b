/** The receiver: asks about its rows, and learns their tags. */
import { TallyError } from '@tallystick/core'
import { oprfBlind, oprfFinalize } from '@tallystick/kernels'
import { drawScalars, invertScalars, scalarBytes } from '@tallystick/kernels/oprf/scalars'
import type { Party } from '@tallystick/protocol'
import { checkItems, chunks, pickItems } from '../ecdh/items.ts'
import type { Items } from '../ecdh/messages.ts'
import { elementBytes, tagBytes, type messages, type Outcome, type Parameters } from './messages.ts'
import { groupTag, tagsOf } from './suite.ts'

const misbehaved = (message: string): TallyError =>
  new TallyError('peer/misbehaved', { peer: 'sender' }, message, {
    remedy: 'ask the sender which software it runs: the agreed protocol does not send this; keep the journal',
  })

export const receiver: Party<typeof messages, 'receiver', Parameters, Items, Outcome> = function* (
  ctx,
  { sizes, chunkRows },
  items,
) {
  const rows = sizes.receiver
  checkItems(items, 'receiver', rows)
  const blinds = drawScalars(ctx.narrow('blinds').rng, rows)
  for (const [from, to] of chunks(rows, chunkRows)) {
    const scalars = blinds.subarray(scalarBytes * from, scalarBytes * to)
    const input = { dst: groupTag, ...pickItems(items, undefined, from, to), scalars }
    yield* ctx.send('blinded', yield* ctx.compute(oprfBlind, input))
  }
  yield* ctx.checkpoint()
  const inverses = invertScalars(blinds)
  const tags = new Uint8Array(tagBytes * rows)
  for (const [from, to] of chunks(rows, chunkRows)) {
    const points = yield* ctx.receive('evaluated')
    const found = points.length / elementBytes
    if (found !== to - from) throw misbehaved(`expected ${to - from} evaluations from row ${from} on, found ${found}`)
    const scalars = inverses.subarray(scalarBytes * from, scalarBytes * to)
    const input = { ...pickItems(items, undefined, from, to), scalars, points }
    const { outputs, bad } = yield* ctx.compute(oprfFinalize, input)
    if (bad >= 0) throw misbehaved(`the evaluation of row ${from + bad} is no element of ristretto255`)
    tags.set(tagsOf(outputs), tagBytes * from)
  }
  return { kind: 'tags', tags }
}
