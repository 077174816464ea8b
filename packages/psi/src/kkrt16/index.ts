/**
 * Private set intersection from a batched oblivious PRF, two parties, semi-honest: Kolesnikov, Kumaresan, Rosulek and
 * Trieu (CCS 2016, ia.cr/2016/799), their batched related-key PRF and its use, without a stash, with three hash functions as
 * Pinkas, Schneider and Zohner (TOPS 2018, ia.cr/2016/930). The alternative to `psi/rr22` that does without LPN.
 *
 *     receiver (n rows X)                                        sender (m rows Y)
 *     ------------------------------------------------------------------------------------------
 *                     512 base transfers, choices s of the sender (@tallystick/ot, base)
 *     keys k_0, k_1 of                                           s, and key k_s of every column
 *     every column
 *     cuckoo table: bin j has row  x_j under function k_j
 *                          salt of the digests
 *                          -------------------------------->
 *     t_j: bins' rows of   columns: G(k_0) + G(k_1) + C(x_j, k_j), by columns, chunk by chunk
 *     the columns G(k_0)   -------------------------------->     q_j = t_j + (C(x_j, k_j) and s)
 *     F_j = H(t_j)
 *     ======================  checkpoint: both have signed all chain heads so far  =============
 *                          masks: for k = 0, 1, 2 the set of H(q_j + (C(y, k) and s)), j = h_k(y), sorted
 *                          <--------------------------------
 *     rows whose F_j is in the set of their function
 *                          common: a bit a row of the sender, if to: both
 *                          -------------------------------->     rows that have a bit
 *
 * Security. Semi-honest, one corrupt party. C is a pseudorandom code of 512 bits: two different words agree in all but
 * fewer than 128 places with probability 2^-101 a pair, so that at least 128 bits of s stand between the receiver and the
 * value of a row that is not in the bin (the paper takes 424 to 448 bits for its sizes; 512 serves all sizes). H is keyed
 * BLAKE3, as a Hamming correlation robust hash; the columns are AES-128 in counter mode. 128 bits, about 125 of the base
 * transfers (oracle Diffie-Hellman on curve25519). Equal masks of different rows: probability at most n m 2^-(mask bits)
 * <= 2^-40. No place in the cuckoo table: 2^-40 (messages.ts); then the run ends before the salt is sent.
 * Against an active party nothing is promised: it may enter guessed rows, or other rows than it committed to. Only the
 * audit by replay shows the latter. Not post-quantum.
 *
 * Leakage. The sizes, which stand in the terms. The receiver learns which of its rows are common. Each set of masks is
 * sorted: nothing about the order of the sender's rows. There is no cardinality alone: own masks have a place each. With
 * to: both the sender learns the same by the receiver's word: all three sets then have the order of the first, and the reply
 * is a bit a row, not a mask, since the function under which a row was placed depends on the receiver's other rows. The
 * receiver gains nothing by the order: of a row that it has it can compute the mask under one function only.
 *
 * Refusal. The receiver learns from `masks` and may then refuse to sign the close: the sender is left with the
 * checkpoint, signed before. With to: both the receiver may keep `common` to itself.
 *
 * Cost. 3 rounds, 4 for both; 64 bytes a bin (1.27 n), 3 m times the width of a mask, 33 kB of base transfers: about
 * 117 MB for 2^20 rows each. Memory beside the input: the receiver 32 bytes a row and 4 + the width of a mask a bin, the
 * sender 32 bytes a row, 64 a bin and three masks a row; a frame of the matrix is 64 bytes a bin of it.
 *
 * Constant time. Columns, code words and hashes are as constant-time as the kernels' engine says. Not constant-time: the
 * cuckoo table and the places of own rows (memory access follows salted digests of own rows, on this machine only), the
 * check of own duplicates, sorting own masks, the comparison.
 */
import { baseCost } from '@tallystick/ot'
import { defineProtocol } from '@tallystick/protocol'
import type { Items, Outcome, Role } from '../ecdh/messages.ts'
import { hashes } from '../bins/index.ts'
import { codeBits, codeBytes, isTrivial, maskBytes, matrixRows, messages, parseParameters } from './messages.ts'
import { saltBytes, statisticalBits, type Parameters } from './messages.ts'
import { receiver } from './receiver.ts'
import { sender } from './sender.ts'

export type { Parameters } from './messages.ts'
export { binsOf, defaultChunkRows, maskBytes, maxChunkRows, maxRows } from './messages.ts'

type Inputs = Record<Role, Items>
type Outputs = Record<Role, Outcome>

/** The plain intersection by a set of strings. */
const plain = (own: Items, theirs: Items): Outcome => {
  const keys = ({ bytes, offsets }: Items): string[] =>
    Array.from({ length: offsets.length - 1 }, (_, row) => bytes.subarray(offsets[row], offsets[row + 1]).join())
  const known = new Set(keys(theirs))
  return { kind: 'intersection', rows: Uint32Array.from(keys(own).flatMap((row, i) => (known.has(row) ? [i] : []))) }
}

const cost = (parameters: Parameters) => {
  const { sizes, to } = parameters
  if (isTrivial(parameters)) return { rounds: 0, bytes: 0, coins: { receiver: 0, sender: 0 }, correlations: {} }
  const base = baseCost(codeBits)
  const masks = hashes * sizes.sender
  const common = to === 'both' ? Math.ceil(sizes.sender / 8) : 0
  return {
    rounds: base.rounds + 2 + (to === 'both' ? 1 : 0),
    bytes: base.bytes + saltBytes + codeBytes * matrixRows(parameters) + masks * maskBytes(parameters) + common,
    coins: { receiver: base.coins.sender + saltBytes, sender: base.coins.receiver + codeBytes },
    correlations: {},
  }
}

export const kkrt16 = defineProtocol<Role, typeof messages, Parameters, Inputs, Outputs>({
  id: 'psi/kkrt16',
  version: 1,
  roles: ['receiver', 'sender'],
  messages,
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 125,
    statistical: statisticalBits,
    assumptions: [
      'oracle Diffie-Hellman on curve25519 and its twist; SHA-256 is a random oracle (base transfers)',
      'AES-128 is a pseudorandom permutation, and under a public key an ideal one (code)',
      'BLAKE3 in keyed mode is a random oracle',
    ],
    refusal:
      'The receiver knows the outcome from the masks on and may refuse to sign the close or, where both learn, to ' +
      'tell the sender. The sender keeps the checkpoint that both signed before.',
  },
  leakage: {
    receiver: 'the number of rows of the sender (it stands in the terms)',
    sender: 'the number of rows of the receiver (it stands in the terms)',
  },
  parameters: parseParameters,
  cost,
  ideal: ({ to }, { receiver: x, sender: y }) => ({
    receiver: plain(x, y),
    sender: to === 'both' ? plain(y, x) : { kind: 'none' },
  }),
  parties: { receiver, sender },
})
