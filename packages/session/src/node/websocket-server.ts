/** The listening side of WebSocket links (see ../websocket.ts): one port for all sessions, for browsers as parties. */
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { TallyError } from '@tallystick/core'
import { WebSocketServer, type WebSocket } from 'ws'
import type { ByteChannel } from '../framed-link.ts'
import { defaultLinkLimits, type Link, type LinkLimits, type Listener } from '../link.ts'
import { createCreditLink, creditBytes, webSocketProtocol } from '../websocket.ts'
import { createHandshakeSlots, type HandshakeLimits } from './handshake-slots.ts'
import { dialError } from './tls-errors.ts'

export interface ListenWebSocketOptions extends HandshakeLimits {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly accept: (link: Link) => void
  /** Connections that did not become links: for a log. */
  readonly refused?: (error: TallyError, address: string) => void
  /** Origins of pages that may connect; undefined for any: the session's handshake authenticates in any case. */
  readonly origins?: readonly string[]
  readonly limits?: LinkLimits
  readonly firstFrameMilliseconds?: number
  /** A server of the caller, `https` for instance; it listens already, and stays the caller's to close. */
  readonly server?: http.Server
}

const channelOf = (socket: WebSocket): ByteChannel => ({
  write(piece, done) {
    socket.send(piece, { binary: true, compress: false }, (error) => {
      if (!error) done()
    })
  },
  // Never paused: credit for what this side sends arrives among the frames.
  pause() {},
  resume() {},
  end: () => socket.close(1000),
  destroy: () => socket.terminate(),
})

/** @throws TallyError network/refused, network/unreachable where the address cannot be listened on */
export const listenWebSocket = async (options: ListenWebSocketOptions): Promise<Listener> => {
  const limits = options.limits ?? defaultLinkLimits
  const server = options.server ?? http.createServer((_, response) => response.writeHead(426).end())
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: false,
    maxPayload: limits.frameBytes + creditBytes,
    handleProtocols: (offered) => (offered.has(webSocketProtocol) ? webSocketProtocol : false),
    verifyClient: ({ origin }: { origin: string }) => options.origins?.includes(origin) ?? true,
  })
  const slots = createHandshakeSlots(options)
  sockets.on('error', () => {})
  sockets.on('connection', (socket, request) => {
    const peer = `${request.socket.remoteAddress ?? 'unknown'}:${request.socket.remotePort ?? 0}`
    const reject = (error: TallyError): void => options.refused?.(error, peer)
    socket.on('error', (error) => framed?.ended(dialError(error, peer, 'open')))
    const refuse = (code: 'peer/flooding' | 'peer/incompatible', message: string): void => {
      socket.terminate()
      reject(new TallyError(code, { peer }, message))
    }
    if (socket.protocol !== webSocketProtocol)
      return refuse('peer/incompatible', `expected the WebSocket protocol ${webSocketProtocol}`)
    const free = slots.take(request.socket.remoteAddress ?? 'unknown')
    if (free === undefined) return refuse('peer/flooding', 'too many connections in their handshake')
    const framed = createCreditLink(channelOf(socket), peer, { ...options, limits })
    socket.on('message', (data: Buffer, binary) => {
      if (binary) framed.chunk(new Uint8Array(data.buffer, data.byteOffset, data.length))
      else framed.ended(new TallyError('decode/malformed', { peer }, 'expected binary messages, found text'))
    })
    socket.on('close', () => framed.ended())
    framed.ready.then(() => options.accept(framed.link), reject).finally(free)
  })
  if (options.server === undefined) {
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(dialError(error, `${options.host}:${options.port}`, 'listen')))
      server.listen(options.port, options.host, resolve)
    })
  }
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets.clients) socket.terminate()
        sockets.close(() => {
          if (options.server !== undefined) return resolve()
          server.close(() => resolve())
          server.closeAllConnections()
        })
      }),
  }
}
