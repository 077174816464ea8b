/** The receiver: encodes its rows, learns which of them are common. */
import { equalBytes, invariant, taggedDigest } from '@tallystick/core'
import { okvsDecode, okvsEncode, tableIntersect, type Digests } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { chunks } from '../ecdh/items.ts'
import type { Items, Outcome } from '../ecdh/messages.ts'
import type { Variant, Wire } from './index.ts'
import { elementBytes, isTrivial, maskBytes, saltBytes, storeShape, storeSize, type Parameters } from './messages.ts'
import { add, checkOwn, digestsOf, masksOf, misbehaved, receiveChunk } from './steps.ts'

type Ctx = Context<Wire, 'receiver'>

/** Encodes H(x) at x for all own rows: the vector P. */
function* encode(ctx: Ctx, parameters: Parameters, salt: Uint8Array, items: Items) {
  yield* ctx.send('salt', salt)
  const digests = yield* digestsOf(ctx, salt, items)
  const { first: values, second: rows } = digests
  const input = { shape: storeShape(parameters), rows, values, fill: new Uint8Array() }
  const { vector, bad } = yield* ctx.compute(okvsEncode, input)
  invariant(bad < 0, 'distinct rows can be encoded under a fresh salt (probability of failure 2^-40)')
  return { digests, vector }
}

/** w = w_r + w_s, the sender's part bound by its commitment before ours was sent. */
function* tossCoin(ctx: Ctx): Routine<Uint8Array> {
  const commitment = yield* ctx.receive('coinCommitment')
  const own = ctx.narrow('coin').rng.bytes(elementBytes)
  yield* ctx.send('receiverCoin', own)
  const theirs = yield* ctx.receive('senderCoin')
  if (!equalBytes(taggedDigest('tallystick/psi/rr22/coin/v1', theirs), commitment)) {
    throw misbehaved('sender', 'the coin of the sender is not the one that it committed to')
  }
  return add(own, theirs)
}

/** The sender's masks, all of them, in ascending order. */
function* receiveMasks(ctx: Ctx, { sizes, chunkRows }: Parameters, width: number): Routine<Uint8Array> {
  const masks = new Uint8Array(width * sizes.sender)
  for (const [from, to] of chunks(sizes.sender, chunkRows)) {
    const chunk = yield* receiveChunk('sender', 'masks', [from, to], width, () => ctx.receive('masks'))
    masks.set(chunk, width * from)
  }
  return masks
}

/** Tells the sender which of its masks are common. */
function* sendCommon(ctx: Ctx, { sizes, chunkRows }: Parameters, found: Int32Array): Routine<void> {
  const bits = new Uint8Array(Math.ceil(sizes.sender / 8))
  for (const place of found) if (place >= 0) bits[place >> 3]! |= 1 << (place & 7)
  for (const [from, to] of chunks(bits.length, chunkRows)) yield* ctx.send('common', bits.subarray(from, to))
}

const rowsFound = (found: Int32Array): Uint32Array => {
  let size = 0
  for (const place of found) if (place >= 0) size++
  const rows = new Uint32Array(size)
  let at = 0
  for (let i = 0; i < found.length; i++) if (found[i]! >= 0) rows[at++] = i
  return rows
}

/** Everything up to own masks F(x). */
function* evaluate(ctx: Ctx, variant: Variant, parameters: Parameters, items: Items): Routine<Uint8Array> {
  const { security, vole } = variant
  const salt = ctx.narrow('salt').rng.bytes(saltBytes)
  const [{ a, c }, { digests, vector }] = yield* ctx.join(
    (branch) => vole.receive(branch.narrow('vole'), 'sender', { n: storeSize(parameters), security }),
    (branch) => encode(branch, parameters, salt, items),
  )
  for (const [from, to] of chunks(vector.length / elementBytes, parameters.chunkRows)) {
    const part = (table: Uint8Array): Uint8Array => table.subarray(elementBytes * from, elementBytes * to)
    yield* ctx.send('encoded', add(part(vector), part(a)))
  }
  const tweak = security === 'malicious' ? yield* tossCoin(ctx) : new Uint8Array(elementBytes)
  return yield* maskOwn(ctx, parameters, salt, c, digests, tweak, maskBytes(parameters, variant))
}

function* maskOwn(
  ctx: Ctx,
  parameters: Parameters,
  salt: Uint8Array,
  vector: Uint8Array,
  digests: Digests,
  tweak: Uint8Array,
  width: number,
): Routine<Uint8Array> {
  const values = yield* ctx.compute(okvsDecode, { shape: storeShape(parameters), rows: digests.second, vector })
  return yield* masksOf(ctx, salt, values, digests, tweak, width)
}

export const receiverOf = (variant: Variant) =>
  function* (ctx: Ctx, parameters: Parameters, items: Items): Routine<Outcome> {
    yield* checkOwn(ctx, items, 'receiver', parameters.sizes.receiver)
    const width = maskBytes(parameters, variant)
    const left = isTrivial(parameters) ? undefined : yield* evaluate(ctx, variant, parameters, items)
    yield* ctx.checkpoint()
    if (left === undefined) return { kind: 'intersection', rows: new Uint32Array() }
    const right = yield* receiveMasks(ctx, parameters, width)
    const found = yield* ctx.compute(tableIntersect, { left, right, width })
    if (parameters.to === 'both') yield* sendCommon(ctx, parameters, found)
    return { kind: 'intersection', rows: rowsFound(found) }
  }
