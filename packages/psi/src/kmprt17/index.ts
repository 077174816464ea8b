/**
 * Private set intersection of n = 3 to 10 parties, in a star: Kolesnikov, Matania, Pinkas, Rosulek and Trieu (CCS 2017,
 * ia.cr/2017/799), the faster of its two protocols, with unconditional zero-sharing, in the augmented semi-honest
 * model. Their oblivious programmable PRF is made here from the OPRF of Rindal and Schoppmann (EUROCRYPT 2021,
 * ia.cr/2021/266, figure 3, as in rr22/index.ts) and a store of corrections, s(y) + F(y) at y, as they make theirs; zero
 * shares in such stores, in a star, are also what Nevo, Trieu and Yanai build on (CCS 2021,
 * ia.cr/2021/1221), whose checks against malicious parties are not made here. Elements are of GF(2^128).
 *
 *     each pair i < j: k_ij <- {0,1}^256, from i to j                          zeroKey
 *     s_i(x) = sum over j of PRF(k_ij, x), so that the s_i(x) of all n parties add up to 0
 *
 *     leader (rows X)                                            member i (rows Y_i), for each i
 *     ------------------------------------------------------------------------------------------
 *     [zeroKey to and from each]                                 [zeroKey to and from each]
 *                             vector OLE of |P| elements         D_i <- GF(2^128)
 *     A_i, C_i             <------------------------------->     B_i       with C_i = B_i + A_i D_i
 *                          salt of the digests H and row
 *                          -------------------------------->
 *     P = Encode(x -> H(x))
 *                          encoded: P + A_i, chunk by chunk
 *                          -------------------------------->     K_i = B_i + (P + A_i) D_i
 *     F_i(x) = H'(Decode(C_i, x), x)                             F_i(y) = H'(Decode(K_i, y) + H(y) D_i, y)
 *                                                                Q_i = Encode(y -> s_i(y) + F_i(y)), rest random
 *     ======================  checkpoint: all have signed all chain heads so far  ==============
 *                          hint: Q_i
 *                          <--------------------------------
 *     rows x with s_0(x) + sum over i of (Decode(Q_i, x) + F_i(x)) = 0
 *
 * Security. Semi-honest: nothing is promised against a party that deviates. Who may pool what they saw:
 * - Any number of members, up to all n - 1, without the leader: they learn nothing (plain semi-honest).
 * - The leader alone: it learns the intersection of all sets and nothing else (plain semi-honest). A row of X that some
 *   member lacks has at each member a value that looks random, so the leader does not see who lacks it, or how many.
 * - The leader with 1 to n - 2 members: *augmented* semi-honest only. They learn which rows of X all *other* members
 *   hold, also rows that the colluding members themselves do not have: what those could have learned by entering X in
 *   place of their own rows. That is a weaker promise than of the plain model, and why `corruptions` says 1.
 * The reason: s_i(x) looks random to whoever lacks one key k_ij, and F_i(y) outside of X to whoever lacks D_i. So Q_i is
 * a uniform vector to the leader, but for the sums over rows that all have. 128 bits computational. The sum over another
 * row is zero with probability 2^-128; a store cannot be made with probability 2^-40 each, n stores a run, below 2^-36 (then
 * the run ends before anything is opened). H, row, H' and the PRF are keyed BLAKE3, of which the first three are random
 * oracles; ids stand in for themselves by their digest of 256 bits.
 * A party may enter guessed rows or other rows than it committed to: the audit by replay shows the latter.
 *
 * Leakage. The sizes, which stand in the terms. The leader learns which of its rows all parties hold. There is no
 * cardinality alone, no output for members (a leader that tells them is to be believed), no "in at least t lists".
 *
 * Refusal. The leader learns from `hint` and may then refuse to sign the close: the members are left with the
 * checkpoint, signed before. A member that keeps back its hint leaves the leader with nothing.
 *
 * Cost. The rounds of the vector OLE and 2; between the leader and a member with m rows the vector OLE's bytes, then
 * 16 (|P| + |Q|), |P| about 1.31 times the leader's rows and |Q| 1.31 m from 2^16 rows up; 32 bytes for each pair and
 * for each salt. The leader does n - 1 times the work of a member with the vector OLE, and holds 2 vectors of |P| elements
 * for each member, which are let go one by one; beside them every party holds some 80 bytes a row of its own.
 *
 * Constant time. Products with D_i, sums and hashes are as constant-time as the kernels' engine says. Not constant-time:
 * encoding and decoding (memory access follows the digests of own rows, on this machine only), the check of own
 * duplicates, the length of rows, and which sums are zero.
 */
