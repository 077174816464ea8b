/**
 * Correlations between two parties from oblivious transfer: AND triples over bits, Beaver triples and products over
 * Z_2^64. Both directions of an OT extension are opened once a run and stretched as far as is needed:
 *
 *     const transfers = yield* openTransfers(ctx.narrow('transfers'), { peer, first })   // first: one end true, one false
 *     const { a, b, c } = yield* bitTriples(ctx.narrow('and'), transfers, n)
 *     const { a, b, c } = yield* ringTriples(ctx.narrow('beaver'), transfers, n)
 *
 * with `...tripleMessages` in the protocol's message table (any two roles). Calls over one `transfers` come one after the
 * other and in the same order on both ends, never side by side in a join: each call goes on where the last one ended.
 *
 *     first                                                      second
 *     ------------------------------------------------------------------------------------------
 *     in each direction, once: 128 base transfers and 32 GGM trees of 16 leaves (extension/index.ts)
 *     each call, each direction; the end that sends transfers has Delta and rows q, the other rows v = q + u Delta:
 *                          otCorrections: 32 bits a transfer
 *     rows q               <--------------------------------     choices u, rows v
 *     bits:   b = H(q) + H(q + Delta), v = H(q)                  a = u, H(v)             c = ab + ..., both directions
 *     ring:                otProducts: h_0 - h_1 + b           sum 2^k h_u, kept
 *     - sum 2^k h_0        -------------------------------->     + sum 2^k u (h_0 - h_1 + b): ab + sum 2^k h_0 in all
 *
 *     No row is kept: either end hashes each in the cache in which it was made (`softspoken/*` of the kernels).
 *
 * Papers. SoftSpokenOT (Roy, CRYPTO 2022, ia.cr/2022/192) for the transfers, Asharov, Lindell, Schneider, Zohner (CCS 2013,
 * ia.cr/2013/552) for AND triples from random transfers, Gilboa (CRYPTO 1999) in the form of Demmler, Schneider, Zohner
 * ("ABY", NDSS 2015) for products.
 *
 * Security. Semi-honest only: nothing here checks what the other end sends. Given the base transfers (about 125 bits; or
 * `base: 'ml-kem'`), as the extension: 121 bits for the trees; AES-128 as a pseudorandom generator, of which the first
 * block of each key stream is the next state and the rest is used; H = MMO of fixed-key AES, correlation robust in the
 * ideal-permutation model (ia.cr/2019/074), one Delta a run: T transfers give a search T targets, 2^128 / T guesses.
 * Leakage. None beyond the numbers asked for.
 * Cost. `transfersCost`, `bitTriplesCost`, `productCost`, `ringTriplesCost`: 8 bytes an AND triple, 1088 bytes a Beaver
 * triple, both ends together.
 * Constant time. Yes, as far as the engine's AES is, but for the place of the unknown leaf in the opening (extension/index.ts).
 */
export { tripleMessages, type TripleMessages } from './messages.ts'
export { openTransfers, transfersCost } from './transfers.ts'
export type { PairCost, Transfers, TransfersOptions } from './transfers.ts'
export { type BitTriples, bitTriples, bitTriplesCost } from './bits.ts'
export { addRing, maxRingTriples, multiplyRing, productCost, productReceive, productSend } from './ring.ts'
export { type RingTriples, ringTriples, ringTriplesCost } from './ring.ts'
