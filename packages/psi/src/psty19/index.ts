/**
 * Circuit-based private set intersection, two parties: Pinkas, Schneider, Tkachenko and Yanai (EUROCRYPT 2019,
 * ia.cr/2019/241), with the oblivious programmable PRF of Rindal and Schoppmann (EUROCRYPT 2021, ia.cr/2021/266, their
 * circuit PSI) from vector OLE and an oblivious key-value store in place of theirs from polynomials. The parties end with shares of
 * which rows are common and of what these rows carry; only sums over all of them are opened. Elements are of GF(2^128).
 *
 *     receiver (n rows X, values v)                              sender (m rows Y, values w)
 *     ------------------------------------------------------------------------------------------
 *     each x in one of its three bins h_k(x) (cuckoo)            D <- GF(2^128)
 *     points p(x, k)       vector OLE of |P| elements            points p(y, 1), p(y, 2), p(y, 3)
 *     A', C                <------------------------------->     B          with C = B + A' D
 *                          base transfers, AND triples (ot/triples)
 *                          <------------------------------->
 *                          salt; encoded: P + A', chunk by chunk
 *     P = Encode(p -> H(p))-------------------------------->     K = B + (P + A') D
 *     F(p) = H'(Decode(C, p), p)                                 F(p) = H'(Decode(K, p) + H(p) D, p)
 *                                                                of each bin j: tag t_j, masks r_j <- random
 *                          hint: Q = Encode(p(y, k) -> (t_j, w - r_j) + F(p)), j = h_k(y)
 *     (t'_j, u_j) of bin j <--------------------------------
 *     = Decode(Q, p) + F(p), random in empty bins
 *                          gmwMasked: e_j = [t'_j = t_j] as XOR shares, a tree of ANDs
 *                          <------------------------------->
 *                          otCorrections, otProducts: additive shares of e_j, e_j v_j, e_j (u_j + r_j), and products
 *                          <------------------------------->
 *     sums over all bins                                         sums over all bins
 *     [minimum: whether there are enough as a shared bit, by which all sums are multiplied]
 *     [statistics: sums of limbs from Z_2^64 to Z_2^128, where they are put together]
 *     ======================  checkpoint: both have signed all chain heads so far  =============
 *                          opened: shares of the sums
 *                          <------------------------------->
 *
 * Security. Semi-honest, one corrupt party. Where the sender does not have the row in bin j the receiver's t'_j is
 * F(p) + something at a point where F was never shown, hence uniform to both; where it has it, t'_j = t_j is uniform to the
 * receiver. All else is shares. σ = 40: any bin is falsely equal with probability at most bins · 2^-(tag bits) = 2^-40,
 * from the length of the tags; the cuckoo table of 1.27 n bins and three functions without stash fails with probability
 * 2^-40 by the experiments that PSTY19 rely on (ia.cr/2016/930; more bins for small n: messages.ts), and so does each store
 * (then the run ends before anything is opened, and a new attempt draws a new salt). Computational: about 115 bits, as
 * the vector OLE's; transfers 121; digests are keyed BLAKE3, as random oracles.
 * Against an active party nothing is promised: it may enter rows and values of its choice, and read from sums what they
 * were made to show (a value of 2^20 in one row shows that row in a sum); a wrong share shifts a sum unnoticed. The audit by
 * replay shows rows and values that were not committed to, and deviations.
 *
 * Ranges. Values are whole numbers of `bits` <= 40. All sums are exact: products of two values are added up in limbs whose
 * sums stay below 2^63, and such sums go to Z_2^128 before they are put together, so that no limb is opened. Two shares of a
 * number below 2^63 wrap around exactly if one has its highest bit set: one product (MSB to wrap, Rathee et al., SIRNN, IEEE
 * S&P 2021, ia.cr/2021/459).
 *
 * Leakage. The sizes, which stand in the terms; of the outcome only what `output` names: `cardinality` the number of common
 * rows; `sum` a sum a column, and not their number; `statistics` their number, the sums, and the sums of all products of
 * two columns, from which means, variances and covariances follow. Neither party learns which rows are common, nor in what
 * bin. With fewer common rows than `minimum` the receivers learn that they are fewer, and nothing else. Sums over few rows
 * say much of each: agree on a minimum. Two runs on sets that differ in one row show that row's part: sums are not noised.
 * A minimum counts rows, not what they carry: by a column that is 1 in one row and 0 elsewhere the sum of products is the
 * partner's value of that row, and a list may be filled up with ids whose part its owner knows.
 *
 * Refusal. Who learns has it from `opened` on and may refuse to sign the close, or where both learn keep its own share to
 * itself; the other keeps the checkpoint, signed before.
 *
 * Cost. `cost.ts`: bins · (57 to 61 AND gates of 8.5 bytes, and 12 bytes a scaled column), 16 bytes for each element of the
 * stores, |P| about 1.31 n and |Q| 1.31 · 3 m for each store; products of a column of each party 4 to 12 bytes a bit and bin.
 *
 * Constant time. As the kernels of the vector OLE, the transfers and the stores; not constant-time: hashing into bins, encoding
 * and decoding (memory access follows the digests of own rows, on this machine only), the length of rows, and what is opened.
 */
