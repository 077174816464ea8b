/**
 * Shared membership between a querier (rows X) and a holder (rows Y): XOR shares of "x is in Y" for each place of the
 * querier's cuckoo table, and nothing else to either. This is the first half of the circuit PSI of Pinkas, Schneider,
 * Tkachenko and Yanai (EUROCRYPT 2019, ia.cr/2019/241, section 4), whose oblivious programmable PRF is made here from the OPRF
 * of Rindal and Schoppmann (EUROCRYPT 2021, ia.cr/2021/266, figure 3) and a store of corrections as in
 * `psi/kmprt17`, and whose circuit for equality is evaluated by GMW over AND triples (ot/src/gmw). For n parties it is
 * run by one querier with each holder, on one table (CDGOSS21, ia.cr/2021/172).
 *
 *     querier                                                    holder
 *     ------------------------------------------------------------------------------------------
 *                       vector OLE of |P| elements; transfers and AND triples
 *     A, C                 <------------------------------->     B, D       with C = B + A D
 *     x in bin j under function k: point (x, k)                  all points (y, k), k = 0, 1, 2; tags r_j <- {0,1}^128
 *     P = Encode(point -> H(point))
 *                          encoded: P + A, chunk by chunk
 *                          -------------------------------->     K = B + (P + A) D
 *     F = H'(Decode(C, point), point)                            F = H'(Decode(K, point) + H(point) D, point)
 *                                                                Q = Encode((y, k) -> r_bin + F(y, k)), rest random
 *                          targets: Q
 *                          <--------------------------------
 *     w_j = Decode(Q, point) + F(point), random in empty bins
 *                          GMW over the low bits of w_j and r_j
 *     share of [w_j = r_j] <------------------------------->     share of [w_j = r_j]
 *
 * Security. Semi-honest; Q is uniform to the querier but for one tag a bin, which is uniform itself. A row that the holder
 * lacks agrees in its tag with probability 2^-bits; `tagBits` makes that 2^-40 over all bins of all holders. 128 bits
 * computational less the targets of the blocks, see @tallystick/ot. Every tag has 16 bytes, so that nothing of a value of
 * the store is plain.
 *
 * Cost. 16 |P| + 16 |Q| bytes, |Q| about 3.93 elements a row of the holder, and (bits - 1) AND gates a bin, 8.5 bytes each,
 * 1.27 bins a row of the querier.
 * Constant time. Products with D, sums, hashes, triples and gates as the kernels' engine says; not the cuckoo table,
 * encoding and decoding (memory access follows the digests of own rows, on this machine only).
 */
export { slotsOf } from '../bins/index.ts'
export * from './messages.ts'
export { beginHold, heldOf, hold, type Held, type HolderBegun } from './holder.ts'
export { beginQuery, query, tableOf, type QuerierBegun, type Table } from './querier.ts'
export type { Correlations } from './steps.ts'
