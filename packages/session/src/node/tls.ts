/**
 * Links over TLS 1.3 with mutual certificates, pinned by the SHA-256 of their public keys (SPKI): no authorities, no
 * host names, no dates. Both ends prove possession of their key in the handshake; what a certificate says besides its
 * key is not read. The key exchange is hybrid (X25519MLKEM768) where both OpenSSLs have it, X25519 otherwise.
 *
 * The binding is the TLS exporter (RFC 8446 section 7.5), so a signature over it holds for this connection alone.
 */
import { constants, createHash, randomBytes, X509Certificate } from 'node:crypto'
import net from 'node:net'
import tls from 'node:tls'
import { toHex, TallyError } from '@tallystick/core'
import type { Hex } from '@tallystick/core'
import { createFramedLink, type ByteChannel, type FramedLink } from '../framed-link.ts'
import { createEncoder } from '../framing.ts'
import { defaultLinkLimits, type Link, type LinkLimits, type Listener } from '../link.ts'
import { createHandshakeSlots, type HandshakeLimits } from './handshake-slots.ts'
import { madeShortLived } from './short-lived.ts'
import { createTurnTaking, type TurnTaking } from './turn-taking.ts'
import { dialError, refusedByListener, wrongCertificate } from './tls-errors.ts'

/** The TLS half of a party's identity. */
export interface TlsIdentity {
  /** PEM. */
  readonly certificate: string
  /** PKCS #8 PEM. */
  readonly tlsKey: { expose(): string }
}

export interface LinkTiming {
  /** The longest wait for the first frame of the session after the link is up; six times the stall limit by default. */
  readonly firstFrameMilliseconds?: number
}

export interface ListenTlsOptions extends LinkTiming, HandshakeLimits {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly identity: TlsIdentity
  /** The name of the peer with this key, or undefined to refuse it. */
  readonly peers: (key: Hex) => string | undefined
  readonly accept: (link: Link, peer: string) => void
  /** Connections that did not become links: for a log. */
  readonly refused?: (error: TallyError, address: string) => void
  readonly limits?: LinkLimits
}

export interface DialTlsOptions extends LinkTiming {
  readonly host: string
  readonly port: number
  readonly identity: TlsIdentity
  readonly expectedPeer: Hex
  /** How the peer is named in errors. */
  readonly peer?: string
  readonly limits?: LinkLimits
  readonly signal?: AbortSignal
  /** Keep trying for this long while nothing answers at the address: the peer may not be up yet. */
  readonly retryMilliseconds?: number
  /** Told of each attempt that failed and will be made again. */
  readonly onRetry?: (error: TallyError, attempt: number) => void
}

export const exporterLabel = 'EXPORTER-tallystick-link/1'
export const alpnProtocol = 'tallystick/1'
const groups = 'X25519MLKEM768:X25519'

/** SHA-256 of the public key (SubjectPublicKeyInfo, DER) of a certificate. */
export const fingerprintOf = (certificate: X509Certificate): Hex =>
  toHex(
    createHash('sha256')
      .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
      .digest(),
  )

const secureOptions = (identity: TlsIdentity) => ({
  key: identity.tlsKey.expose(),
  cert: identity.certificate,
  minVersion: 'TLSv1.3' as const,
  maxVersion: 'TLSv1.3' as const,
  ecdhCurve: groups,
  // No session outlives its connection: each proves possession of both keys anew.
  secureOptions: constants.SSL_OP_NO_TICKET,
  ALPNProtocols: [alpnProtocol],
  // Pinned by fingerprint right after the handshake instead; possession of the key is proven in any case.
  rejectUnauthorized: false,
})

const receiveBytes = 64 * 1024

/** A dialler's socket reads into one buffer of ours; Node has no such option for a socket that a server accepted. */
interface OnRead {
  readonly buffer: Uint8Array
  readonly callback: (bytes: number) => boolean
}
const readInto = (chunk: (bytes: Uint8Array) => void): OnRead => {
  const buffer = new Uint8Array(receiveBytes)
  return {
    buffer,
    callback(bytes) {
      chunk(buffer.subarray(0, bytes))
      return true
    },
  }
}

const channelOf = (socket: tls.TLSSocket, turns: TurnTaking): ByteChannel => ({
  write(piece, done) {
    socket.write(piece, (error) => {
      if (!error) done()
    })
    turns.sent()
  },
  pause: () => void socket.pause(),
  resume: () => void socket.resume(),
  end: () => void socket.end(),
  destroy: () => void socket.destroy(),
})

