/**
 * A {@link Link} over anything that carries bytes in order: what TLS, WebSocket and message ports share.
 *
 * Opening: each side sends `hello` (u32 version, u32 credit window, 32-byte nonce) as its first frame. Closing: `end` is
 * the last frame, with an error code or nothing; an end of the bytes without it is an error, so a cut is not taken for
 * the end. Where the channel has no back-pressure of its own (WebSocket and ports in a browser cannot be paused) the
 * receiver grants credit: a sender has at most the window of the other side in flight.
 *
 * Memory: the send queue is what callers put there (see `send`), the receive side one chunk, one frame, and with credit
 * one window.
 */
import { bytesToUtf8, concatBytes, invariant, readU32, TallyError, u32, utf8ToBytes } from '@tallystick/core'
import type { Hex } from '@tallystick/core'
import { createDecoder, createEncoder, type Encoded } from './framing.ts'
import type { Frame, Link, LinkLimits, LinkReceiver } from './link.ts'

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

export interface FramedLinkOptions {
  readonly channel: ByteChannel
  readonly limits: LinkLimits
  readonly peerKey: Hex | undefined
  /** How the peer is named in errors. */
  readonly peer: string
  /** The binding, from the nonces of both sides or from the channel itself. */
  readonly bind: (own: Uint8Array, theirs: Uint8Array) => Uint8Array
  readonly nonce: Uint8Array
  /** Bytes that the peer may have in flight; undefined where the channel can be paused. */
  readonly credit?: number | undefined
  /** The longest wait for the first frame after `hello`, in milliseconds. */
  readonly firstFrameMilliseconds?: number | undefined
}

export interface FramedLink {
  readonly link: Link
  /** Resolves when the peer's hello has arrived. */
  readonly ready: Promise<void>
  /** Bytes from the channel; the array may be reused after the call. */
  chunk(bytes: Uint8Array): void
  /** The channel has ended: without an error, or with one. */
  ended(error?: TallyError): void
}

const version = 1
const unlimited = 0xffffffff
const nonceBytes = 32
/** Small pieces are written together up to this size. */
const batchBytes = 64 * 1024

const parseHello = (body: Uint8Array, peer: string): { window: number; nonce: Uint8Array } => {
  if (body.length !== 8 + nonceBytes || readU32(body) !== version) {
    throw new TallyError('peer/incompatible', { peer }, `expected version ${version} of the link protocol`, {
      remedy: 'both sides must run versions of Tallystick that speak the same link protocol',
    })
  }
  return { window: readU32(body, 4), nonce: body.slice(8) }
}

/** What the peer's `end` frame means here. */
const errorOfEnd = (body: Uint8Array, peer: string): TallyError | undefined => {
  if (body.length === 0) return undefined
  const code = body.length <= 64 ? bytesToUtf8(body) : ''
  if (!/^[a-z]+\/[a-z-]+$/.test(code))
    throw new TallyError('decode/malformed', { peer }, 'expected an error code at the end')
  return new TallyError('peer/aborted', { peer }, `the peer ended the link with ${code}`, {
    remedy: "the peer's own output says what it expected and found; agree with it before you run again",
  })
}

