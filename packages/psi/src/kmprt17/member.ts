/** A member: programs its function with its zero shares at its own rows; learns nothing. */
import { invariant } from '@tallystick/core'
import { aesExpand, gf128Scale, okvsDecode, okvsEncode, type Digests } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { chunks } from '../ecdh/items.ts'
import type { Items, Outcome } from '../ecdh/messages.ts'
import { checkOwn, receiveChunk } from '../rr22/steps.ts'
import { elementBytes, isTrivial, leaderRole, seedBytes, storeShape, storeSize } from './messages.ts'
import type { Parameters, Role } from './messages.ts'
import { addTo, agreeKeys, digestsOf, masksOf, sendVector, zeroShares, type Ctx, type Vole } from './steps.ts'

/** Salt, keys, own digests and zero shares. */
function* prepare(ctx: Ctx, roles: readonly Role[], items: Items) {
  const keys = yield* agreeKeys(ctx, roles)
  const salt = yield* ctx.receive('salt')
  const digests = yield* digestsOf(ctx, salt, items)
  return { salt, digests, shares: yield* zeroShares(ctx, keys, digests) }
}

/** K = B + Δ (P + A'), in place of B, chunk by chunk as it comes. */
function* receiveEncoded(ctx: Ctx, parameters: Parameters, delta: Uint8Array, b: Uint8Array): Routine<void> {
  const size = b.length / elementBytes
  const receive = () => ctx.receive('encoded')
  for (const [from, to] of chunks(size, parameters.chunkRows)) {
    const elements = yield* receiveChunk(leaderRole, 'encoded rows', [from, to], elementBytes, receive)
    const scaled = yield* ctx.compute(gf128Scale, { factor: delta, elements })
    addTo(b.subarray(elementBytes * from, elementBytes * to), scaled)
  }
}

/** A store of `values` at the own rows; what they do not determine is pseudorandom, so that it hides the rows. */
function* program(ctx: Ctx, parameters: Parameters, digests: Digests, values: Uint8Array): Routine<Uint8Array> {
  const shape = storeShape(parameters, ctx.role)
  const width = elementBytes * storeSize(parameters, ctx.role)
  const fill = yield* ctx.compute(aesExpand, { keys: ctx.rng.bytes(seedBytes), width })
  const { vector, bad } = yield* ctx.compute(okvsEncode, { shape, rows: digests.second, values, fill })
  invariant(bad < 0, 'distinct rows can be encoded under a fresh salt (probability of failure 2^-40)')
  return vector
}

/** Everything up to the hint: the store of s(y) + F(y) at all own rows. */
function* evaluate(
  ctx: Ctx,
  vole: Vole,
  roles: readonly Role[],
  parameters: Parameters,
  items: Items,
): Routine<Uint8Array> {
  const delta = ctx.narrow('delta').rng.bytes(elementBytes)
  const options = { n: storeSize(parameters, leaderRole), security: 'semi-honest' } as const
  const mine = roles.indexOf(ctx.role)
  let b = new Uint8Array()
  // The branches stand where the leader's do: branch 0 for all, branch i for member i.
  const [{ salt, digests, shares }] = yield* ctx.join(
    (branch) => prepare(branch, roles, items),
    ...roles.slice(1, mine + 1).map(
      (role) =>
        function* (branch: Ctx): Routine<void> {
          if (role === ctx.role) b = Uint8Array.from(yield* vole.send(branch, leaderRole, options, delta))
        },
    ),
  )
  const asked = ctx.narrow(ctx.role)
  yield* receiveEncoded(asked, parameters, delta, b)
  const shape = storeShape(parameters, leaderRole)
  // Sums are made in copies: what a kernel returned is kept for a resumption.
  const values = Uint8Array.from(yield* asked.compute(okvsDecode, { shape, rows: digests.second, vector: b }))
  addTo(values, yield* asked.compute(gf128Scale, { factor: delta, elements: digests.first }))
  addTo(shares, yield* masksOf(asked, salt, values, digests))
  return yield* program(ctx.narrow('hint'), parameters, digests, shares)
}

export const memberOf = (vole: Vole, roles: readonly Role[]) =>
  function* (ctx: Ctx, parameters: Parameters, items: Items): Routine<Outcome> {
    yield* checkOwn(ctx, items, ctx.role, parameters.sizes[ctx.role]!)
    const hint = isTrivial(parameters) ? undefined : yield* evaluate(ctx, vole, roles, parameters, items)
    yield* ctx.checkpoint()
    if (hint !== undefined) {
      const out = ctx.narrow('hints').narrow(ctx.role)
      yield* sendVector(parameters, hint, (part) => out.send('hint', part))
    }
    return { kind: 'none' }
  }
