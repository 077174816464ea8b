/** A member: holds rows that the leader asks about, learns nothing. The first of them counts with the leader. */
import type { Routine } from '@tallystick/protocol'
import type { Items } from '../ecdh/messages.ts'
import { beginHold, heldOf, hold, shareWords, type Blocks, type Held, type HolderBegun } from '../membership/index.ts'
import { checkOwn, misbehaved } from '../rr22/steps.ts'
import { atLeastShares } from './count.ts'
import { counterRole, leaderRole, pairOf, type Parameters, type Role } from './messages.ts'
import type { Ctx, Outcome } from './steps.ts'

/** What the counting member gets of the others: one vector of shares each. */
function* receiveShares(ctx: Ctx, { sizes }: Parameters, others: readonly Role[]): Routine<readonly Uint32Array[]> {
  const out: Uint32Array[] = []
  const expected = shareWords(sizes[leaderRole]!)
  for (const peer of others) {
    const shares = yield* ctx.receive('shares', peer)
    if (shares.length !== expected) {
      throw misbehaved(peer, `shares of the ${peer}: expected ${expected} words, found ${shares.length}`)
    }
    out.push(shares)
  }
  return out
}

/** Shares of the own answers. The branches stand where the leader's do: branch i for member i. */
function* answer(
  ctx: Ctx,
  blocks: Blocks,
  roles: readonly Role[],
  parameters: Parameters,
  items: Items,
): Routine<{ readonly shares: Uint32Array; readonly begun: HolderBegun }> {
  const pair = pairOf(blocks, parameters, ctx.role)
  const upTo = roles.slice(1, roles.indexOf(ctx.role) + 1)
  let begun: HolderBegun | undefined
  let shares: Uint32Array | undefined
  const [held] = yield* ctx.join(
    function* (branch: Ctx): Routine<Held> {
      return yield* heldOf(branch, yield* branch.receive('salt'), items, pair)
    },
    ...upTo.map(
      (role) =>
        function* (branch: Ctx): Routine<void> {
          if (role === ctx.role) begun = yield* beginHold(branch as never, blocks, leaderRole, pair)
        },
    ),
  )
  yield* ctx.join(
    ...upTo.map(
      (role) =>
        function* (branch: Ctx): Routine<void> {
          if (role === ctx.role) shares = yield* hold(branch as never, leaderRole, pair, held, begun!)
        },
    ),
  )
  return { shares: shares!, begun: begun! }
}

export const memberOf = (blocks: Blocks, roles: readonly Role[]) =>
  function* (ctx: Ctx, parameters: Parameters, items: Items): Routine<Outcome> {
    const { sizes, threshold } = parameters
    yield* checkOwn(ctx, items, ctx.role, sizes[ctx.role]!)
    const { shares, begun } = yield* answer(ctx, blocks, roles, parameters, items)
    if (ctx.role !== counterRole) {
      yield* ctx.send('shares', shares)
      yield* ctx.checkpoint()
      return { kind: 'none' }
    }
    const all = [shares, ...(yield* receiveShares(ctx, parameters, roles.slice(2)))]
    const outcome = yield* atLeastShares(ctx.narrow('count'), begun.transfers, begun.store, all, threshold)
    yield* ctx.checkpoint()
    yield* ctx.send('outcome', outcome)
    return { kind: 'none' }
  }
