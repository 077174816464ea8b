import { fixedBytes, flatRows } from '@tallystick/core'
import { message } from '@tallystick/protocol'
import { baseMessages } from '../base/messages.ts'

/** Transfers of one call. */
export const maxRows = 2 ** 20

/** `sender` and `receiver` are the roles of the ends of the extension, or 'each'. The base transfers run the other way. */
export const correlatedMessages = <const S extends string, const R extends string>(sender: S, receiver: R) => ({
  ...baseMessages(receiver, sender),
  /** Masked sums of small GGM trees and, against malice, what binds their maker to one tree each. */
  otSeeds: message(receiver, sender, flatRows(32, 1024)),
  /** What brings all chunks to the receiver's choices: chunks of ceil(rows / 8) bytes. */
  otCorrections: message(receiver, sender, flatRows(16, 2 * maxRows + 8192)),
  /** A random point, once the corrections are there. */
  otChallenge: message(sender, receiver, fixedBytes(16)),
  /** Hashes of the choices and of the 128 columns of each correlation. */
  otResponse: message(receiver, sender, flatRows(129 * 16, 2)),
})

export type CorrelatedMessages<S extends string, R extends string> = ReturnType<typeof correlatedMessages<S, R>>
