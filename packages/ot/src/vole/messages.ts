import { fixedBytes, flatRows } from '@tallystick/core'
import { message } from '@tallystick/protocol'
import { correlatedMessages } from '../extension/messages.ts'
import { noiseWeight } from './parameters.ts'

/** `sender` (who knows Delta) and `receiver` are the roles of the ends, or 'each'. */
export const voleMessages = <const S extends string, const R extends string>(sender: S, receiver: R) => ({
  ...correlatedMessages(sender, receiver),
  /** Of each tree and level two masked sums, then of each tree its masked total. */
  voleTrees: message(sender, receiver, flatRows(16, (2 * noiseWeight + 8) * (2 * 24 + 1))),
  /** A random point, once the trees are there; malicious only. */
  voleChallenge: message(receiver, sender, fixedBytes(16)),
  /** Digest of the sender's value at that point. */
  voleProof: message(sender, receiver, fixedBytes(32)),
})

export type VoleMessages<S extends string, R extends string> = ReturnType<typeof voleMessages<S, R>>
