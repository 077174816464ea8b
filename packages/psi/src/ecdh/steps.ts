/** The four steps that both roles take, each over the chunks of one message. */
import { invariant, TallyError, utf8ToBytes } from '@tallystick/core'
import { curve25519HashScale, curve25519Scale, tableIntersect } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { orderCoins, pickRows, randomOrder, scalarCoins } from './coins.ts'
import { chunks, pickItems } from './items.ts'
import { elementBytes, type Items, type messages, type Outcome, type Parameters, type Role } from './messages.ts'

type Ctx = Pick<Context<typeof messages, Role>, 'compute'>
type Send = (rows: Uint8Array) => Routine<void>
type Receive = () => Routine<Uint8Array>

/** Domain separation of the hash to the group; ends in the suite's id as RFC 9380, section 3.1, recommends. */
export const hashTag = utf8ToBytes('tallystick/psi/ecdh/v1/curve25519_XMD:SHA-512_ELL2_RO_')

/** Whether a role learns the outcome. */
export const learns = ({ to }: Parameters, role: Role): boolean => role === 'receiver' || to === 'both'

/** A set is sent in a random order if its reader learns anything: a place in a list says something about its row. */
export const shufflesSet = (parameters: Parameters, owner: Role): boolean =>
  learns(parameters, owner === 'receiver' ? 'sender' : 'receiver')

/** Replies for the cardinality come back in a random order, else their reader would know which rows are common. */
export const shufflesReply = (parameters: Parameters, owner: Role): boolean =>
  parameters.output === 'cardinality' && learns(parameters, owner)

/** Exact bytes of private coins that a role draws. */
export const coinsOf = (parameters: Parameters, role: Role): number => {
  const peer = role === 'receiver' ? 'sender' : 'receiver'
  const { sizes } = parameters
  return (
    scalarCoins +
    (shufflesSet(parameters, role) ? orderCoins * sizes[role] : 0) +
    (shufflesReply(parameters, peer) ? orderCoins * sizes[peer] : 0)
  )
}

const wrongRows = (peer: Role, what: string, found: string): TallyError =>
  new TallyError('peer/misbehaved', { peer }, `${what} of the ${peer}: ${found}`, {
    remedy: `ask the ${peer} which software it runs: the agreed protocol does not send this; keep the journal`,
  })

/** Hashes own rows to the group, masks them and sends them. */
export function* sendMasked(
  ctx: Ctx,
  { chunkRows }: Parameters,
  scalar: Uint8Array,
  items: Items,
  order: Uint32Array | undefined,
  send: Send,
): Routine<void> {
  for (const [from, to] of chunks(items.offsets.length - 1, chunkRows)) {
    const { bytes, offsets } = pickItems(items, order, from, to)
    const masked = yield* ctx.compute(curve25519HashScale, { dst: hashTag, bytes, offsets, scalar })
    invariant(masked.bad < 0, 'a hash to the group is not neutral (probability 2^-252)')
    yield* send(masked.points)
  }
}

/** Receives the frame of rows from … to. @throws TallyError peer/misbehaved for any other number of rows. */
function* receiveChunk(
  peer: Role,
  what: string,
  [from, to]: readonly [from: number, to: number],
  receive: Receive,
): Routine<Uint8Array> {
  const chunk = yield* receive()
  if (chunk.length === elementBytes * (to - from)) return chunk
  const found = chunk.length / elementBytes
  throw wrongRows(peer, what, `expected ${to - from} rows in the frame from row ${from} on, found ${found}`)
}

/** Receives the peer's masked rows and masks them a second time: `rows` elements. */
export function* receiveAndMask(
  ctx: Ctx,
  parameters: Parameters,
  scalar: Uint8Array,
  peer: Role,
  receive: Receive,
): Routine<Uint8Array> {
  const rows = parameters.sizes[peer]
  const doubled = new Uint8Array(elementBytes * rows)
  for (const [from, to] of chunks(rows, parameters.chunkRows)) {
    const points = yield* receiveChunk(peer, 'masked rows', [from, to], receive)
    const { points: chunk, bad } = yield* ctx.compute(curve25519Scale, { scalar, points })
    if (bad >= 0) {
      throw wrongRows(peer, 'masked rows', `row ${from + bad} is no canonical, non-neutral element of the group`)
    }
    doubled.set(chunk, elementBytes * from)
  }
  return doubled
}

/** Sends the doubly masked rows back to their owner. Opens something: only after the checkpoint. */
export function* sendDoubled(
  { chunkRows }: Parameters,
  doubled: Uint8Array,
  order: Uint32Array | undefined,
  send: Send,
): Routine<void> {
  for (const [from, to] of chunks(doubled.length / elementBytes, chunkRows)) {
    const chunk = doubled.subarray(elementBytes * from, elementBytes * to)
    yield* send(order === undefined ? chunk : pickRows(doubled, elementBytes, order.subarray(from, to)))
  }
}

/** Receives own rows back, doubly masked. */
export function* receiveDoubled(parameters: Parameters, role: Role, receive: Receive): Routine<Uint8Array> {
  const peer = role === 'receiver' ? 'sender' : 'receiver'
  const rows = parameters.sizes[role]
  const own = new Uint8Array(elementBytes * rows)
  for (const [from, to] of chunks(rows, parameters.chunkRows)) {
    own.set(yield* receiveChunk(peer, 'doubly masked rows', [from, to], receive), elementBytes * from)
  }
  return own
}

/** Compares own doubly masked rows, in the order they were sent, with the peer's. */
export function* compare(
  ctx: Ctx,
  { output }: Parameters,
  own: Uint8Array,
  theirs: Uint8Array,
  order: Uint32Array | undefined,
): Routine<Outcome> {
  const found = yield* ctx.compute(tableIntersect, { left: own, right: theirs, width: elementBytes })
  let size = 0
  for (const match of found) if (match >= 0) size++
  if (output === 'cardinality') return { kind: 'cardinality', size }
  const rows = new Uint32Array(size)
  let at = 0
  for (let i = 0; i < found.length; i++) if (found[i]! >= 0) rows[at++] = order === undefined ? i : order[i]!
  return { kind: 'intersection', rows: rows.sort() }
}

/** The random order of a set or a reply, or none where the protocol keeps the order. */
export const drawOrder = (
  wanted: boolean,
  ctx: Pick<Context<typeof messages, Role>, 'narrow'>,
  step: string,
  rows: number,
): Uint32Array | undefined => (wanted ? randomOrder(ctx.narrow(step).rng, rows) : undefined)
