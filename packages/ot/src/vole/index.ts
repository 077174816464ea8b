/**
 * Silent VOLE over GF(2^128): c = b + a·Delta for n pseudorandom a, with communication that grows with log n. The
 * pseudorandom correlation generator of Boyle et al. (CCS 2019, ia.cr/2019/1159) from dual LPN, with the consistency check
 * of Wolverine (ia.cr/2020/925) and Ferret (ia.cr/2020/924) in the form that libOTe has, and expand-convolute codes
 * (ia.cr/2023/882). Parameters, assumption and their estimate: `parameters.ts`.
 *
 *     sender, Delta                                              receiver
 *     ------------------------------------------------------------------------------------------
 *                                                                e: t values at regular places
 *                     transfers (extension/index.ts), two batches under two Deltas:
 *     tree keys K_0, K_1                                         K of the side beside the path to each place
 *     b'_i                                                       c'_i = b'_i + e_i Delta      (128 bits each)
 *     t GGM trees: leaves v
 *                          voleTrees: level sums under K, and s_i = b'_i + (sum of tree i)
 *                          -------------------------------->     w = v, but at the places v + e_i Delta
 *     malicious:           voleChallenge: X                      c* = b* + e(X) Delta was shared as well
 *                          <--------------------------------
 *                          voleProof: H(v(X) + b*)
 *                          -------------------------------->     = H(w(X) + c*), else abort
 *     b = compress(v)                                            a = compress(e), c = compress(w)
 *
 * Security. semi-honest or malicious, as the caller asks; 128 bits against linear tests of LPN, about 125 for the base
 * transfers, and 128 - log2(trees · depth) for the trees: their two permutations are public and the same for all trees and
 * sessions, and the receiver knows a sibling of the unknown node on each level, so that one preimage of any of them gives
 * Delta. At n = 1.3 · 2^20 that is 115 bits, at n = 2^26 114, and log2(S) less for an attack on any of S sessions.
 * Malicious: the receiver cannot deviate beyond the transfers (their selective failure on Delta:
 * extension/index.ts). A corrupt sender that sends other trees is found out unless it guesses noise places, and each wrong
 * guess aborts: one bit of leakage on average, which the regular LPN assumption with leakage absorbs (ia.cr/2020/925).
 * X is drawn before but shown only after the trees: a deviation passes with probability below N / 2^128.
 * The transfers' Delta is fresh and not the caller's, since the caller may use or reveal his.
 * Leakage. None beyond n. Cost. 3 rounds semi-honest, 7 malicious; `voleCost`; about 0.6 MB for n = 1.3 · 2^20.
 * Constant time. Not the accesses to memory at noise places and chunks of Delta (kernels ggm, expand-convolute): secrets
 * of the own side, visible to a process on the same core. The algebra is.
 */
import { blockBytes } from '../bytes.ts'
import { correlateCost } from '../extension/correlate.ts'
import type { BlockCost, VoleOptions } from '../interface.ts'
import { noiseCoins } from './noise.ts'
import { shapeOf } from './parameters.ts'
import { batchesOf } from './shares.ts'

export { type VoleMessages, voleMessages } from './messages.ts'
export { maxElements, noiseWeight } from './parameters.ts'
export { voleReceive } from './receiver.ts'
export { voleSend } from './sender.ts'

export const voleCost = (options: VoleOptions): BlockCost => {
  const shape = shapeOf(options)
  if (options.n === 0) return { rounds: 0, bytes: 0, coins: { sender: 0, receiver: 0 } }
  const malicious = options.security === 'malicious'
  const transfers = correlateCost(batchesOf(options), options)
  return {
    rounds: transfers.rounds + (malicious ? 3 : 1),
    bytes: transfers.bytes + blockBytes * shape.weight * (2 * shape.depth + 1) + (malicious ? 48 : 0),
    coins: {
      sender: transfers.coins.sender + blockBytes * (shape.weight + 1),
      receiver: transfers.coins.receiver + noiseCoins(shape) + (malicious ? blockBytes : 0),
    },
  }
}