import {
  openTransfers,
  transfersCost,
  tripleMessages,
  voleCost,
  voleMessages,
  voleReceive,
  voleSend,
} from '@tallystick/ot'
import { defineProtocol } from '@tallystick/protocol'
import { checkValued } from '../ecdh/items.ts'
import type { Items, Role } from '../ecdh/messages.ts'
import type { Blocks, Wire } from './blocks.ts'
import { costOf } from './cost.ts'
import type { Outcome } from './finish.ts'
import { messages, parseParameters, type Parameters, type Valued } from './messages.ts'
import { receiverOf } from './receiver.ts'
import { senderOf } from './sender.ts'

export type { Blocks } from './blocks.ts'
export type { Outcome, Whole } from './finish.ts'
export type { Column, Parameters, Valued } from './messages.ts'
export { receiverShares, type ReceiverShares } from './receiver.ts'
export { senderShares, type SenderShares } from './sender.ts'

const keysOf = ({ bytes, offsets }: Items): string[] =>
  Array.from({ length: offsets.length - 1 }, (_, row) => bytes.subarray(offsets[row], offsets[row + 1]).join())

/** The sums in the clear, over bigints. */
const plain = ({ output, minimum, columns, sizes }: Parameters, x: Valued, y: Valued): Outcome => {
  const places = new Map(keysOf(y).map((key, row) => [key, row]))
  const common = keysOf(x).flatMap((key, row) => (places.has(key) ? [[row, places.get(key)!] as const] : []))
  if (common.length < minimum) return { kind: 'withheld' }
  if (output === 'cardinality') return { kind: 'cardinality', size: common.length }
  const [r, s] = [columns.receiver.length, columns.sender.length]
  const value = (column: number, [own, theirs]: readonly [number, number]): bigint =>
    BigInt(column < r ? x.values[column * sizes.receiver + own]! : y.values[(column - r) * sizes.sender + theirs]!)
  const sum = (of: (row: readonly [number, number]) => bigint): string =>
    common.reduce((all, row) => all + of(row), 0n).toString()
  const each = Array.from({ length: r + s }, (_, i) => i)
  const sums = each.map((i) => sum((row) => value(i, row)))
  if (output === 'sum') return { kind: 'sums', sums }
  const products = each.flatMap((i) => each.slice(i).map((j) => sum((row) => value(i, row) * value(j, row))))
  return { kind: 'moments', size: common.length, sums, products }
}

/**
 * From committed rows: 8 bytes for each column of the role, a value in big endian, before the id.
 */
export const circuitInput = (rows: Items, role: string, parameters: unknown): Valued => {
  const columns = (parameters as Parameters).columns[role as Role].length
  checkValued(rows, 8 * columns)
  const count = rows.offsets.length - 1
  const offsets = Uint32Array.from(rows.offsets, (offset, row) => offset - 8 * columns * row)
  const bytes = new Uint8Array(rows.bytes.length - 8 * columns * count)
  const values = new Float64Array(columns * count)
  const view = new DataView(rows.bytes.buffer, rows.bytes.byteOffset, rows.bytes.length)
  for (let row = 0; row < count; row++) {
    const at = rows.offsets[row]!
    for (let i = 0; i < columns; i++) values[i * count + row] = Number(view.getBigUint64(at + 8 * i))
    bytes.set(rows.bytes.subarray(at + 8 * columns, rows.offsets[row + 1]), offsets[row])
  }
  return { bytes, offsets, values }
}

/** The protocol over its building blocks; {@link psty19} is over the silent vector OLE and the OT extension. */
export const psty19Over = (blocks: Blocks) => {
  const table = { ...blocks.vole.messages, ...blocks.transfers.messages, ...tripleMessages, ...messages } as Wire
  return defineProtocol<Role, Wire, Parameters, Record<Role, Valued>, Record<Role, Outcome>>({
    id: 'psi/psty19',
    version: 1,
    roles: ['receiver', 'sender'],
    messages: table,
    // Each attempt could tell another number: differences of them tell rows.
    attempts: 1,
    security: {
      adversary: 'semi-honest',
      corruptions: 1,
      // Not 128: one search of a preimage has all nodes of the VOLE's trees for targets (rr22/index.ts).
      computational: 115,
      statistical: 38,
      assumptions: [
        'BLAKE3 in keyed mode is a random oracle',
        'those of the vector OLE and of the OT extension: see @tallystick/ot',
        'cuckoo tables of 1.27 n bins with three functions fail with probability 2^-40 (by experiment, ia.cr/2016/930)',
      ],
      refusal:
        'Who learns has the outcome from the opened shares on and may refuse to sign the close, or where both learn keep ' +
        'back its own share. The other keeps the checkpoint that both signed before.',
    },
    leakage: {
      receiver: 'the number of rows of the sender (it stands in the terms)',
      sender: 'the number of rows of the receiver (it stands in the terms)',
    },
    parameters: parseParameters,
    cost: costOf(blocks),
    ideal: (parameters, { receiver, sender }) => {
      const outcome = plain(parameters, receiver, sender)
      const { to } = parameters
      const of = (role: Role): Outcome => (to === 'both' || to === role ? outcome : { kind: 'none' })
      return { receiver: of('receiver'), sender: of('sender') }
    },
    parties: { receiver: receiverOf(blocks), sender: senderOf(blocks) },
  })
}

const silent: Blocks = {
  // Both ends of the transfers open the ones of each direction, so the table is that of any pair of roles.
  vole: { messages: voleMessages('each', 'each'), send: voleSend, receive: voleReceive, cost: voleCost },
  transfers: { messages: {}, open: openTransfers, cost: () => transfersCost() },
}

export const psty19 = psty19Over(silent)
