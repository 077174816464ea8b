/**
 * A {@link Link} over anything that carries bytes in order: what TLS, WebSocket and message ports share.
 *
 * Opening: each side sends `hello` (u32 version, u32 credit window, 32-byte nonce) as its first frame. Closing: `end` is
 * the last frame, with an error code or nothing; an end of the bytes without it is an error, so a cut is not taken for
 * the end. Where the channel has no back-pressure of its own (WebSocket and ports in a browser cannot be paused) the
 * receiver grants credit: a sender has at most the window of the other side in flight.
 *
 * Memory: the send queue is what callers put there (see `send`), the receiving side one chunk and one frame, with credit
 * one window and one frame.
 */
import { bytesToUtf8, concatBytes, invariant, readU32, TallyError, u32, utf8ToBytes } from '@tallystick/core'
import type { Hex } from '@tallystick/core'
import { createDecoder, createEncoder, type FrameSink } from './framing.ts'
import type { Frame, Link, LinkLimits, LinkReceiver } from './link.ts'
import { createSendQueue, unlimited, type ByteChannel } from './send-queue.ts'

export type { ByteChannel }

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
  /** See {@link createDecoder}. */
  readonly allocate?: ((bytes: number) => Uint8Array) | undefined
  /** The longest wait for the first frame after `hello`, in milliseconds. */
  readonly firstFrameMilliseconds?: number | undefined
}

export interface FramedLink {
  readonly link: Link
  /** Resolves when the peer's hello has arrived. */
  readonly ready: Promise<void>
  /** Bytes from the channel; the array may be reused after the call. */
  chunk(bytes: Uint8Array): void
  /** The channel has ended: without an error, or with one. What arrived before is still delivered. */
  ended(error?: TallyError): void
}

const version = 1
const nonceBytes = 32

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
    throw new TallyError('decode/malformed', { peer }, 'expected an error code at the end of the link')
  return new TallyError('peer/aborted', { peer }, `the peer ended the link with ${code}`, {
    remedy: "the peer's own output says what it expected and found; agree with it before you run again",
  })
}

const cutError = (peer: string): TallyError =>
  new TallyError('network/closed', 'network', `the connection to ${peer} ended without a goodbye`, {
    remedy: 'run again when the peer and the network are up: a session that may resume continues where it was',
  })

