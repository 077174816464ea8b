/**
 * Rows of one party that are on at least t of the lists of the others, or on fewer: quorum PSI of n = 3 to 10 parties, in a star,
 * by Chandran, Dasgupta, Gupta, Obbattu, Sekar and Shah (CCS 2021, ia.cr/2021/172), semi-honest. t = 1 is "on any other
 * list", and, turned round, the difference of the leader's list and all others.
 *
 * As theirs, it asks each member with one cuckoo table for shared membership (membership/index.ts: PSTY19, ia.cr/2019/241).
 * **One step is another one.** They turn the shares into shares of all n parties and compare by products among an honest
 * majority. Here the members hand their XOR shares to the first of them, and the leader and this one count in unary by GMW
 * (Goldreich, Micali, Wigderson, STOC 1987), as two parties to whom others outsourced (Kamara, Raykova, "Secure Outsourced
 * Computation in a Multi-tenant Cloud", 2011). So the assumption is another one too, see below.
 *
 *     leader (rows X)                 member-1 (counts)                   member i = 2 ... n-1
 *     ------------------------------------------------------------------------------------------
 *     salt to each; cuckoo table of X
 *     shared membership with each, side by side: e_ij = [row of bin j is on list i] in XOR shares
 *     [e_1j] ... [e_(n-1)j]           [e_1j]                              [e_ij]
 *                                               shares: [e_ij]
 *                                     [e_ij] <------------------------------
 *              GMW: [sum over i of e_ij >= t]
 *            <------------------------------->
 *     ======================  checkpoint: all have signed all chain heads so far  ==============
 *              outcome: the share of each bin
 *            <-------------------------------
 *     rows of X whose bit is 1 (at-least) or 0 (fewer)
 *
 * Security. Semi-honest. **The leader and member-1 must not collude**: with both shares they know of each row of the leader
 * on which lists it is. Any other coalition learns no more than its lists and the outcome tell (of the plain model, not the
 * augmented one of psi/kmprt17):
 * - the leader, alone or with members other than member-1: the e_ij of the others are masked by shares that it lacks;
 * - members in any number, member-1 among them: shares that are uniform without those of the leader.
 * So any one corrupt party is withstood, and any coalition without one of the two. In CDGOSS21 it is any minority. 115 bits
 * computational with all targets of VOLE, transfers and hashes counted (see rr22/index.ts and @tallystick/ot); statistical:
 * a false member in any bin below 2^-40, a store or the table that cannot be made 2^-40 each, together below 2^-36. BLAKE3
 * in keyed mode is a random oracle; ids stand in for themselves by digests of 256 bits.
 * A party may enter guessed rows, or other rows than it committed to: the audit by replay shows the latter. The
 * auditor who is given the evidence of leader and member-1 is such a coalition.
 *
 * Leakage. The sizes, which stand in the terms. The leader learns one bit a row: not on which lists a row is, nor on
 * how many. Rows on fewer lists are what the leader can tell from rows on enough: the same knowledge.
 *
 * Refusal. The leader knows the outcome from `outcome` on and may refuse to sign the close: the members are left with the
 * checkpoint, signed before. member-1 may keep back its shares; then nobody learns anything.
 *
 * Cost. Of each pair that of shared membership: 21 bytes a row of the leader for its store, 63 a row of the member
 * for its targets, and some (40 + log2 bins) gates of 8.5 bytes a bin: about 0.6 kB a row of the leader in all at 2^16 rows.
 * For the count n - 2 to 25 gates a bin between two parties. Rounds do not depend on the sizes but by log log.
 *
 * Constant time. As membership/index.ts; counting is, outputs are not.
 */
import { andCost } from '@tallystick/ot'
import { defineProtocol, type Cost, type Protocol } from '@tallystick/protocol'
import type { Items } from '../ecdh/messages.ts'
import { leastParties, mostParties } from '../kmprt17/messages.ts'
import { membershipCost, saltBytes, shareWords, silentBlocks, type Blocks } from '../membership/index.ts'
import { countGates, countLayers } from './count.ts'
import { leaderOf } from './leader.ts'
import { memberOf } from './member.ts'
import {
  counterRole,
  leaderRole,
  messages,
  pairOf,
  parserFor,
  rolesOf,
  type Parameters,
  type Role,
} from './messages.ts'
import type { Outcome } from './steps.ts'

