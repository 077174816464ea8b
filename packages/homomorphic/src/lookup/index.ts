/**
 * Rows of a holder's table by their keys, without the holder learning which keys, or the client more than the rows that it
 * asked for: labelled private set intersection from homomorphic encryption, unbalanced.
 *
 * - Polynomials that vanish at the items of a bin, evaluated on encrypted powers; cuckoo hashing at the client and simple
 *   hashing at the holder; batching of bins into slots; shares of a bin ("partitioning"); modulus switching of replies:
 *   Chen, Laine, Rindal, "Fast Private Set Intersection from Homomorphic Encryption" (CCS 2017, ia.cr/2017/299), section 4.
 * - Items replaced by outputs of an oblivious pseudorandom function before all this, and polynomials that take labels, of
 *   which label + r·P is told: Chen, Huang, Laine, Rindal, "Labeled PSI from Fully Homomorphic Encryption with Malicious
 *   Security" (CCS 2018, ia.cr/2018/787), sections 4 and 5.
 * - Several slots of a prime field for an item in place of an extension field, and labels encrypted under keys that come
 *   with the OPRF's output: Cong, Moreno, Rosario, Rindal et al., "Labeled PSI from Homomorphic Encryption with Reduced
 *   Computation and Communication" (CCS 2021, ia.cr/2021/1116). Of its improvements the windows and Paterson-Stockmeyer are
 *   not taken: the client sends every power, so that nothing is multiplied but plaintexts, there are no evaluation keys,
 *   and what noise a reply has is bounded tightly enough to be flooded.
 *
 * OPRF: RFC 9497, ristretto255-SHA512, mode OPRF. BGV (ia.cr/2011/277) with seeded symmetric encryption; circuit privacy
 * by noise flooding (Gentry 2009, section 2.4 of the thesis; the bound is derived in `plan.ts`).
 *
 *     client (keys x_1 … x_q, secret s)                         holder (rows z_1 … z_N, values v_1 … v_N)
 *     ---------------------------------------------------------------------------------------------------
 *     blinded: r_i · H(x_i)            -------------------->     k <- [1, l)
 *                                      <--------------------     evaluated: k · r_i · H(x_i)
 *     y_i = F(k, x_i)                                            F(k, z_j) = place, residues, key of v_j
 *     cuckoo table: y_i in one of                                each z_j in all three of its bins; in each bin and
 *     its three bins                                             share polynomials P, L_1 … over Z_t:
 *     key: seed, -a·s + t·e            -------------------->     P vanishes at the residues, L takes the encrypted
 *     powers: y, y^2 … y^d             -------------------->     values there
 *     ======================  checkpoint: both have signed all chain heads so far  ======================
 *                                      <--------------------     replies: r·P(y), L(y) + r'·P(y), masked
 *     rows where r·P(y) is zero; L(y) decrypted by the key in F(k, x_i)
 *
 * Security. Holder corrupt: it sees uniform group elements and BGV ciphertexts (IND-CPA, 128 bits by the tables of
 * HomomorphicEncryption.org), and no outcome: after replies that do not decrypt the client sends, signs and records what it
 * does after others. That holds for an active holder too, who can besides answer wrongly; replay of its evidence shows
 * it. Client corrupt: it has F at q inputs, and the rest of the table takes part as values of F, which are random to it
 * (one-more gap computational Diffie-Hellman, hashes as random oracles, RFC 9497 section 7), also where it sends
 * something else than powers. A client that follows the protocol does not even see those: a reply is a fresh encryption
 * within 2^-40 of one made from its answers alone, r·P(y) being uniform and not zero, L(y) + r'·P(y) uniform, where y is
 * no residue of the bin. What is declared is the weaker of both parties: semi-honest.
 * Rests on both assumptions at once: OPRF and ring-LWE. Whoever records the frames and computes discrete logarithms later
 * learns no key (blinds are uniform); the client, who could then compute F everywhere, is still held by masks and flood.
 *
 * Errors. A key without a row is taken for one with, where both of its residues meet residues of one polynomial by chance:
 * q · partitions · (degree/t)^2, at most 2^-40 by the plan. A bin has no room for its rows: 2^-41. A key finds no place in
 * the cuckoo table: with q ≤ 1024 in 4096 bins below 2^-40 (union bound over the smallest obstructions: two keys whose
 * three bins are one, q^2/2 · 4096^-5 = 2^-41; three keys in two bins, 2^-48); its status is then 2, and nobody else sees.
 * Leakage. Numbers of keys and rows and the bytes of a value stand in the terms. Keys are guessable: the client gets q
 * rows of its choice, × attempts; the quota of the terms and the audit are the control.
 * Cost. 4 rounds; 64 q bytes for the OPRF, `degree` ciphertext components up, `partitions` × (1 + labels) switched
 * ciphertexts down. N scalar multiplications at the holder.
 * Constant time. Group operations, encryption, interpolation and evaluation by powers: no branch and no address depends on
 * values. Not: bins (their memory access follows pseudorandom digests), BigInt arithmetic on blinds, encoding and
 * decryption at the client, the order of points that the kernel checks for equals. No peer sees their time but as part of
 * a whole frame's.
 */