export const createFramedLink = (options: FramedLinkOptions): FramedLink => {
  const { channel, limits, peer, credit } = options
  const blame = { peer }
  const encoder = createEncoder(limits)
  const queue = createSendQueue(channel, limits.queuedBytes)
  const ready = Promise.withResolvers<void>()
  ready.promise.catch(() => {})
  const gone = Promise.withResolvers<void>()
  let binding: Uint8Array | undefined
  let received = 0

  let receiver: LinkReceiver | undefined
  let paused = false
  let delivering = false
  let backlog: Uint8Array[] = [] // bytes that are not read while the receiver is not ready
  let frames: { readonly frame: Frame; readonly bytes: number }[] = [] // with credit: read, since credit is among them
  let held = 0 // bytes in either
  let lastWords: TallyError | 'clean' | undefined // of the peer
  let cut: TallyError | undefined // why the channel ended
  let end: { readonly error: TallyError | undefined } | undefined // no more frames will come
  let deaf = false // `closed` was called, or this side closed: nothing more is delivered
  let ungranted = 0
  let ending = false
  let closing: Promise<void> | undefined

  const blocked = (): boolean => !deaf && (paused || (receiver === undefined && binding !== undefined))
  const unsendable = (): boolean => end !== undefined || cut !== undefined || ending
  const closedError = (): TallyError =>
    end?.error ?? cut ?? new TallyError('network/closed', 'network', `the link to ${peer} is closed`)

  /** Sends the last frame and ends the channel; frees it when the other side has ended too, or does not in time. */
  const shutDown = (code: string | undefined): void => {
    if (ending) return
    ending = true
    stopWatch()
    queue.pushLast(encoder.internal('end', code === undefined ? new Uint8Array(0) : utf8ToBytes(code)))
    const timer = setTimeout(() => {
      channel.destroy()
      gone.resolve()
    }, limits.stallMilliseconds)
    void gone.promise.then(() => clearTimeout(timer))
  }

  const finish = (error: TallyError | undefined): void => {
    if (end !== undefined) return
    end = { error }
    stopWatch()
    ready.reject(error ?? new TallyError('peer/gone', blame, 'the peer ended the link before it was open'))
    queue.stop(closedError())
    deliver()
  }

  /** A fault of the peer: no byte after it is believed. */
  const fail = (error: TallyError): void => {
    backlog = []
    frames = []
    finish(error)
    shutDown(error.code)
  }

  // One timer a link, set again lazily: a frame in time costs no timer.
  let watch: ReturnType<typeof setTimeout> | undefined
  let started = false // a frame of the session has arrived
  let lastByte = Date.now()
  const stopWatch = (): void => {
    clearTimeout(watch)
    watch = undefined
  }
  const awaited = (): { what: string; limit: number } | undefined => {
    const limit = limits.stallMilliseconds
    if (binding === undefined) return { what: 'a hello', limit }
    if (decoder.partial) return { what: 'the rest of a frame', limit }
    return started ? undefined : { what: 'a first frame', limit: options.firstFrameMilliseconds ?? 6 * limit }
  }
  const check = (): void => {
    watch = undefined
    const due = awaited()
    if (due === undefined || end !== undefined || ending) return
    // While this side does not read, silence is its own doing.
    const left = blocked() ? due.limit : lastByte + due.limit - Date.now()
    if (left > 0) watch = setTimeout(check, left)
    else {
      fail(
        new TallyError('peer/timeout', blame, `expected ${due.what} within ${due.limit} ms, found silence`, {
          remedy: 'the peer must look whether its process hangs or its network drops packets, then run again',
        }),
      )
    }
  }
  const guard = (): void => {
    const due = watch === undefined && end === undefined && !ending ? awaited() : undefined
    if (due !== undefined) watch = setTimeout(check, due.limit)
  }

  const grant = (): void => {
    if (credit === undefined || ungranted === 0 || ending) return
    queue.pushUrgent(encoder.internal('credit', u32(ungranted)))
    ungranted = 0
  }

  const hold = (bytes: number): void => {
    held += bytes
    if (credit !== undefined && held > credit + limits.frameBytes)
      throw new TallyError('peer/flooding', blame, `expected at most ${credit} bytes without credit, found ${held}`)
  }

  const handOver = (frame: Frame, bytes: number): void => {
    ungranted += bytes
    if (!deaf) receiver!.frame(frame)
  }

  const open = (body: Uint8Array): void => {
    const hello = parseHello(body, peer)
    binding = options.bind(options.nonce, hello.nonce)
    queue.allow(hello.window)
    ready.resolve()
    guard()
  }

  const sink: FrameSink = {
    frame(frame, bytes) {
      if (binding === undefined) throw new TallyError('peer/misbehaved', blame, 'expected a hello as the first frame')
      if (lastWords !== undefined) throw new TallyError('peer/misbehaved', blame, 'expected nothing after the end')
      started = true
      if (credit === undefined || (frames.length === 0 && !blocked())) return handOver(frame, bytes)
      frames.push({ frame, bytes })
      hold(bytes)
    },
    internal(kind, body) {
      if (kind === 'end') lastWords = errorOfEnd(body, peer) ?? 'clean'
      else if ((kind === 'hello') !== (binding === undefined))
        throw new TallyError(
          'peer/misbehaved',
          blame,
          `expected ${binding ? 'no second' : 'first a'} hello, found ${kind}`,
        )
      else if (kind === 'hello') open(body)
      else if (body.length !== 4 || !queue.credit(readU32(body)))
        throw new TallyError('peer/misbehaved', blame, 'expected credit for bytes that were sent')
    },
    paused: () => end !== undefined || lastWords !== undefined || (credit === undefined && blocked()),
  }
  const decoder = createDecoder(limits, peer, sink, options.allocate)

  /** Runs what may find a fault of the peer; a TallyError that the receiver throws ends the link the same way. */
  const judged = (action: () => void): void => {
    try {
      action()
    } catch (error) {
      if (!(error instanceof TallyError)) throw error
      fail(error)
    }
  }

  const drain = (): void => {
    while (frames.length > 0 && !blocked()) {
      const { frame, bytes } = frames.shift()!
      held -= bytes
      handOver(frame, bytes)
    }
    while (backlog.length > 0 && !sink.paused()) {
      const first = backlog[0]!
      const at = decoder.decode(first, 0)
      held -= at
      if (at === first.length) backlog.shift()
      else backlog[0] = first.subarray(at)
    }
  }

  /** Delivers what is held, as far as the receiver lets; then the end, if there is one. */
  const deliver = (): void => {
    if (delivering) return
    delivering = true
    try {
      judged(drain)
    } finally {
      delivering = false
    }
    grant()
    if (blocked() || frames.length > 0) return
    if (end === undefined) {
      if (lastWords !== undefined) return finish(lastWords === 'clean' ? undefined : lastWords)
      if (cut !== undefined) return finish(cut)
      guard()
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
    traffic: {
      get sent() {
        return queue.sent
      },
      get received() {
        return received
      },
    },
    send(frame) {
      if (unsendable()) return false
      queue.push(encoder.frame(frame))
      return !queue.full
    },
    drained: () => (unsendable() ? Promise.reject(closedError()) : queue.room()),
    receive(next) {
      invariant(receiver === undefined, 'a link has one receiver')
      receiver = next
      lastByte = Date.now()
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
        queue.stop(closedError())
      })()
      return closing
    },
  }

  queue.pushUrgent(encoder.internal('hello', concatBytes(u32(version), u32(credit ?? unlimited), options.nonce)))
  guard()

  return {
    link,
    ready: ready.promise,
    chunk(bytes) {
      received += bytes.length
      lastByte = Date.now()
      if (end !== undefined || lastWords !== undefined) return
      judged(() => {
        const at = backlog.length > 0 || delivering || sink.paused() ? 0 : decoder.decode(bytes, 0)
        if (at === bytes.length || end !== undefined || lastWords !== undefined) return
        backlog.push(bytes.slice(at))
        hold(bytes.length - at)
        channel.pause()
      })
      if (decoder.partial) guard()
      if (lastWords !== undefined || end !== undefined) deliver()
      else grant()
    },
    ended(error) {
      gone.resolve()
      channel.destroy()
      if (cut !== undefined) return
      cut = error ?? cutError(peer)
      queue.stop(cut)
      deliver()
    },
  }
}
