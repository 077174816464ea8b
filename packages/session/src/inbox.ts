/**
 * Frames that arrived and that nobody has awaited yet, by (peer, step), in order. Bounded: above the mark the link of
 * the peer is paused, so the peer is held back by its own connection and memory does not grow.
 */
import { TallyError } from '@tallystick/core'
import type { AnyProtocol } from '@tallystick/protocol'
import type { Frame } from './link.ts'
import { misplaced, replayed } from './wire.ts'

/** A step of what a peer sends: all that the driver knows of it, found by one look-up a frame. */
export interface Slot {
  /** How many frames of this step were taken, and have arrived. */
  taken: number
  arrived: number
  /** How many of them the journal held at the start. */
  journaled: number
  /** The longest body that the message table lets in; undefined before the first frame arrived. */
  maxBytes: number | undefined
  /** Frames that nobody awaited yet, from `first` on. */
  frames: Uint8Array[] | undefined
  first: number
}

export interface Inbox<S extends Slot> {
  /** The slot of a step, made where there is none. */
  slot(step: string): S
  /** Lets a frame in: one that the protocol can have sent here, and the next of its step. Throws for any other. */
  admit(frame: Frame): S
  /** Keeps a frame that was let in and that nobody awaits yet. */
  keep(slot: S, frame: Frame): void
  /** The next frame of a step, where it is here. */
  take(slot: S, step: string): Uint8Array | undefined
  readonly paused: boolean
  /** A step with frames that nobody took. */
  left(): string | undefined
}

/** What a waiting frame costs besides its body and its step. */
const overhead = 256

export const createInbox = <S extends Slot>(
  protocol: AnyProtocol,
  peer: string,
  role: string,
  limit: number,
  flow: { pause(): void; resume(): void },
  createSlot: () => S,
): Inbox<S> => {
  const slots = new Map<string, S>()
  let bytes = 0
  let paused = false
  const cost = (step: string, body: Uint8Array): number => 2 * step.length + body.length + overhead
  const prefix = `${protocol.id}/`
  const oversize = ({ step, body }: Frame, maxBytes: number): TallyError => {
    const found = `${step} from ${peer}: expected at most ${maxBytes} bytes, found ${body.length}`
    return new TallyError('decode/oversize', { peer }, found, { remedy: `ask ${peer} which software it runs` })
  }
  /** The longest body that the message table lets the peer send at a step. */
  const limitOf = (step: string): number => {
    const name = step.slice(step.lastIndexOf('/') + 1)
    const message =
      step.startsWith(prefix) && Object.hasOwn(protocol.messages, name) ? protocol.messages[name] : undefined
    const fits =
      message !== undefined &&
      (message.from === peer || message.from === 'each') &&
      (message.to === role || message.to === 'each')
    if (!fits) throw misplaced(peer, `expected a message of ${protocol.id} from ${peer}, found "${step.slice(0, 80)}"`)
    return message.codec.maxBytes
  }
  const slotOf = (step: string): S => {
    let slot = slots.get(step)
    if (slot === undefined) slots.set(step, (slot = createSlot()))
    return slot
  }
  return {
    slot: slotOf,
    admit(frame) {
      const { step, ordinal, body } = frame
      const known = slots.get(step)
      const maxBytes = known?.maxBytes ?? limitOf(step)
      if (body.length > maxBytes) throw oversize(frame, maxBytes)
      const slot = known ?? slotOf(step)
      slot.maxBytes = maxBytes
      const expected = slot.arrived
      if (ordinal < expected) throw replayed(peer, `${step} #${ordinal} came again from ${peer}`)
      if (ordinal > expected) {
        throw misplaced(peer, `${step}: expected frame #${expected} from ${peer}, found #${ordinal}`)
      }
      slot.arrived++
      return slot
    },
    keep(slot, { step, body }) {
      if (slot.frames === undefined) {
        slot.frames = [body]
        slot.first = 0
      } else slot.frames.push(body)
      bytes += cost(step, body)
      if (bytes <= limit || paused) return
      paused = true
      flow.pause()
    },
    take(slot, step) {
      const { frames } = slot
      if (frames === undefined) return undefined
      const body = frames[slot.first++]!
      if (slot.first === frames.length) slot.frames = undefined
      else if (slot.first === 1024) {
        frames.splice(0, slot.first)
        slot.first = 0
      }
      bytes -= cost(step, body)
      if (paused && bytes <= limit / 2) {
        paused = false
        flow.resume()
      }
      return body
    },
    get paused() {
      return paused
    },
    left() {
      for (const [step, slot] of slots) if (slot.frames !== undefined) return step
      return undefined
    },
  }
}
