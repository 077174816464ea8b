/** The leader: asks every member's function at its own rows, and learns which of them all parties hold. */
import { invariant } from '@tallystick/core'
import { okvsDecode, okvsEncode, type Digests } from '@tallystick/kernels'
import type { VoleReceived } from '@tallystick/ot'
import type { Routine } from '@tallystick/protocol'
import { chunks } from '../ecdh/items.ts'
import type { Items, Outcome } from '../ecdh/messages.ts'
import { checkOwn, receiveChunk } from '../rr22/steps.ts'
import { elementBytes, isTrivial, leaderRole, saltBytes, storeShape, storeSize, type Parameters } from './messages.ts'
import type { Role } from './messages.ts'
import { addTo, agreeKeys, digestsOf, masksOf, sendVector, zeroShares, type Ctx, type Vole } from './steps.ts'

/** Keys, salt, own digests and the vector P with Decode(P, x) = H(x) at all own rows. */
function* prepare(ctx: Ctx, roles: readonly Role[], parameters: Parameters, salt: Uint8Array, items: Items) {
  for (const peer of roles.slice(1)) yield* ctx.send('salt', salt, peer)
  const keys = yield* agreeKeys(ctx, roles)
  const digests = yield* digestsOf(ctx, salt, items)
  const shape = storeShape(parameters, leaderRole)
  const { first: values, second: rows } = digests
  const { vector, bad } = yield* ctx.compute(okvsEncode, { shape, rows, values, fill: new Uint8Array() })
  invariant(bad < 0, 'distinct rows can be encoded under a fresh salt (probability of failure 2^-40)')
  return { keys, digests, vector }
}

/** P + A' to one member; then F_i at all own rows. */
function* ask(
  ctx: Ctx,
  parameters: Parameters,
  peer: Role,
  { a, c }: VoleReceived,
  { digests, vector, salt }: { readonly digests: Digests; readonly vector: Uint8Array; readonly salt: Uint8Array },
): Routine<Uint8Array> {
  const encoded = Uint8Array.from(a)
  addTo(encoded, vector)
  yield* sendVector(parameters, encoded, (part) => ctx.send('encoded', part, peer))
  const shape = storeShape(parameters, leaderRole)
  const values = yield* ctx.compute(okvsDecode, { shape, rows: digests.second, vector: c })
  return yield* masksOf(ctx, salt, values, digests)
}

/** Everything up to the sum of the own zero shares and all F_i(x). */
function* evaluate(ctx: Ctx, vole: Vole, roles: readonly Role[], parameters: Parameters, items: Items) {
  const salt = ctx.narrow('salt').rng.bytes(saltBytes)
  const options = { n: storeSize(parameters, leaderRole), security: 'semi-honest' } as const
  const [{ keys, ...own }, ...voles] = yield* ctx.join(
    (branch) => prepare(branch, roles, parameters, salt, items),
    ...roles.slice(1).map((peer) => (branch: Ctx) => vole.receive(branch, peer, options)),
  )
  const sum = yield* zeroShares(ctx, keys, own.digests)
  for (const peer of roles.slice(1)) {
    addTo(sum, yield* ask(ctx.narrow(peer), parameters, peer, voles.shift()!, { ...own, salt }))
  }
  return { sum, digests: own.digests }
}

/** Decode(hint, x) of one member at all own rows. */
function* decodeHint(ctx: Ctx, parameters: Parameters, peer: Role, { second }: Digests): Routine<Uint8Array> {
  const size = storeSize(parameters, peer)
  const vector = new Uint8Array(elementBytes * size)
  const receive = () => ctx.receive('hint', peer)
  for (const [from, to] of chunks(size, parameters.chunkRows)) {
    vector.set(yield* receiveChunk(peer, 'hint', [from, to], elementBytes, receive), elementBytes * from)
  }
  return yield* ctx.compute(okvsDecode, { shape: storeShape(parameters, peer), rows: second, vector })
}

/** The rows whose sum is zero. */
const zeroRows = (sum: Uint8Array): Uint32Array => {
  const words = new Uint32Array(sum.buffer, sum.byteOffset, sum.length / 4)
  const rows: number[] = []
  for (let i = 0; i < words.length; i += 4) {
    if ((words[i]! | words[i + 1]! | words[i + 2]! | words[i + 3]!) === 0) rows.push(i / 4)
  }
  return Uint32Array.from(rows)
}

export const leaderOf = (vole: Vole, roles: readonly Role[]) =>
  function* (ctx: Ctx, parameters: Parameters, items: Items): Routine<Outcome> {
    yield* checkOwn(ctx, items, leaderRole, parameters.sizes[leaderRole]!)
    const asked = isTrivial(parameters) ? undefined : yield* evaluate(ctx, vole, roles, parameters, items)
    yield* ctx.checkpoint()
    if (asked === undefined) return { kind: 'intersection', rows: new Uint32Array() }
    const { sum, digests } = asked
    const hints = ctx.narrow('hints')
    for (const peer of roles.slice(1)) addTo(sum, yield* decodeHint(hints.narrow(peer), parameters, peer, digests))
    return { kind: 'intersection', rows: zeroRows(sum) }
  }
