/**
 * Links over WebSocket (RFC 6455), for browsers and for Node: this file uses the standard `WebSocket` only.
 *
 * A browser shows no TLS exporter and no certificate to the page, so nothing here authenticates anybody: the binding is
 * a digest of a nonce of each side, `peerKey` is undefined, and it is the session's handshake that authenticates, by
 * signing the binding. That names the party at the far end, not the channel: somebody in between who passes both nonces
 * on unchanged stays in between. The checkpoint and the close find what he alters; he can read what passes and stop
 * it. The frames are as private as the WebSocket is: use wss outside one machine.
 */
import { compareBytes, TallyError, taggedDigest } from '@tallystick/core'
import { randomBytes } from '@noble/hashes/utils.js'
import { createFramedLink, type ByteChannel, type FramedLink } from './framed-link.ts'
import { defaultLinkLimits, type Link, type LinkLimits } from './link.ts'

export const webSocketProtocol = 'tallystick.link.1'
/** What a peer may have in flight without credit, in bytes. */
export const creditBytes = 1024 * 1024

export interface PeerOptions {
  /** How the peer is named in errors. */
  readonly peer?: string
  readonly limits?: LinkLimits
  readonly firstFrameMilliseconds?: number
}

/** Binding of a connection without an exporter: the same at both ends, and fresh with either nonce. */
const bindNonces = (own: Uint8Array, theirs: Uint8Array): Uint8Array => {
  const order = compareBytes(own, theirs)
  if (order === 0) throw new TallyError('peer/misbehaved', 'network', 'expected a nonce of the peer, found our own')
  return taggedDigest('tallystick/link-binding/v1', ...(order < 0 ? [own, theirs] : [theirs, own]))
}

/** A link over a channel that cannot be paused and has no exporter. */
export const createCreditLink = (channel: ByteChannel, peer: string, options: PeerOptions): FramedLink =>
  createFramedLink({
    channel,
    limits: options.limits ?? defaultLinkLimits,
    peerKey: undefined,
    peer,
    bind: bindNonces,
    nonce: randomBytes(32),
    credit: creditBytes,
    firstFrameMilliseconds: options.firstFrameMilliseconds,
  })

export interface DialWebSocketOptions extends PeerOptions {
  readonly signal?: AbortSignal
}

/** What a page may learn of why a connection failed is nothing, so the error can only list what it may be. */
const failed = (url: string, opened: boolean): TallyError =>
  opened
    ? new TallyError('network/closed', 'network', `the connection to ${url} was cut`, {
        remedy: 'run again when the peer and the network are up: a session that may resume continues where it was',
      })
    : new TallyError('network/unreachable', 'network', `no WebSocket could be opened to ${url}`, {
        remedy: 'check that the peer listens at this address for WebSockets, accepts this page, and that TLS is valid',
      })

/** Resolves when the peer has answered. @throws TallyError network/*, peer/* */
export const dialWebSocket = (url: string, options: DialWebSocketOptions = {}): Promise<Link> => {
  const peer = options.peer ?? url
  const limits = options.limits ?? defaultLinkLimits
  const { promise, resolve, reject } = Promise.withResolvers<Link>()
  const socket = new WebSocket(url, webSocketProtocol)
  socket.binaryType = 'arraybuffer'
  let framed: FramedLink | undefined
  const fail = (error: TallyError): void => {
    clearTimeout(timer)
    reject(error)
    socket.close()
  }
  const abort = (): void =>
    fail(
      new TallyError('session/cancelled', 'self', `dialling ${peer} was cancelled`, { cause: options.signal?.reason }),
    )
  const timer = setTimeout(
    () =>
      fail(
        new TallyError(
          'network/timeout',
          'network',
          `expected ${url} to answer within ${limits.stallMilliseconds} ms`,
          {
            remedy: 'check address and port, and that the peer listens there with Tallystick',
          },
        ),
      ),
    limits.stallMilliseconds,
  )
  options.signal?.addEventListener('abort', abort, { once: true })
  if (options.signal?.aborted) abort()
  socket.addEventListener('open', () => {
    clearTimeout(timer)
    const link = createCreditLink(channelOf(socket), peer, options)
    framed = link
    link.ready.then(() => resolve(link.link), fail)
  })
  socket.addEventListener('message', ({ data }: MessageEvent) => {
    if (data instanceof ArrayBuffer) framed?.chunk(new Uint8Array(data))
    else framed?.ended(new TallyError('decode/malformed', { peer }, 'expected binary messages, found text'))
  })
  const over = (): void => {
    framed?.ended()
    fail(failed(url, framed !== undefined))
  }
  socket.addEventListener('error', over)
  socket.addEventListener('close', over)
  return promise.finally(() => options.signal?.removeEventListener('abort', abort))
}

const channelOf = (socket: WebSocket): ByteChannel => ({
  write(piece, done) {
    // Credit bounds what is buffered here, so a piece may follow at once.
    if (socket.readyState !== WebSocket.OPEN) return
    socket.send(piece as Uint8Array<ArrayBuffer>)
    queueMicrotask(done)
  },
  pause() {},
  resume() {},
  end: () => socket.close(1000),
  destroy: () => socket.close(),
})
