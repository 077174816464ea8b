/**
 * What a link has to send: frames in order, small ones written together, large bodies uncopied, one piece at a time with
 * the channel, and never more in flight than the peer has granted.
 */
import { concatBytes, type TallyError } from '@tallystick/core'
import type { Encoded } from './framing.ts'

export interface ByteChannel {
  /** Hands bytes over; nobody changes them afterwards. `done` when the next piece may follow. */
  write(piece: Uint8Array, done: () => void): void
  pause(): void
  resume(): void
  /** Ends the sending direction after what was written. */
  end(): void
  /** Frees the channel at once. */
  destroy(): void
}

export interface SendQueue {
  readonly sent: number
  readonly full: boolean
  push(frame: Encoded): void
  /** Overtakes what waits for credit, and needs none. */
  pushUrgent(frame: Encoded): void
  /** The last frame: the channel ends after it. */
  pushLast(frame: Encoded): void
  /** Bytes that the peer lets be in flight. */
  allow(window: number): void
  /** The peer has taken so many bytes; false if there were not so many in flight. */
  credit(bytes: number): boolean
  /** Resolves when there is room. */
  room(): Promise<void>
  /** Drops what is queued, and whoever waits for room. */
  stop(error: TallyError): void
}

export const unlimited = 0xffffffff
/** Small frames are written together up to this size. */
const batchBytes = 64 * 1024

export const createSendQueue = (channel: ByteChannel, queuedBytes: number): SendQueue => {
  let frames: Encoded[] = []
  let taken = 0
  const urgent: Encoded[] = []
  let queued = 0
  let sent = 0
  let writing = false // the channel has a piece that it has not taken
  let scheduled = false
  let ending = false
  let ended = false
  let window = unlimited
  let inFlight = 0
  let waiting: { resolve: () => void; reject: (error: TallyError) => void }[] = []

  const take = (): Encoded | undefined => {
    const first = urgent.shift()
    if (first !== undefined) return first
    const next = frames[taken]
    if (next === undefined) return undefined
    if (window !== unlimited) {
      // A frame larger than the window goes alone.
      if (inFlight > 0 && inFlight + next.bytes > window) return undefined
      inFlight += next.bytes
    }
    taken++
    if (taken === frames.length || taken > 1024) {
      frames = frames.slice(taken)
      taken = 0
    }
    return next
  }

  const wrote = (bytes: number): void => {
    queued = Math.max(0, queued - bytes)
    if (waiting.length === 0 || queued >= queuedBytes / 2) return
    const woken = waiting
    waiting = []
    for (const { resolve } of woken) resolve()
  }

  const flush = (): void => {
    scheduled = false
    if (writing || ended) return
    const heads: Uint8Array[] = []
    let bytes = 0
    let rest: Uint8Array | undefined
    while (rest === undefined && bytes < batchBytes) {
      const next = take()
      if (next === undefined) break
      heads.push(next.head)
      bytes += next.head.length
      rest = next.rest
    }
    if (heads.length === 0) {
      ended = ending && taken === frames.length
      if (ended) channel.end()
      return
    }
    writing = true
    const total = bytes + (rest?.length ?? 0)
    sent += total
    const done = (): void => {
      writing = false
      wrote(total)
      flush()
    }
    const head = heads.length === 1 ? heads[0]! : concatBytes(...heads)
    channel.write(head, rest === undefined ? done : () => {})
    if (rest !== undefined) channel.write(rest, done)
  }

  const add = (frame: Encoded, queue: Encoded[]): void => {
    queue.push(frame)
    queued += frame.bytes
    if (scheduled || writing) return
    // What else is sent in this turn goes with it.
    scheduled = true
    queueMicrotask(flush)
  }

  return {
    get sent() {
      return sent
    },
    get full() {
      return queued >= queuedBytes
    },
    push: (frame) => add(frame, frames),
    pushUrgent: (frame) => add(frame, urgent),
    pushLast(frame) {
      ending = true
      add(frame, frames)
    },
    allow(bytes) {
      window = bytes
      flush()
    },
    credit(bytes) {
      if (bytes > inFlight) return false
      inFlight -= bytes
      flush()
      return true
    },
    room: () => {
      if (queued < queuedBytes) return Promise.resolve()
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }))
    },
    stop(error) {
      frames = []
      taken = 0
      queued = 0
      const woken = waiting
      waiting = []
      for (const { reject } of woken) reject(error)
    },
  }
}
