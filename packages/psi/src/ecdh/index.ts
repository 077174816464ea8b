/**
 * Private set intersection by Diffie-Hellman, two parties, semi-honest: Meadows (IEEE S&P 1986), Huberman, Franklin
 * and Hogg (EC 1999), on curve25519 by u-coordinate, with H = curve25519_XMD:SHA-512_ELL2_RO_ (RFC 9380).
 *
 *     receiver (n rows X)                                        sender (m rows Y)
 *     ------------------------------------------------------------------------------------------
 *     a <- [1, l)                                                b <- [1, l)
 *     A = 8a H(X)  (shuffled if to: both)                        B = 8b H(Y), shuffled
 *                          receiverMasked: A, chunk by chunk
 *                          -------------------------------->     D = 8b A
 *                          senderMasked:   B, chunk by chunk
 *     E = 8a B             <--------------------------------
 *     ======================  checkpoint: both have signed all chain heads so far  =============
 *                          receiverDoubled: D                    (cardinality: D shuffled)
 *                          <--------------------------------
 *                          senderDoubled:   E, if to: both
 *     (cardinality:        -------------------------------->
 *      E shuffled)
 *     rows i with D_i in E                                       to: both: rows j with E_j in D
 *
 * Security. Semi-honest, one corrupt party, under decisional Diffie-Hellman in the subgroup of prime order l of
 * curve25519, H a random oracle; about 125 bits. Each party sees the other's rows only as 8k H(y) for one fresh k: by
 * DDH, for all y outside the intersection, random elements. Dropping the sign is safe: a u-coordinate stands for
 * P and -P and is a function of P, so a view of u-coordinates holds no more than the classical view of points; and two
 * rows compare equal iff their points are equal up to sign, which for different rows has probability below
 * n m / 2^250. Received elements are checked to be canonical, and refused if their product is the neutral element
 * (points of small order). Points of the twist are not told apart: its order is 4 times a prime of 253 bits, 8k clears
 * the 4, and discrete logarithms are as hard there.
 * Against an active party nothing is promised: it may enter guessed rows, enter other rows than it committed to, or
 * reply with wrong rows. Only the audit by replay shows the latter two. Hence the sizes and the purpose in the terms.
 *
 * Leakage. The sizes, which stand in the terms. to: receiver, intersection: the receiver learns its common rows, the
 * sender nothing. Cardinality: the number of common rows, since the replies come back in an order that only the replier
 * knows. A set is shuffled by its owner wherever the other side learns anything, so that no place in a list leaks.
 *
 * Refusal. With to: receiver the sender has nothing to gain; the receiver learns from `receiverDoubled` and may then
 * refuse to sign the close: the sender is left with the checkpoint, signed before, which proves what was about to be
 * opened. With to: both each may stop sending after it has received, so either may learn alone; the same holds.
 *
 * Cost. 2 rounds; 32 (2n + m) bytes, 32 (2n + 2m) for both; 2 (n + m) scalar multiplications in all, half of them
 * with a hash to the group. Memory beside the input, in flat arrays: each role holds 32 bytes a row of the peer; a role
 * that learns, 32 bytes a row of its own as well; 4 bytes a row of each order. For its duration only: drawing an order
 * 28 bytes a row, the check of duplicates 8 to 16, the comparison up to 22 a row of the peer and 4 a row of its own.
 * Frames are chunks of `chunkRows` rows: no frame and no kernel call but the comparison has a set in one buffer.
 *
 * Constant time. The scalar multiplications are as constant-time as the kernels' engine says. Not constant-time: the
 * reduction of 64 coins to the scalar (BigInt, once), drawing an order (memory access follows the coins), the check
 * of own duplicates (over own rows), the hash (in the length of a row) and the comparison (over doubly masked rows:
 * random elements, and which of them are equal is the outcome; only the party that learns runs it).
 */
import { defineProtocol } from '@tallystick/protocol'
import {
  elementBytes,
  messages,
  parseParameters,
  type Items,
  type Outcome,
  type Parameters,
  type Role,
} from './messages.ts'
import { receiver } from './receiver.ts'
import { sender } from './sender.ts'
import { coinsOf, learns } from './steps.ts'

export type { Items, Outcome, Parameters, Role } from './messages.ts'
export { defaultChunkRows, maxChunkRows, maxRows } from './messages.ts'

type Inputs = Record<Role, Items>
type Outputs = Record<Role, Outcome>

const key = ({ bytes, offsets }: Items, row: number): string => bytes.subarray(offsets[row], offsets[row + 1]).join()

const keys = (items: Items): string[] => Array.from({ length: items.offsets.length - 1 }, (_, row) => key(items, row))

/** The plain intersection by a set of strings. */
const plain = (parameters: Parameters, role: Role, own: Items, theirs: Items): Outcome => {
  if (!learns(parameters, role)) return { kind: 'none' }
  const known = new Set(keys(theirs))
  const rows = Uint32Array.from(keys(own).flatMap((row, i) => (known.has(row) ? [i] : [])))
  return parameters.output === 'cardinality'
    ? { kind: 'cardinality', size: rows.length }
    : { kind: 'intersection', rows }
}

/** Frames and bytes of a run; the sizes are public. */
const cost = (parameters: Parameters) => {
  const { sizes, to } = parameters
  const masked = sizes.receiver + sizes.sender
  const doubled = sizes.receiver + (to === 'both' ? sizes.sender : 0)
  return {
    rounds: doubled > 0 ? 2 : masked > 0 ? 1 : 0,
    bytes: elementBytes * (masked + doubled),
    coins: { receiver: coinsOf(parameters, 'receiver'), sender: coinsOf(parameters, 'sender') },
    correlations: {},
  }
}

export const ecdh = defineProtocol<Role, typeof messages, Parameters, Inputs, Outputs>({
  id: 'psi/ecdh',
  version: 1,
  roles: ['receiver', 'sender'],
  messages,
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 125,
    statistical: 128,
    assumptions: [
      'decisional Diffie-Hellman in the prime-order subgroup of curve25519',
      'curve25519_XMD:SHA-512_ELL2_RO_ (RFC 9380) is a random oracle',
    ],
    refusal:
      'A party that has received the doubly masked rows knows its outcome and may refuse to sign the close, or, where ' +
      'both learn, to send its own reply. The other keeps the checkpoint that both signed before.',
  },
  leakage: {
    receiver: 'the number of rows of the sender (it stands in the terms)',
    sender: 'the number of rows of the receiver (it stands in the terms)',
  },
  parameters: parseParameters,
  cost,
  ideal: (parameters, { receiver: x, sender: y }) => ({
    receiver: plain(parameters, 'receiver', x, y),
    sender: plain(parameters, 'sender', y, x),
  }),
  parties: { receiver, sender },
})
