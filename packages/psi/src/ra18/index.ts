/**
 * Unbalanced private set intersection, two parties, semi-honest: Resende and Aranha (FC 2018, ia.cr/2017/677), a few
 * queries against a long list that was prepared once. The list travels before, as a filter of its pseudorandom tags;
 * online cost depends on the queries alone. Three parts are newer than the paper: the pseudorandom function is the OPRF
 * of RFC 9497 (2HashDH: Jarecki, Kiayias and Krawczyk, Asiacrypt 2014), suite ristretto255-SHA512, mode 0; the filter is a
 * binary fuse filter (Graf and Lemire 2022, doi 10.1145/3510449) in place of a cuckoo filter; and updates are shipped as
 * differences, as in the phases of Kales et al. (USENIX Security 2019, ia.cr/2019/517).
 *
 *     receiver (n queries X)                                     sender (key k; list Y, prepared under k)
 *     ------------------------------------------------------------------------------------------
 *     before any session: filter of F(k, y) for y in Y, shipped once; later its differences (list.ts)
 *     ------------------------------------------------------------------------------------------
 *     r_i <- [1, l)                                              k·G as the terms say, else it stops
 *                          blinded: r_i HashToGroup(x_i)
 *                          -------------------------------->
 *     ======================  checkpoint: both have signed all chain heads so far  =============
 *                          evaluated: k r_i HashToGroup(x_i)
 *                          <--------------------------------
 *     t_i = first 16 bytes of F(k, x_i) = SHA-512(x_i, r_i^-1 k r_i HashToGroup(x_i))     (RFC 9497, 3.3.1)
 *     after the session, alone: rows i with t_i in the filter
 *
 * The output of the session is the tags: a function of terms, input, seed and inbox, so a replay needs no list. Which
 * rows are common follows from the tags and the filter, whose digest stands in the terms (`list.digest`, and as the
 * resource `filter` of the sender); {@link commonRows} says which, for whoever has both.
 *
 * Security. Semi-honest, one corrupt party. The sender learns nothing of X but its size: blinded elements are uniform
 * whatever X is. The receiver learns F(k, x) for at most n ids of its choice a session (one-more gap computational
 * Diffie-Hellman in ristretto255, the hashes being random oracles: RFC 9497, section 7; Q queries under one key, over all
 * sessions, cost up to log2(Q) / 2 bits of 126, section 7.2.3: 115 are stated, for a million); tags in the filter of ids that it
 * never asked about are pseudorandom. So **whoever holds the filter can test as many ids as all terms together let it
 * ask**: ids are enumerable, and the number of queries in the signed terms is the control. A sender that evaluates under
 * another key makes the receiver miss what is common: nothing proves the key online (mode 0 has no proof), the sender
 * checks itself against the terms, and its replay shows it. That the filter was made of the list is seen by an auditor
 * who is given list and key, not in the session.
 *
 * False positives. A query that is not on the list is found in the filter with probability 2^-32 (or 2^-64, `fingerprint`)
 * for each, and for updates 2^-128 times the number of changes: at 1,000 queries 2.4e-7 for the whole session with 32 bits.
 *
 * Leakage. The sender learns n. The receiver learns the length of the list, and from updates how many ids came and went;
 * since F is the same in every session under one key, it recognises in later versions of the filter the ids that it asked
 * about before, whether it asks again or not, until the sender prepares the list under a new key.
 *
 * Refusal. The receiver learns from `evaluated` and may then refuse to sign the close: the sender is left with the
 * checkpoint, signed before. The sender has nothing to gain.
 *
 * Cost. 2 rounds, 64 n bytes; the receiver multiplies and hashes twice a query, the sender once. Preparing the list: one
 * evaluation an id, and peeling. The filter has 4.5 bytes an id (9.0 with 64 bits) for long lists.
 *
 * Constant time. Group operations as the kernels' engine says. Not constant-time: BigInt arithmetic on the blinds (drawing
 * and inverting), the check of own duplicates, the hash in the length of a row, and looking tags up.
 */
import { oprfEvaluate } from '@tallystick/kernels'
import { scalarCoins } from '@tallystick/kernels/oprf/scalars'
import { defineProtocol } from '@tallystick/protocol'
import type { Items } from '../ecdh/messages.ts'
import { elementBytes, messages, parseParameters, type Outcome, type Parameters, type Role } from './messages.ts'
import { receiver } from './receiver.ts'
import { sender } from './sender.ts'
import { groupTag, tagsOf } from './suite.ts'

export { commonRows } from './list.ts'
export type { ListTerms, Outcome, Parameters, Role } from './messages.ts'
export { defaultChunkRows, maxChunkRows, maxListRows, maxQueries, tagBytes } from './messages.ts'

type Inputs = Record<Role, Items>
type Outputs = Record<Role, Outcome>

export const ra18 = defineProtocol<Role, typeof messages, Parameters, Inputs, Outputs>({
  id: 'psi/ra18',
  version: 1,
  roles: ['receiver', 'sender'],
  messages,
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 115,
    statistical: 128,
    assumptions: [
      'one-more gap computational Diffie-Hellman in ristretto255',
      'hash_to_ristretto255 and SHA-512 (RFC 9497) are random oracles',
    ],
    refusal:
      'The receiver knows its tags from the evaluations on and may refuse to sign the close. The sender keeps the ' +
      'checkpoint that both signed before.',
  },
  leakage: {
    receiver:
      'the length of the list (it stands in the terms); tags of ids that it asked about are the same in every session ' +
      'and version of the filter until the sender changes its key',
    sender: 'the number of queries (it stands in the terms)',
  },
  parameters: parseParameters,
  cost: ({ sizes }) => ({
    rounds: sizes.receiver > 0 ? 2 : 0,
    bytes: 2 * elementBytes * sizes.receiver,
    coins: { receiver: scalarCoins * sizes.receiver, sender: 0 },
    correlations: {},
  }),
  ideal: (_, { receiver: x, sender: key }) => ({
    receiver: { kind: 'tags', tags: tagsOf(oprfEvaluate.run({ dst: groupTag, ...x, scalars: key.bytes })) },
    sender: { kind: 'none' },
  }),
  parties: { receiver, sender },
})
