/**
 * Private set intersection from vector OLE and an oblivious key-value store, two parties: Raghuraman and Rindal (CCS
 * 2022, ia.cr/2022/320), on the protocol of Rindal and Schoppmann (EUROCRYPT 2021, ia.cr/2021/266, figures 3 and 4).
 * Elements are of GF(2^128); row(x) is x's row of the store, so that Decode(V, x) = row(x) · V is linear in V.
 *
 *     receiver (n rows X)                                        sender (m rows Y)
 *     ------------------------------------------------------------------------------------------
 *                                                                D <- GF(2^128)
 *                          [coinCommitment: H(w_s)]              [w_s <- GF(2^128)]
 *                          <--------------------------------
 *                             vector OLE of |P| elements
 *     A', C                <------------------------------->     B          with C = B + A' D
 *                          salt of the digests H and row
 *                          -------------------------------->
 *     P = Encode(x -> H(x))
 *                          encoded: P + A', chunk by chunk
 *                          -------------------------------->     K = B + (P + A') D  (= C + P D)
 *                          [receiverCoin: w_r]
 *                          -------------------------------->
 *                          [senderCoin: w_s; checked]            [w = w_r + w_s, else 0]
 *                          <--------------------------------
 *     F(x) = H'(Decode(C, x) + w, x)                             F(y) = H'(Decode(K, y) + H(y) D + w, y)
 *     ======================  checkpoint: both have signed all chain heads so far  =============
 *                          masks: F(Y), ascending
 *                          <--------------------------------
 *     rows i with F(x_i) among them
 *                          common: a bit a mask, if to: both
 *                          -------------------------------->     rows whose bit is set
 *
 * `psi/rr22` is the protocol against semi-honest parties; `psi/rr22-malicious` has the messages in brackets, masks of 128
 * bits in place of σ + log2 n + log2 m, and the vector OLE that is secure against malicious ends.
 *
 * Security. For x in X, Decode(K, x) + H(x) D = Decode(C, x); for y outside of X, H(y) + Decode(P, y) is not 0 but with
 * probability 2^-128 a row, and F(y) hangs on D, which the receiver does not know. Computational: about
 * 115 bits at 2^20 rows, since one preimage of any known node of the VOLE's trees, which share two public permutations,
 * gives D away (vole/index.ts of ot); 114 at the largest sizes, and log2(S) less for an attack on any of S sessions.
 * σ = 40 statistical: two different rows have equal masks with probability at most n m 2^-(mask bits) <= 2^-40; the store
 * cannot be made with probability 2^-40 (okvs/parameters.ts in the kernels; then the run ends before the masks). H, row
 * and H' are keyed BLAKE3, as random oracles; ids stand in for themselves by their digest of 256 bits. P says nothing
 * since A' is pseudorandom. Semi-honest: nothing is promised against a party that deviates.
 * Malicious (the paper's theorem for its figure 4): a corrupt sender's set is what it asked H' about; a corrupt receiver
 * can pack more rows into P than it should, up to about |P| = 1.3 n (ia.cr/2021/883, section 5, on overfitting; more
 * would be a linear system that no known attack solves), so take 1.3 n for the size of a set that is not trusted. An
 * active party may enter guessed rows or other rows than it committed to: the audit by replay shows the latter.
 *
 * Leakage. The sizes, which stand in the terms. The receiver learns which of its rows are common; masks are sorted, so
 * nothing about the order of the sender's rows. There is no cardinality alone: own masks have a place each. With to:
 * both the sender learns the same by the receiver's word, hence only against semi-honest parties.
 *
 * Refusal. The receiver learns from `masks` and may then refuse to sign the close: the sender is left with the
 * checkpoint, signed before. With to: both the receiver may keep `common` to itself.
 *
 * Cost. The vector OLE's, then 2 rounds (3 with the coin; one more for both): 16 |P| + m times the width of a mask in
 * bytes, |P| about 1.31 n from 2^16 rows up. Memory beside the input, in flat arrays: the receiver holds 32 bytes a row
 * and four vectors of |P| elements, the sender 32 bytes a row, two vectors, and 64 bytes a row of its own for a while; the
 * kernels of the store 35 bytes a row.
 *
 * Constant time. Products with D, sums and hashes are as constant-time as the kernels' engine says. Not constant-time:
 * encoding and decoding (memory access follows the digests of own rows, on this machine only), the check of own
 * duplicates, the length of rows, sorting own masks, and the comparison.
 */
import {
  voleCost,
  voleMessages,
  voleReceive,
  voleSend,
  type Adversary,
  type BlockCost,
  type VoleOptions,
  type VoleReceived,
} from '@tallystick/ot'
import { defineProtocol, type Context, type Messages, type Routine } from '@tallystick/protocol'
import type { Items, Outcome, Role } from '../ecdh/messages.ts'
import {
  coinMessages,
  elementBytes,
  isTrivial,
  maskBytes,
  messages,
  parserFor,
  saltBytes,
  storeSize,
  type Parameters,
} from './messages.ts'
import { receiverOf } from './receiver.ts'
import { senderOf } from './sender.ts'

