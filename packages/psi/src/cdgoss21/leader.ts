/** The leader: asks every member about its own rows at once, counts with one of them, and learns the outcome. */
import type { Routine } from '@tallystick/protocol'
import type { Items } from '../ecdh/messages.ts'
import { beginQuery, query, saltBytes, shareWords, tableOf, type Blocks, type Table } from '../membership/index.ts'
import { checkOwn, misbehaved } from '../rr22/steps.ts'
import { atLeastShares } from './count.ts'
import { counterRole, leaderRole, pairOf, type Parameters, type Role } from './messages.ts'
import type { Ctx, Outcome } from './steps.ts'

/** Own rows in whose bin the bit is as wanted. */
const rowsWhere = ({ rows, bins }: Table, bits: Uint32Array, wanted: number): Uint32Array =>
  rows.filter((_, i) => ((bits[bins[i]! >> 5]! >>> (bins[i]! & 31)) & 1) === wanted).sort()

export const leaderOf = (blocks: Blocks, roles: readonly Role[]) =>
  function* (ctx: Ctx, parameters: Parameters, items: Items): Routine<Outcome> {
    const { sizes, threshold, output } = parameters
    const members = roles.slice(1)
    yield* checkOwn(ctx, items, leaderRole, sizes[leaderRole]!)
    const salt = ctx.narrow('salt').rng.bytes(saltBytes)
    const [table, ...begun] = yield* ctx.join(
      function* (branch: Ctx): Routine<Table> {
        for (const peer of members) yield* branch.send('salt', salt, peer)
        return yield* tableOf(branch, salt, items, pairOf(blocks, parameters, members[0]!))
      },
      ...members.map(
        (peer) => (branch: Ctx) => beginQuery(branch as never, blocks, peer, pairOf(blocks, parameters, peer)),
      ),
    )
    const shares = yield* ctx.join(
      ...members.map(
        (peer, i) => (branch: Ctx) => query(branch as never, peer, pairOf(blocks, parameters, peer), table, begun[i]!),
      ),
    )
    const { transfers, store } = begun[0]!
    const own = yield* atLeastShares(ctx.narrow('count'), transfers, store, shares, threshold)
    yield* ctx.checkpoint()
    const theirs = yield* ctx.receive('outcome')
    const expected = shareWords(sizes[leaderRole]!)
    if (theirs.length !== expected) {
      throw misbehaved(counterRole, `outcome of the ${counterRole}: expected ${expected} words, found ${theirs.length}`)
    }
    const bits = own.map((word, i) => word ^ theirs[i]!)
    return { kind: 'rows', rows: rowsWhere(table, bits, output === 'at-least' ? 1 : 0) }
  }
