/** What the parties of a program under `rep4` send: vectors in the chunks of `rep3`, and digests of what others send. */
import { fixedBytes } from '@tallystick/core'
import { message, opening } from '@tallystick/protocol'
import { messages as rep3 } from '../rep3/messages.ts'

export const messages = {
  /** Contributions to the two keys that sender and receiver have in common, each with another third party. */
  keys: message('each', 'each', fixedBytes(64)),
  /** The component of an owner's inputs that no key gives. */
  share: rep3.share,
  /** What a pair knows, masked, to the third. */
  product: rep3.product,
  /** A component of values that a party may see in mid-run. No signed heads precede it. */
  reveal: rep3.reveal,
  /** SHA-256 of what another party sends to the same receiver, or of what two hold alike. */
  vouch: message('each', 'each', fixedBytes(32)),
  /** A component of an output, and its digest by another party. */
  result: rep3.result,
  resultVouch: opening('each', 'each', fixedBytes(32)),
} as const

export type Messages = typeof messages