interface Established {
  readonly socket: tls.TLSSocket
  readonly peerKey: Hex
  readonly peer: string
  readonly limits: LinkLimits
  readonly timing: LinkTiming
}

/** Uninitialised where that pays. */
const allocate = (bytes: number): Uint8Array => {
  if (bytes < 4096) return new Uint8Array(bytes)
  madeShortLived(bytes)
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer)
}

const framed = ({ socket, peerKey, peer, limits, timing }: Established): FramedLink => {
  const binding = Uint8Array.from(socket.exportKeyingMaterial(32, exporterLabel, Buffer.alloc(0)))
  const turns = createTurnTaking()
  const link = createFramedLink({
    channel: channelOf(socket, turns),
    limits,
    peerKey,
    peer,
    bind: () => binding,
    nonce: Uint8Array.from(randomBytes(32)),
    allocate,
    firstFrameMilliseconds: timing.firstFrameMilliseconds,
  })
  let failure: TallyError | undefined
  socket.setNoDelay(true)
  socket.on('error', (error) => (failure ??= dialError(error, peer, 'open')))
  socket.on('end', () => link.ended(failure))
  socket.on('close', () => {
    turns.stop()
    link.ended(failure)
  })
  return {
    ...link,
    chunk(bytes) {
      turns.received()
      link.chunk(bytes)
    },
  }
}

const keyOf = (socket: tls.TLSSocket): Hex | undefined => {
  const certificate = socket.getPeerX509Certificate()
  return certificate === undefined ? undefined : fingerprintOf(certificate)
}

/** Tells the peer why, then ends: a refused dialler reads the reason in place of a hello. */
const refuse = (socket: tls.TLSSocket, code: string, limits: LinkLimits): void => {
  const frame = createEncoder(limits).internal('end', Uint8Array.from(Buffer.from(code)))
  socket.end(frame.head)
  // Reading on until the peer has read: a reset could overtake the reason.
  socket.resume()
  const timer = setTimeout(() => socket.destroy(), Math.min(2_000, limits.stallMilliseconds))
  socket.once('close', () => clearTimeout(timer))
}

/**
 * Listens on one port for all sessions and peers.
 * @throws TallyError network/refused, network/unreachable where the address cannot be listened on
 */
