/** What the parties of a program under `semi2k` send: vectors in the chunks of `rep3`. */
import { flatWords32 } from '@tallystick/core'
import { tripleMessages } from '@tallystick/ot'
import { message } from '@tallystick/protocol'
import { ciphertextMessages } from '../bgv/messages.ts'
import { messages as rep3 } from '../rep3/messages.ts'

export const messages = {
  /** A contribution to a key: of the pair with the dealer, or of all computing parties. */
  key: rep3.key,
  /** The seed of a party's share of an owner's inputs. */
  seed: rep3.seed,
  /** The share that no seed gives. */
  share: rep3.share,
  /** Correction words of the dealer, to one party. */
  deal: rep3.deal,
  /** Shares of masked values, between the computing parties. */
  masked: rep3.masked,
  /** Masked columns of a shuffle. */
  permuted: rep3.permuted,
  /** A share of values that all computing parties may see. In mid-run: no signed heads precede it. */
  reveal: rep3.reveal,
  /** How many comparisons the next level of a sort has: what the dealer has to deal for. */
  pairs: message('each', 'each', flatWords32(1)),
  /** A share of an output. */
  result: rep3.result,
  /** Oblivious transfers, where triples come from them. */
  ...tripleMessages,
  /** Ciphertexts of BGV, where products come from them. */
  ...ciphertextMessages,
} as const

export type Messages = typeof messages