export type { Parameters } from './messages.ts'
export { defaultChunkRows, maskBytes, maxChunkRows, maxRows, storeSize } from './messages.ts'

/** A vector OLE with the roles `sender` and `receiver`. */
export interface Vole {
  readonly messages: Messages
  readonly send: (ctx: Context<any, any>, peer: Role, options: VoleOptions, delta: Uint8Array) => Routine<Uint8Array>
  readonly receive: (ctx: Context<any, any>, peer: Role, options: VoleOptions) => Routine<VoleReceived>
  readonly cost: (options: VoleOptions) => BlockCost
}

export interface Variant {
  readonly security: Adversary
  readonly vole: Vole
  /** Bits of statistical security of the masks: 40 but in experiments. */
  readonly statistical?: number
}

/** All that the roles send themselves; the coin only against malicious parties. */
export type Wire = typeof messages & typeof coinMessages

type Inputs = Record<Role, Items>
type Outputs = Record<Role, Outcome>

/** The plain intersection by a set of strings. */
const plain = (own: Items, theirs: Items): Outcome => {
  const keys = ({ bytes, offsets }: Items): string[] =>
    Array.from({ length: offsets.length - 1 }, (_, row) => bytes.subarray(offsets[row], offsets[row + 1]).join())
  const known = new Set(keys(theirs))
  return { kind: 'intersection', rows: Uint32Array.from(keys(own).flatMap((row, i) => (known.has(row) ? [i] : []))) }
}

const costOf = (variant: Variant) => (parameters: Parameters) => {
  const { security, vole } = variant
  const nothing = { rounds: 0, bytes: 0, coins: { receiver: 0, sender: 0 }, correlations: {} }
  if (isTrivial(parameters)) return nothing
  const { sizes, to } = parameters
  const n = storeSize(parameters)
  const malicious = security === 'malicious'
  const base = vole.cost({ n, security })
  const coin = malicious ? elementBytes : 0
  const own = saltBytes + elementBytes * n + sizes.sender * maskBytes(parameters, variant)
  return {
    rounds: base.rounds + 2 + (malicious ? 1 : 0) + (to === 'both' ? 1 : 0),
    bytes: base.bytes + own + (malicious ? 32 + 2 * coin : 0) + (to === 'both' ? Math.ceil(sizes.sender / 8) : 0),
    coins: {
      receiver: base.coins.receiver + saltBytes + coin,
      sender: base.coins.sender + elementBytes + coin,
    },
    correlations: {},
  }
}

const assumptions: Readonly<Record<Adversary, readonly string[]>> = {
  'semi-honest': ['BLAKE3 in keyed mode is a random oracle', 'those of the vector OLE: see @tallystick/ot'],
  malicious: [
    'BLAKE3 in keyed mode is a random oracle',
    'those of the vector OLE: see @tallystick/ot',
    'a receiver cannot encode more rows than the store has elements (overfitting, ia.cr/2021/883)',
  ],
}

/** The protocol over a vector OLE; {@link rr22} and {@link rr22Malicious} are over the silent one. */
export const rr22Over = (variant: Variant) => {
  const malicious = variant.security === 'malicious'
  const table = { ...variant.vole.messages, ...messages, ...(malicious && coinMessages) }
  return defineProtocol<Role, typeof table, Parameters, Inputs, Outputs>({
    id: malicious ? 'psi/rr22-malicious' : 'psi/rr22',
    version: 1,
    roles: ['receiver', 'sender'],
    messages: table,
    security: {
      adversary: variant.security,
      corruptions: 1,
      // Not 128: one search of a preimage has all nodes of the VOLE's trees for targets (header).
      computational: 115,
      statistical: 40,
      assumptions: assumptions[variant.security],
      refusal:
        'The receiver knows the outcome from the masks on and may refuse to sign the close or, where both learn, to ' +
        'tell the sender. The sender keeps the checkpoint that both signed before.',
    },
    leakage: {
      receiver: 'the number of rows of the sender (it stands in the terms)',
      sender: 'the number of rows of the receiver (it stands in the terms)',
    },
    parameters: parserFor(variant.security),
    cost: costOf(variant),
    ideal: ({ to }, { receiver: x, sender: y }) => ({
      receiver: plain(x, y),
      sender: to === 'both' ? plain(y, x) : { kind: 'none' },
    }),
    parties: {
      receiver: receiverOf(variant),
      sender: senderOf(variant),
    },
  })
}

const silent = {
  messages: voleMessages('sender', 'receiver'),
  send: voleSend,
  receive: voleReceive,
  cost: voleCost,
} satisfies Vole

export const rr22 = rr22Over({ security: 'semi-honest', vole: silent })
export const rr22Malicious = rr22Over({ security: 'malicious', vole: silent })
