/**
 * What a peer says that it holds of this side's frames, at a reconnection: they are not sent again, and the run must make
 * the very same, or the peer would get a second answer at one step.
 */
import { compareBytes, fromHex, TallyError } from '@tallystick/core'
import type { Transcript } from '@tallystick/protocol'
import type { Chains } from './control.ts'

export interface HeldFrames {
  /** Whether the peer has this frame. @throws TallyError journal/rewound where it has another */
  has(step: string, ordinal: number, body: Uint8Array): boolean
  /** A step of which the run has not come to all frames that the peer holds. */
  left(): string | undefined
}

/** A chain of what the peer holds, and this run's own as far as it has come. */
interface Held {
  readonly frames: number
  readonly head: Uint8Array
  chain: Transcript | undefined
}

const otherFrames = (peer: string, step: string): TallyError =>
  new TallyError(
    'journal/rewound',
    'none',
    `${peer} says that it holds other frames of ${step} than this run sends: either that is not so, or the ` +
      'journal or the input of this side is not what it was',
    { remedy: 'a second answer at one step is never sent; start a new attempt' },
  )

export const createHeldFrames = (
  role: string,
  peer: string,
  chains: Chains,
  createChain: () => Transcript,
): HeldFrames => {
  /** Until the run has reached them. */
  const steps = new Map<string, Held>(
    chains.map(([step, frames, head]) => [step, { frames, head: fromHex(head, 32), chain: undefined }]),
  )
  return {
    has(step, ordinal, body) {
      if (steps.size === 0) return false
      const held = steps.get(step)
      if (held === undefined || ordinal >= held.frames) return false
      // Made when the step is reached: a peer may list any number of steps.
      held.chain ??= createChain()
      held.chain.append(role, peer, step, body)
      held.chain.settle()
      if (ordinal + 1 < held.frames) return true
      if (compareBytes(held.chain.heads()[0]!.head, held.head) !== 0) throw otherFrames(peer, step)
      steps.delete(step)
      return true
    },
    left: () => steps.keys().next().value,
  }
}
