/**
 * Frames that arrived and that nobody has awaited yet, by (peer, step), in order. Bounded: above the mark the link of
 * the peer is paused, so the peer is held back by its own connection and memory does not grow.
 */
import { TallyError } from '@tallystick/core'
import type { AnyProtocol } from '@tallystick/protocol'
import type { Frame } from './link.ts'
import { misplaced, replayed } from './wire.ts'

export interface Inbox {
  /** Lets a frame in: one that the protocol can have sent here, and the next of its step. Throws for any other. */
  admit(frame: Frame): void
  /** Keeps a frame that was let in and that nobody awaits yet. */
  keep(frame: Frame): void
  /** The next frame of a step, where it is here. */
  take(step: string): Uint8Array | undefined
  /** Starts a step at an ordinal, as the journal holds what came before. */
  startAt(step: string, ordinal: number): void
  readonly paused: boolean
  /** Steps with frames that nobody took. */
  left(): readonly string[]
}

/** What a waiting frame costs besides its body and its step. */
const overhead = 256

export const createInbox = (
  protocol: AnyProtocol,
  peer: string,
  role: string,
  limit: number,
  flow: { pause(): void; resume(): void },
): Inbox => {
  /** By step, the ordinal of the next frame to arrive. */
  const next = new Map<string, number>()
  /** Only steps with frames: there may be very many steps, one frame each. */
  const queues = new Map<string, { readonly frames: Uint8Array[]; first: number }>()
  let bytes = 0
  let paused = false
  const cost = (step: string, body: Uint8Array): number => 2 * step.length + body.length + overhead
  const prefix = `${protocol.id}/`
  const check = ({ step, body }: Frame): void => {
    const name = step.slice(step.lastIndexOf('/') + 1)
    const message =
      step.startsWith(prefix) && Object.hasOwn(protocol.messages, name) ? protocol.messages[name] : undefined
    const fits =
      message !== undefined &&
      (message.from === peer || message.from === 'each') &&
      (message.to === role || message.to === 'each')
    if (!fits) throw misplaced(peer, `expected a message of ${protocol.id} from ${peer}, found "${step.slice(0, 80)}"`)
    const { maxBytes } = message.codec
    if (body.length <= maxBytes) return
    const found = `${step} from ${peer}: expected at most ${maxBytes} bytes, found ${body.length}`
    throw new TallyError('decode/oversize', { peer }, found, { remedy: `ask ${peer} which software it runs` })
  }
  return {
    admit(frame) {
      const { step, ordinal } = frame
      check(frame)
      const expected = next.get(step) ?? 0
      if (ordinal < expected) throw replayed(peer, `${step} #${ordinal} came again from ${peer}`)
      if (ordinal > expected) {
        throw misplaced(peer, `${step}: expected frame #${expected} from ${peer}, found #${ordinal}`)
      }
      next.set(step, expected + 1)
    },
    keep({ step, body }) {
      const queue = queues.get(step)
      if (queue === undefined) queues.set(step, { frames: [body], first: 0 })
      else queue.frames.push(body)
      bytes += cost(step, body)
      if (bytes <= limit || paused) return
      paused = true
      flow.pause()
    },
    take(step) {
      const queue = queues.get(step)
      if (queue === undefined) return undefined
      const body = queue.frames[queue.first++]!
      if (queue.first === queue.frames.length) queues.delete(step)
      else if (queue.first === 1024) {
        queue.frames.splice(0, queue.first)
        queue.first = 0
      }
      bytes -= cost(step, body)
      if (paused && bytes <= limit / 2) {
        paused = false
        flow.resume()
      }
      return body
    },
    startAt(step, ordinal) {
      next.set(step, ordinal)
    },
    get paused() {
      return paused
    },
    left: () => [...queues.keys()],
  }
}
