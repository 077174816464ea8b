/** What the two roles of `mpc/zre15` send. Long messages are frames of at most 4 MiB, all but the last full. */
import { fixedBytes, flatRows, TallyError } from '@tallystick/core'
import { correlatedMessages } from '@tallystick/ot'
import { message, opening, type Routine } from '@tallystick/protocol'

export const roles = ['garbler', 'evaluator'] as const
export type Role = (typeof roles)[number]

export const labelBytes = 16
/** Two ciphertexts an AND gate. */
export const tableBytes = 32
export const frameBytes = 2 ** 22

export const messages = {
  ...correlatedMessages('garbler', 'evaluator'),
  /** Where the keys of the hash start. */
  start: message('garbler', 'evaluator', fixedBytes(16)),
  /** What turns the keys of the random transfers into labels: zero ⊕ one ⊕ Δ for each input bit of the evaluator. */
  corrections: message('garbler', 'evaluator', flatRows(labelBytes, frameBytes / labelBytes)),
  /** The labels of the garbler's own input bits. */
  inputs: message('garbler', 'evaluator', flatRows(labelBytes, frameBytes / labelBytes)),
  tables: message('garbler', 'evaluator', flatRows(tableBytes, frameBytes / tableBytes)),
  /** Colours of the labels of 0 of all output bits. */
  decoding: opening('garbler', 'evaluator', flatRows(1, frameBytes)),
  /** Colours of the labels that the evaluator ends with. */
  colours: opening('evaluator', 'garbler', flatRows(1, frameBytes)),
} as const

export type Messages = typeof messages

export function* sendFrames(bytes: Uint8Array, send: (frame: Uint8Array) => Routine<void>): Routine<void> {
  for (let at = 0; at < bytes.length; at += frameBytes) yield* send(bytes.subarray(at, at + frameBytes))
}

/** @throws TallyError peer/misbehaved for a frame of another length. */
export function* receiveFrames(
  peer: Role,
  what: string,
  length: number,
  receive: () => Routine<Uint8Array>,
): Routine<Uint8Array> {
  const out = new Uint8Array(length)
  for (let at = 0; at < length; at += frameBytes) {
    const frame = yield* receive()
    const expected = Math.min(frameBytes, length - at)
    if (frame.length !== expected) {
      const message = `${what} of the ${peer}: expected a frame of ${expected} bytes, found ${frame.length}`
      throw new TallyError('peer/misbehaved', { peer }, message, {
        remedy: `ask the ${peer} which software it runs: the agreed protocol does not send this; keep the journal`,
      })
    }
    out.set(frame, at)
  }
  return out
}