export const listenTls = async (options: ListenTlsOptions): Promise<Listener> => {
  const limits = options.limits ?? defaultLinkLimits
  const secureContext = tls.createSecureContext(secureOptions(options.identity))
  const sockets = new Set<net.Socket>()
  const slots = createHandshakeSlots(options)

  const onConnection = (raw: net.Socket): void => {
    const address = `${raw.remoteAddress ?? 'unknown'}:${raw.remotePort ?? 0}`
    const reject = (error: TallyError): void => options.refused?.(error, address)
    const free = slots.take(raw.remoteAddress ?? 'unknown')
    if (free === undefined) {
      raw.destroy()
      return reject(new TallyError('peer/flooding', { peer: address }, 'too many connections in their handshake'))
    }
    let link: FramedLink | undefined
    const socket = new tls.TLSSocket(raw, {
      ...secureOptions(options.identity),
      secureContext,
      isServer: true,
      requestCert: true,
    })
    sockets.add(socket)
    let settled = false
    const settle = (error?: TallyError): void => {
      if (settled) return
      settled = true
      free()
      clearTimeout(timer)
      if (error !== undefined) reject(error)
    }
    const timer = setTimeout(() => {
      settle(new TallyError('peer/timeout', { peer: address }, `no TLS handshake in ${limits.stallMilliseconds} ms`))
      socket.destroy()
    }, limits.stallMilliseconds)
    socket.on('error', (error) => settle(dialError(error, address, 'handshake')))
    socket.on('close', () => {
      sockets.delete(socket)
      settle(new TallyError('network/closed', 'network', `${address} went away in the handshake`))
    })
    socket.once('secure', () => {
      const chunk = (bytes: Uint8Array): void => link?.chunk(bytes)
      socket.on('data', (bytes: Uint8Array) => {
        chunk(bytes)
        madeShortLived(bytes.length)
      })
      const peerKey = keyOf(socket)
      const peer = peerKey === undefined ? undefined : options.peers(peerKey)
      if (peerKey === undefined || peer === undefined || socket.alpnProtocol !== alpnProtocol) {
        const error =
          socket.alpnProtocol === alpnProtocol
            ? refusedByListener(address, peerKey)
            : new TallyError('peer/incompatible', { peer: address }, `expected the protocol ${alpnProtocol}`)
        settle(error)
        return refuse(socket, error.code, limits)
      }
      link = framed({ socket, peerKey, peer, limits, timing: options })
      const opened = link
      opened.ready.then(
        () => {
          settle()
          options.accept(opened.link, peer)
        },
        (error: TallyError) => settle(error),
      )
    })
  }

  const server = net.createServer({ noDelay: true }, onConnection)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(dialError(error, `${options.host}:${options.port}`, 'listen')))
    server.listen(options.port, options.host, resolve)
  })
  return {
    port: (server.address() as net.AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

const dialOnce = (options: DialTlsOptions): Promise<Link> => {
  const limits = options.limits ?? defaultLinkLimits
  const peer = options.peer ?? `${options.host}:${options.port}`
  const { promise, resolve, reject } = Promise.withResolvers<Link>()
  let link: FramedLink | undefined
  const socket = tls.connect({
    ...secureOptions(options.identity),
    host: options.host,
    port: options.port,
    onread: readInto((bytes) => link?.chunk(bytes)),
  } as tls.ConnectionOptions)
  const fail = (error: TallyError): void => {
    clearTimeout(timer)
    reject(error)
    socket.destroy()
  }
  const timer = setTimeout(() => {
    const stage = socket.connecting ? 'a connection' : 'a TLS handshake'
    fail(
      new TallyError(
        'network/timeout',
        'network',
        `expected ${stage} with ${peer} within ${limits.stallMilliseconds} ms`,
        {
          remedy: 'check address and port, and that the peer listens there with Tallystick',
        },
      ),
    )
  }, limits.stallMilliseconds)
  const abort = (): void =>
    fail(
      new TallyError('session/cancelled', 'self', `dialling ${peer} was cancelled`, { cause: options.signal?.reason }),
    )
  options.signal?.addEventListener('abort', abort, { once: true })
  if (options.signal?.aborted) abort()
  let secured = false
  socket.on('error', (error) => fail(dialError(error, peer, secured ? 'open' : 'handshake')))
  socket.on('close', () => fail(dialError(undefined, peer, secured ? 'open' : 'handshake')))
  socket.once('secureConnect', () => {
    secured = true
    clearTimeout(timer)
    const peerKey = keyOf(socket)
    if (peerKey !== options.expectedPeer) return fail(wrongCertificate(peer, options.expectedPeer, peerKey))
    if (socket.alpnProtocol !== alpnProtocol) {
      return fail(new TallyError('peer/incompatible', { peer }, `expected the protocol ${alpnProtocol} of ${peer}`))
    }
    link = framed({ socket, peerKey, peer, limits, timing: options })
    const opened = link
    opened.ready.then(
      () => resolve(opened.link),
      (error: TallyError) => {
        const ownKey = fingerprintOf(new X509Certificate(options.identity.certificate))
        fail(error.code === 'peer/aborted' ? refusedByListener(peer, ownKey, error) : error)
      },
    )
  })
  return promise.finally(() => options.signal?.removeEventListener('abort', abort))
}

const transient = new Set<string>(['network/refused', 'network/unreachable', 'network/timeout'])
const sleep = (milliseconds: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, milliseconds)
    signal?.addEventListener('abort', wake, { once: true })
  })

/**
 * Dials a peer and resolves when it has accepted this side's certificate.
 * @throws TallyError network/* with what to do; network/wrong-certificate names both fingerprints
 */
export const dialTls = async (options: DialTlsOptions): Promise<Link> => {
  const until = Date.now() + (options.retryMilliseconds ?? 0)
  for (let attempt = 1, wait = 50; ; attempt++, wait = Math.min(2 * wait, 2_000)) {
    try {
      return await dialOnce(options)
    } catch (error) {
      if (!(error instanceof TallyError) || !transient.has(error.code)) throw error
      if (Date.now() + wait > until || options.signal?.aborted) throw error
      options.onRetry?.(error, attempt)
      // The jitter keeps peers that lost the same connection from dialling in step.
      await sleep(wait * (0.75 + Math.random() / 2), options.signal)
    }
  }
}
