/**
 * Private intersection-sum with cardinality, two parties, semi-honest: Ion, Kreuter, Nergiz, Patel, Raykova, Saxena, Seth,
 * Shanahan and Yung (IEEE EuroS&P 2020, ia.cr/2019/723), the protocol from DDH of its figure 2. Its homomorphic encryption
 * is exponential ElGamal over ristretto255 here, on limbs of 12 bits, where the authors used Paillier.
 *
 *     receiver (their P2: n rows W, a value t each)              sender (their P1: m rows V)
 *     ------------------------------------------------------------------------------------------
 *     b <- [1, l); sk <- [1, l)                                  a <- [1, l)
 *                          senderMasked: 8a H(V), shuffled
 *     Z = 8b 8a H(V)       <--------------------------------
 *                          receiverMasked: 8b H(W), shuffled
 *                          publicKey: sk·G; encrypted: Enc(t), limb by limb, in the same order
 *                          -------------------------------->     E = 8a 8b H(W)
 *     ======================  checkpoint: both have signed all chain heads so far  =============
 *                          senderDoubled: Z, shuffled
 *                          -------------------------------->     J = rows of E in Z
 *                          size: |J|; total: sum of Enc(t) over J, under fresh coins (minimum: below)
 *                          <--------------------------------
 *     S by discrete logarithms, limb by limb                     |J|
 *
 * Security. Semi-honest, one corrupt party, under decisional Diffie-Hellman in the prime-order subgroup of curve25519 (ids)
 * and in ristretto255 (values), H a random oracle: see the header of `psi/ecdh`, whose steps and hash these are, under
 * fresh scalars. The sender sees values only as ciphertexts under a key that it does not know; the receiver sees one
 * ciphertext a limb under fresh coins, so the sum of each limb, and nothing else of which rows are common. Against an active
 * party nothing is promised: a receiver may give one row a value that stands out and read from the sum whether it is common;
 * a sender may add what it likes. Sums over few rows say much: agree on a minimum.
 *
 * Minimum. With fewer common rows than `minimum` the sender, who knows their number by then, sends a sum over no row and no
 * size, in frames like any others: the receiver learns only that they are too few. It is the one rule on a result that holds
 * before the opening, and it holds against the receiver; the sender learns the size in any case.
 *
 * Leakage. Both sizes, which stand in the terms. The receiver learns, beyond the sum, the sum of each limb: the numbers
 * Σ ⌊t / 2^(12 i)⌋ mod 2^12, which say a little more of the values of the common rows than their sum does. With one limb it
 * is the sum alone.
 *
 * Refusal. The sender learns the size from `senderDoubled` and may then send no total; the receiver learns all from `total`
 * and may refuse to sign the close. Each time the other keeps the checkpoint that both signed before.
 *
 * Cost. 3 rounds; 32 (2m + n) + 64 limbs (n + 1) + 36 bytes. Scalar multiplications: 2 (n + m) for the ids, 2 n limbs for
 * encrypting; for each limb two roots of 4096 |J| at the end.
 *
 * Constant time. Multiplications as the kernels' engines say. Not constant-time: BigInt arithmetic on scalars (the key, the
 * coins, the values), random orders, and all that follows from the number of common rows, which both learn.
 */
import { defineProtocol } from '@tallystick/protocol'
import { orderCoins, scalarCoins } from '../ecdh/coins.ts'
import { checkValued } from '../ecdh/items.ts'
import type { Items } from '../ecdh/messages.ts'
import {
  ciphertextBytes,
  elementBytes,
  messages,
  parseParameters,
  type Outcome,
  type Parameters,
  type Role,
  type Valued,
} from './messages.ts'
import { receiver } from './receiver.ts'
import { sender } from './sender.ts'

export type { Outcome, Parameters, Valued } from './messages.ts'

interface Inputs extends Record<Role, Items> {
  readonly receiver: Valued
  readonly sender: Items
}

const keys = ({ bytes, offsets }: Items): string[] =>
  Array.from({ length: offsets.length - 1 }, (_, row) => bytes.subarray(offsets[row], offsets[row + 1]).join())

/** From committed rows: of the receiver 8 bytes, a value in big endian, before the id; of the sender the id. */
export const sumInput = (rows: Items, role: string): Items | Valued => {
  if (role !== 'receiver') return rows
  checkValued(rows, 8)
  const count = rows.offsets.length - 1
  const offsets = Uint32Array.from(rows.offsets, (offset, row) => offset - 8 * row)
  const bytes = new Uint8Array(rows.bytes.length - 8 * count)
  const values = new Float64Array(count)
  const view = new DataView(rows.bytes.buffer, rows.bytes.byteOffset, rows.bytes.length)
  for (let row = 0; row < count; row++) {
    const at = rows.offsets[row]!
    values[row] = Number(view.getBigUint64(at))
    bytes.set(rows.bytes.subarray(at + 8, rows.offsets[row + 1]), offsets[row])
  }
  return { bytes, offsets, values }
}

export const ikn19 = defineProtocol<Role, typeof messages, Parameters, Inputs, Record<Role, Outcome>>({
  id: 'psi/ikn19',
  version: 1,
  roles: ['receiver', 'sender'],
  messages,
  // Each attempt could tell another sum: differences of them tell rows.
  attempts: 1,
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 125,
    statistical: 128,
    assumptions: [
      'decisional Diffie-Hellman in the prime-order subgroup of curve25519 and in ristretto255',
      'curve25519_XMD:SHA-512_ELL2_RO_ (RFC 9380) is a random oracle',
    ],
    refusal:
      'The sender knows the size from the doubly masked rows on and may send no total; the receiver knows all from the ' +
      'total on and may refuse to sign the close. The other keeps the checkpoint that both signed before.',
  },
  leakage: {
    receiver: 'the number of rows of the sender (it stands in the terms), and the sum of each limb of 12 bits',
    sender: 'the number of rows of the receiver (it stands in the terms)',
  },
  parameters: parseParameters,
  cost: ({ sizes, limbs }) => ({
    rounds: 3,
    bytes: elementBytes * (2 * sizes.sender + sizes.receiver + 1) + ciphertextBytes * limbs * (sizes.receiver + 1) + 4,
    coins: {
      receiver: scalarCoins * (2 + limbs * sizes.receiver) + orderCoins * (sizes.receiver + sizes.sender),
      sender: scalarCoins * (1 + limbs) + orderCoins * sizes.sender,
    },
    correlations: {},
  }),
  ideal: ({ minimum }, { receiver: x, sender: y }) => {
    const known = new Set(keys(y))
    const common = keys(x).flatMap((row, i) => (known.has(row) ? [x.values[i]!] : []))
    return {
      receiver:
        common.length < minimum
          ? { kind: 'withheld' }
          : { kind: 'sum', size: common.length, sum: common.reduce((sum, value) => sum + value, 0) },
      sender: { kind: 'cardinality', size: common.length },
    }
  },
  parties: { receiver, sender },
})
