/** The sender: evaluates under the key that its list was prepared with, and learns nothing. */
import { equalBytes, fromHex, TallyError } from '@tallystick/core'
import { oprfScale } from '@tallystick/kernels'
import { decodeScalar, generator, order, scalarBytes } from '@tallystick/kernels/oprf/scalars'
import type { Party } from '@tallystick/protocol'
import { checkItems, chunks } from '../ecdh/items.ts'
import type { Items } from '../ecdh/messages.ts'
import { elementBytes, type messages, type Outcome, type Parameters } from './messages.ts'

const keyOf = (items: Items): Uint8Array => {
  checkItems(items, 'sender', 1)
  const value = items.bytes.length === scalarBytes ? decodeScalar(items.bytes) : 0n
  if (value > 0n && value < order) return items.bytes
  throw new TallyError('input/malformed', 'self', 'expected the key of a prepared list, found something else', {
    remedy: 'name the folder that `tally list prepare` made',
  })
}

const wrongRows = (message: string): TallyError =>
  new TallyError('peer/misbehaved', { peer: 'receiver' }, message, {
    remedy: 'ask the receiver which software it runs: the agreed protocol does not send this; keep the journal',
  })

export const sender: Party<typeof messages, 'sender', Parameters, Items, Outcome> = function* (
  ctx,
  { sizes, list, chunkRows },
  items,
) {
  const scalars = keyOf(items)
  const { points: own } = yield* ctx.compute(oprfScale, { scalars, points: generator })
  if (!equalBytes(own, fromHex(list.key, elementBytes))) {
    throw new TallyError('input/changed', 'self', 'the key is not the one whose public part stands in the terms', {
      remedy: 'name the prepared list that the terms were made for, or agree on new terms',
    })
  }
  const evaluated: Uint8Array[] = []
  for (const [from, to] of chunks(sizes.receiver, chunkRows)) {
    const points = yield* ctx.receive('blinded')
    const found = points.length / elementBytes
    if (found !== to - from) throw wrongRows(`expected ${to - from} queries from row ${from} on, found ${found}`)
    const out = yield* ctx.compute(oprfScale, { scalars, points })
    if (out.bad >= 0) throw wrongRows(`query ${from + out.bad} is no element of ristretto255`)
    evaluated.push(out.points)
  }
  yield* ctx.checkpoint()
  for (const points of evaluated) yield* ctx.send('evaluated', points)
  return { kind: 'none' }
}