import { toHex } from '@tallystick/core'
import { scalarCoins, elementBytes } from '@tallystick/kernels/oprf/scalars'
import { defineProtocol } from '@tallystick/protocol'
import { ownerCoins } from '../keys.ts'
import { client } from './client.ts'
import { holder } from './holder.ts'
import { itemOf, messages, type ClientInput, type ClientOutput, type HolderInput, type Role } from './messages.ts'
import { ciphertextBytes, labelGroups, parseParameters, planOf, statisticalBits, type Parameters } from './plan.ts'

export type { Answers, ClientInput, ClientOutput, HolderInput, Role } from './messages.ts'
export { planOf, type Parameters, type Plan } from './plan.ts'

const cost = (parameters: Parameters) => {
  const plan = planOf(parameters)
  const { power, powers, replies } = ciphertextBytes(plan)
  return {
    rounds: 4,
    bytes: 2 * elementBytes * parameters.sizes.client + 32 + power + powers + replies,
    coins: {
      client: ownerCoins + scalarCoins * parameters.sizes.client,
      holder: scalarCoins + 32 * plan.partitions * (labelGroups(plan).length + 1 + plan.labels),
    },
    correlations: {},
  }
}

const ideal = (_: Parameters, inputs: { readonly client: ClientInput; readonly holder: HolderInput }) => {
  const { keys, values } = inputs.holder
  const asked = inputs.client.keys
  const rows = new Map(Array.from({ length: keys.offsets.length - 1 }, (_, row) => [toHex(itemOf(keys, row)), row]))
  const found = Array.from({ length: asked.offsets.length - 1 }, (_, i) => rows.get(toHex(itemOf(asked, i))))
  const told = found.map((row) => (row === undefined ? [] : [...itemOf(values, row)]))
  const offsets = new Uint32Array(told.length + 1)
  told.forEach((value, i) => (offsets[i + 1] = offsets[i]! + value.length))
  const status = Uint8Array.from(found, (row) => (row === undefined ? 0 : 1))
  return { client: { answers: { status, values: Uint8Array.from(told.flat()), offsets } }, holder: null }
}

export const lookup = defineProtocol<
  Role,
  typeof messages,
  Parameters,
  { client: ClientInput; holder: HolderInput },
  { client: ClientOutput; holder: null }
>({
  id: 'homomorphic/lookup',
  version: 1,
  roles: ['client', 'holder'],
  receivers: ['client'],
  messages,
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 125,
    statistical: statisticalBits,
    assumptions: [
      'decisional ring learning with errors, uniform ternary secret, as HomomorphicEncryption.org estimates it',
      'one-more gap computational Diffie-Hellman in ristretto255 (RFC 9497), its hashes random oracles',
      'ChaCha20 is a pseudorandom function',
    ],
    refusal:
      'The client may learn its answers and then refuse to sign the close; the holder keeps the checkpoint that both signed.',
  },
  leakage: {
    client: 'nothing beyond the answers to its keys, which it chooses, and the number of rows (it stands in the terms)',
    holder: 'the number of keys that are asked for (it stands in the terms)',
  },
  parameters: parseParameters,
  cost,
  ideal,
  parties: { client, holder },
})