export type { Parameters } from './messages.ts'
export { counterRole, maxRows } from './messages.ts'
export type { Outcome } from './steps.ts'

type Inputs = Record<Role, Items>
type Outputs = Record<Role, Outcome>
export type Cdgoss21 = Protocol<Role, any, Parameters, Inputs, Outputs>

const keysOf = ({ bytes, offsets }: Items): string[] =>
  Array.from({ length: offsets.length - 1 }, (_, row) => bytes.subarray(offsets[row], offsets[row + 1]).join())

/** By sets of strings. */
const plain = (roles: readonly Role[], { threshold, output }: Parameters, inputs: Inputs): Outputs => {
  const others = roles.slice(1).map((role) => new Set(keysOf(inputs[role]!)))
  const rows = keysOf(inputs[leaderRole]!).flatMap((row, i) => {
    const enough = others.filter((set) => set.has(row)).length >= threshold
    return enough === (output === 'at-least') ? [i] : []
  })
  const none = Object.fromEntries(roles.slice(1).map((role) => [role, { kind: 'none' } as const]))
  return { [leaderRole]: { kind: 'rows', rows: Uint32Array.from(rows) }, ...none }
}

const costOf =
  (blocks: Blocks, roles: readonly Role[]) =>
  (parameters: Parameters): Cost => {
    const members = roles.slice(1)
    const words = shareWords(parameters.sizes[leaderRole]!)
    const pairs = members.map((role) => membershipCost(blocks, pairOf(blocks, parameters, role)))
    const counting = andCost(countGates(members.length, parameters.threshold) * words).bytes
    return {
      rounds: Math.max(...pairs.map(({ rounds }) => rounds)) + 1 + countLayers(members.length) + 1,
      // A vector of words begins with the number of them.
      bytes: pairs.reduce((sum, { bytes }) => sum + bytes, 0) + members.length * (saltBytes + 4 * words) + counting,
      coins: {
        ...Object.fromEntries(members.map((role, i) => [role, pairs[i]!.coins.holder])),
        [leaderRole]: saltBytes + pairs.reduce((sum, { coins }) => sum + coins.querier, 0),
      },
      correlations: {},
    }
  }

/** The protocol of `parties` parties over blocks; {@link cdgoss21} is over the silent ones. */
export const cdgoss21Over = (blocks: Blocks, parties: number): Cdgoss21 => {
  const roles = rolesOf(parties)
  const member = memberOf(blocks, roles)
  const counts = 'the numbers of rows of all parties (they stand in the terms)'
  const both = `if the leader and ${counterRole} collude, on which lists each row of the leader is`
  return defineProtocol<Role, any, Parameters, Inputs, Outputs>({
    id: `psi/cdgoss21-${parties}`,
    version: 1,
    roles,
    messages: { ...blocks.messages, ...messages },
    security: {
      adversary: 'semi-honest',
      corruptions: 1,
      computational: 115,
      statistical: 36,
      assumptions: [
        'BLAKE3 in keyed mode is a random oracle',
        'those of the vector OLE and of the transfers: see @tallystick/ot',
        `the leader and ${counterRole} do not collude; others may, with either of them, in any number`,
      ],
      refusal:
        'The leader knows the outcome from the shares on and may refuse to sign the close. The members, who learn ' +
        'nothing in any case, keep the checkpoint that all signed before.',
    },
    leakage: Object.fromEntries(
      roles.map((role) => [role, role === leaderRole || role === counterRole ? `${counts}; ${both}` : counts]),
    ),
    parameters: parserFor(roles),
    cost: costOf(blocks, roles),
    ideal: (parameters, inputs) => plain(roles, parameters, inputs),
    parties: Object.fromEntries(roles.map((role) => [role, role === leaderRole ? leaderOf(blocks, roles) : member])),
  })
}

/** By number of parties, 3 to 10. */
export const cdgoss21: ReadonlyMap<number, Cdgoss21> = new Map(
  Array.from({ length: mostParties - leastParties + 1 }, (_, i) => {
    const parties = leastParties + i
    return [parties, cdgoss21Over(silentBlocks, parties)] as const
  }),
)