import { voleCost, voleMessages, voleReceive, voleSend } from '@tallystick/ot'
import { defineProtocol, type Cost, type Protocol } from '@tallystick/protocol'
import type { Items, Outcome } from '../ecdh/messages.ts'
import { leaderOf } from './leader.ts'
import { memberOf } from './member.ts'
import {
  elementBytes,
  isTrivial,
  keyBytes,
  leaderRole,
  leastParties,
  messages,
  mostParties,
  parserFor,
  rolesOf,
  saltBytes,
  seedBytes,
  storeSize,
  type Parameters,
  type Role,
} from './messages.ts'
import type { Vole } from './steps.ts'

export type { Parameters } from './messages.ts'
export { defaultChunkRows, leastParties, maxChunkRows, maxRows, mostParties, rolesOf } from './messages.ts'
export type { Vole } from './steps.ts'

type Inputs = Record<Role, Items>
type Outputs = Record<Role, Outcome>
export type Kmprt17 = Protocol<Role, any, Parameters, Inputs, Outputs>

const keysOf = ({ bytes, offsets }: Items): string[] =>
  Array.from({ length: offsets.length - 1 }, (_, row) => bytes.subarray(offsets[row], offsets[row + 1]).join())

/** The plain intersection by sets of strings. */
const plain = (roles: readonly Role[], inputs: Inputs): Outputs => {
  const others = roles.slice(1).map((role) => new Set(keysOf(inputs[role]!)))
  const common = keysOf(inputs[leaderRole]!).flatMap((row, i) => (others.every((set) => set.has(row)) ? [i] : []))
  const none = Object.fromEntries(roles.slice(1).map((role) => [role, { kind: 'none' } as const]))
  return { [leaderRole]: { kind: 'intersection', rows: Uint32Array.from(common) }, ...none }
}

const costOf =
  (vole: Vole, roles: readonly Role[]) =>
  (parameters: Parameters): Cost => {
    const zero = Object.fromEntries(roles.map((role) => [role, 0]))
    if (isTrivial(parameters)) return { rounds: 0, bytes: 0, coins: zero, correlations: {} }
    const members = roles.slice(1)
    const size = storeSize(parameters, leaderRole)
    const base = vole.cost({ n: size, security: 'semi-honest' })
    const hints = members.reduce((sum, role) => sum + storeSize(parameters, role), 0)
    const pairs = (roles.length * members.length) / 2
    const keys = (role: Role): number => keyBytes * (members.length - roles.indexOf(role))
    return {
      rounds: base.rounds + 2,
      bytes: members.length * (base.bytes + saltBytes + elementBytes * size) + elementBytes * hints + keyBytes * pairs,
      coins: {
        ...Object.fromEntries(members.map((role) => [role, base.coins.sender + elementBytes + seedBytes + keys(role)])),
        [leaderRole]: members.length * base.coins.receiver + saltBytes + keys(leaderRole),
      },
      correlations: {},
    }
  }

/** The protocol of `parties` parties over a vector OLE; {@link kmprt17} is over the silent one. */
export const kmprt17Over = (vole: Vole, parties: number): Kmprt17 => {
  const roles = rolesOf(parties)
  const member = memberOf(vole, roles)
  const counts = 'the numbers of rows of all parties (they stand in the terms)'
  return defineProtocol<Role, any, Parameters, Inputs, Outputs>({
    id: `psi/kmprt17-${parties}`,
    version: 1,
    roles,
    messages: { ...vole.messages, ...messages },
    security: {
      adversary: 'semi-honest',
      corruptions: 1,
      computational: 115,
      statistical: 36,
      assumptions: [
        'BLAKE3 in keyed mode is a random oracle',
        'those of the vector OLE: see @tallystick/ot',
        'the leader colludes with no member: with one or more the promise is of the augmented semi-honest model only, ' +
          'and they also learn which rows of the leader all other members hold',
        'members alone may collude in any number',
      ],
      refusal:
        'The leader knows the outcome from the hints on and may refuse to sign the close. The members, who learn ' +
        'nothing in any case, keep the checkpoint that all signed before.',
    },
    leakage: Object.fromEntries(
      roles.map((role) => [
        role,
        role === leaderRole
          ? `${counts}; if it colludes with members, which of its rows all other members hold`
          : counts,
      ]),
    ),
    parameters: parserFor(roles),
    cost: costOf(vole, roles),
    ideal: (_, inputs) => plain(roles, inputs),
    parties: Object.fromEntries(roles.map((role) => [role, role === leaderRole ? leaderOf(vole, roles) : member])),
  })
}

const silent: Vole = {
  messages: voleMessages('each', 'each'),
  send: voleSend,
  receive: voleReceive,
  cost: voleCost,
}

/** By number of parties, 3 to 10. */
export const kmprt17: ReadonlyMap<number, Kmprt17> = new Map(
  Array.from({ length: mostParties - leastParties + 1 }, (_, i) => {
    const parties = leastParties + i
    return [parties, kmprt17Over(silent, parties)] as const
  }),
)