export const createFramedLink = (options: FramedLinkOptions): FramedLink => {
  const { channel, limits, peer } = options
  const blame = { peer }
  const encoder = createEncoder(limits)
  const ready = Promise.withResolvers<void>()
  ready.promise.catch(() => {})
  const traffic = { sent: 0, received: 0 }

  // Sending: a queue of frames; `writing` while the channel has a piece that it has not taken.
  let outgoing: Encoded[] = []
  let taken = 0
  const urgent: Encoded[] = [] // hello and credit, which wait for no credit
  let queued = 0
  let writing = false
  let scheduled = false
  let ending = false // nothing more is queued; the channel ends when the queue is empty
  let finished = false
  let window = unlimited
  let inFlight = 0
  const room: { resolve: () => void; reject: (error: TallyError) => void }[] = []

  // Receiving.
  let receiver: LinkReceiver | undefined
  let paused = false
  let delivering = false
  let backlog: Uint8Array[] = []
  let held = 0 // bytes in the backlog
  let cut: TallyError | undefined // why the channel ended; what arrived before is still delivered
  let end: { readonly error: TallyError | undefined } | undefined // no more frames will come
  let deaf = false // `closed` was called, or this side closed: nothing more is delivered
  let binding: Uint8Array | undefined
  let started = false // a frame of the session has arrived
  let lastByte = Date.now()
  let watch: ReturnType<typeof setTimeout> | undefined
  let ungranted = 0
  let closing: Promise<void> | undefined
  const gone = Promise.withResolvers<void>()

  const take = (): Encoded | undefined => {
    const first = urgent.shift()
    if (first !== undefined) return first
    const next = outgoing[taken]
    if (next === undefined) return undefined
    if (window !== unlimited && inFlight > 0 && inFlight + next.bytes > window) return undefined
    if (window !== unlimited) inFlight += next.bytes
    if (++taken > 64 && 2 * taken > outgoing.length) {
      outgoing = outgoing.slice(taken)
      taken = 0
    }
    return next
  }

  const wrote = (bytes: number): void => {
    queued = Math.max(0, queued - bytes)
    if (queued < limits.queuedBytes / 2 && room.length > 0) for (const waiter of room.splice(0)) waiter.resolve()
  }

  /** Writes the next piece: a run of small frames together, and of a large one the bulk on its own, uncopied. */
  const flush = (): void => {
    scheduled = false
    if (writing) return
    const batch: Uint8Array[] = []
    let bytes = 0
    let rest: Uint8Array | undefined
    while (rest === undefined && bytes < batchBytes) {
      const next = take()
      if (next === undefined) break
      batch.push(next.head)
      bytes += next.head.length
      rest = next.rest
    }
    if (batch.length === 0) {
      if (ending && !finished && taken === outgoing.length) {
        finished = true
        channel.end()
      }
      return
    }
    writing = true
    const head = batch.length === 1 ? batch[0]! : concatBytes(...batch)
    const done = (): void => {
      writing = false
      wrote(bytes + (rest?.length ?? 0))
      flush()
    }
    traffic.sent += bytes + (rest?.length ?? 0)
    if (rest === undefined) return channel.write(head, done)
    channel.write(head, () => {})
    channel.write(rest, done)
  }

  const enqueue = (frame: Encoded, queue = outgoing): void => {
    queue.push(frame)
    queued += frame.bytes
    if (scheduled || writing) return
    scheduled = true
    queueMicrotask(flush)
  }

  const stopSending = (error: TallyError): void => {
    outgoing = []
    taken = 0
    queued = 0
    for (const waiter of room.splice(0)) waiter.reject(error)
  }

  const closedError = (): TallyError =>
    end?.error ?? cut ?? new TallyError('network/closed', 'network', `the link to ${peer} is closed`)

  /** Sends the last frame and ends the channel; frees it when the other side has ended too, or does not in time. */
  const shutDown = (code: string | undefined): void => {
    if (ending) return
    ending = true
    if (watch !== undefined) clearTimeout(watch)
    enqueue(encoder.internal('end', code === undefined ? new Uint8Array(0) : utf8ToBytes(code)))
    const timer = setTimeout(() => {
      channel.destroy()
      gone.resolve()
    }, limits.stallMilliseconds)
    void gone.promise.then(() => clearTimeout(timer))
  }

  const finish = (error: TallyError | undefined): void => {
    if (end !== undefined) return
    end = { error }
    if (watch !== undefined) clearTimeout(watch)
    ready.reject(error ?? new TallyError('peer/gone', blame, 'the peer ended the link before it was open'))
    stopSending(closedError())
    deliver()
  }

  /** A fault of the peer or of the path: no byte after it is believed. */
  const fail = (error: TallyError): void => {
    backlog = []
    finish(error)
    shutDown(error.code)
  }

  const stalled = (what: string, milliseconds: number): TallyError =>
    new TallyError('peer/timeout', blame, `expected ${what} within ${milliseconds} ms, found silence`, {
      remedy: 'the peer must look whether its process hangs or its network drops packets, then run again',
    })

  /** One timer a link, set again lazily: a frame in time costs no timer. */
  const guard = (): void => {
    if (watch !== undefined || end !== undefined || deaf) return
    const stall = limits.stallMilliseconds
    const limit = (): number =>
      binding === undefined ? stall : decoder.partial ? stall : started ? Infinity : firstFrame
    const check = (): void => {
      watch = undefined
      if (end !== undefined || deaf || limit() === Infinity) return
      const left = lastByte + limit() - Date.now()
      // While this side does not read, silence is its own doing.
      if (left > 0 || blocked()) watch = setTimeout(check, blocked() ? stall : left)
      else
        fail(
          stalled(
            binding === undefined ? 'a hello' : decoder.partial ? 'the rest of a frame' : 'a first frame',
            limit(),
          ),
        )
    }
    if (limit() !== Infinity) watch = setTimeout(check, limit())
  }
  const firstFrame = options.firstFrameMilliseconds ?? 6 * limits.stallMilliseconds

  const grant = (): void => {
    if (options.credit === undefined || ungranted === 0 || ending) return
    enqueue(encoder.internal('credit', u32(ungranted)), urgent)
    ungranted = 0
  }

  const internal = (kind: 'hello' | 'end' | 'credit', body: Uint8Array): void => {
    if (kind === 'end') return finish(errorOfEnd(body, peer))
    if ((kind === 'hello') !== (binding === undefined))
      throw new TallyError(
        'peer/misbehaved',
        blame,
        `expected ${binding ? 'no second' : 'first a'} hello, found ${kind}`,
      )
    if (kind === 'hello') {
      const hello = parseHello(body, peer)
      window = hello.window
      binding = options.bind(options.nonce, hello.nonce)
      ready.resolve()
      guard()
      return flush()
    }
    const bytes = body.length === 4 ? readU32(body) : Infinity
    if (bytes > inFlight) throw new TallyError('peer/misbehaved', blame, 'expected credit for bytes that were sent')
    inFlight -= bytes
    flush()
  }

  const decoder = createDecoder(limits, peer, {
    frame(frame: Frame, bytes: number) {
      if (binding === undefined)
        throw new TallyError('peer/misbehaved', blame, 'expected a hello as the first frame of the link')
      started = true
      ungranted += bytes
      if (!deaf) receiver!.frame(frame)
    },
    internal,
    // Before the hello there is no receiver; its frames are the link's own.
    paused: () => end !== undefined || blocked(),
  })
  const blocked = (): boolean => !deaf && (paused || (receiver === undefined && binding !== undefined))

  /** Keeps what cannot be read now. A peer that respects pause or credit cannot make this much. */
  const hold = (bytes: Uint8Array): void => {
    backlog.push(bytes.slice())
    held += bytes.length
    channel.pause()
    if (options.credit !== undefined && held > options.credit + limits.frameBytes)
      fail(new TallyError('peer/flooding', blame, `expected at most ${options.credit} bytes without credit`))
  }

  const read = (bytes: Uint8Array): number => {
    try {
      return decoder.decode(bytes, 0)
    } catch (error) {
      if (!(error instanceof TallyError)) throw error
      fail(error)
      return bytes.length
    }
  }

  /** Reads the backlog as far as the receiver lets; then the end, if there is one. */
  const deliver = (): void => {
    if (delivering) return
    delivering = true
    try {
      while (backlog.length > 0 && !blocked() && end === undefined) {
        const first = backlog[0]!
        const at = read(first)
        if (backlog.length === 0) break
        held -= at
        if (at === first.length) backlog.shift()
        else backlog[0] = first.subarray(at)
      }
    } finally {
      delivering = false
    }
    grant()
    if (blocked()) return
    if (end === undefined && cut !== undefined) return finish(cut)
    if (end === undefined) {
      if (decoder.partial) guard()
      return channel.resume()
    }
    if (deaf || receiver === undefined) return
    deaf = true
    receiver.closed(end.error)
    shutDown(undefined)
  }

  const link: Link = {
    peerKey: options.peerKey,
    get binding() {
      invariant(binding !== undefined, 'a link is given out when it is ready')
      return binding
    },
    traffic,
    send(frame) {
      if (end !== undefined || cut !== undefined || ending) return false
      enqueue(encoder.frame(frame))
      return queued < limits.queuedBytes
    },
    drained() {
      if (end !== undefined || cut !== undefined || ending) return Promise.reject(closedError())
      if (queued < limits.queuedBytes) return Promise.resolve()
      return new Promise((resolve, reject) => room.push({ resolve, reject }))
    },
    receive(next) {
      invariant(receiver === undefined, 'a link has one receiver')
      receiver = next
      queueMicrotask(deliver)
    },
    pause() {
      paused = true
      channel.pause()
    },
    resume() {
      if (!paused) return
      paused = false
      lastByte = Date.now()
      queueMicrotask(deliver)
    },
    close(reason) {
      closing ??= (async () => {
        deaf = true
        shutDown(reason?.code)
        queueMicrotask(deliver)
        await gone.promise
        const error = closedError()
        for (const waiter of room.splice(0)) waiter.reject(error)
      })()
      return closing
    },
  }

  const hello = concatBytes(u32(version), u32(options.credit ?? unlimited), options.nonce)
  enqueue(encoder.internal('hello', hello), urgent)
  guard()

  return {
    link,
    ready: ready.promise,
    chunk(bytes) {
      traffic.received += bytes.length
      lastByte = Date.now()
      if (end !== undefined) return
      if (backlog.length > 0 || blocked() || delivering) {
        hold(bytes)
        return
      }
      delivering = true
      let at = 0
      try {
        at = read(bytes)
      } finally {
        delivering = false
      }
      if (end === undefined && at < bytes.length) hold(bytes.subarray(at))
      if (decoder.partial) guard()
      grant()
      if (end !== undefined) deliver()
      else if (backlog.length > 0 && !blocked()) queueMicrotask(deliver)
    },
    ended(error) {
      gone.resolve()
      channel.destroy()
      if (cut !== undefined) return
      cut =
        error ??
        new TallyError('network/closed', 'network', `the connection to ${peer} ended without a goodbye`, {
          remedy: 'run again when the peer and the network are up: a session that may resume continues where it was',
        })
      stopSending(cut)
      deliver()
    },
  }
}
