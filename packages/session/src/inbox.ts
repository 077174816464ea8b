/**
 * Frames that arrived and that nobody has awaited yet, by (peer, step), in order. Bounded: above the mark the link of
 * the peer is paused, so the peer is held back by its own connection and memory does not grow.
 */
import { TallyError } from '@tallystick/core'
import type { AnyProtocol } from '@tallystick/protocol'
import type { Frame } from './link.ts'
import { misplaced, replayed } from './wire.ts'

interface Queue {
  /** The ordinal of the next frame to arrive. */
  next: number
  readonly frames: Uint8Array[]
  /** Index of the first frame not taken. */
  first: number
}

export interface Inbox {
  /** @throws TallyError for a frame that the agreed protocol cannot have sent here */
  arrive(frame: Frame): void
  /** The next frame of a step, where it is here. */
  take(step: string): Uint8Array | undefined
  /** Starts a step at an ordinal, as the journal holds what came before. */
  startAt(step: string, ordinal: number): void
  readonly paused: boolean
  /** Steps with frames that nobody took. */
  left(): readonly string[]
}

/** What a waiting frame costs besides its body. */
const overhead = 256

export const createInbox = (
  protocol: AnyProtocol,
  peer: string,
  role: string,
  limit: number,
  flow: { pause(): void; resume(): void },
): Inbox => {
  const queues = new Map<string, Queue>()
  let bytes = 0
  let paused = false
  const queueOf = (step: string): Queue => {
    let queue = queues.get(step)
    if (queue === undefined) queues.set(step, (queue = { next: 0, frames: [], first: 0 }))
    return queue
  }
  const cost = (body: Uint8Array): number => body.length + overhead
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
    arrive(frame) {
      const { step, ordinal, body } = frame
      check(frame)
      const queue = queueOf(step)
      if (ordinal < queue.next) throw replayed(peer, `${step} #${ordinal} came again from ${peer}`)
      if (ordinal > queue.next)
        throw misplaced(peer, `${step}: expected frame #${queue.next} from ${peer}, found #${ordinal}`)
      queue.next++
      queue.frames.push(body)
      bytes += cost(body)
      if (bytes <= limit || paused) return
      paused = true
      flow.pause()
    },
    take(step) {
      const queue = queues.get(step)
      const body = queue?.frames[queue.first]
      if (queue === undefined || body === undefined) return undefined
      queue.first++
      if (queue.first === queue.frames.length) {
        queue.frames.length = 0
        queue.first = 0
      } else if (queue.first === 1024) {
        queue.frames.splice(0, queue.first)
        queue.first = 0
      }
      bytes -= cost(body)
      if (paused && bytes <= limit / 2) {
        paused = false
        flow.resume()
      }
      return body
    },
    startAt(step, ordinal) {
      queueOf(step).next = ordinal
    },
    get paused() {
      return paused
    },
    left: () => [...queues].filter(([, queue]) => queue.frames.length > queue.first).map(([step]) => step),
  }
}
