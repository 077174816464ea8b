import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { TallyError } from '@tallystick/core'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Link, type LinkLimits, type Listener } from '../../src/link.ts'
import { alpnProtocol, createIdentity, dialTls, listenTls, type Identity } from '../../src/node/index.ts'
import { collect } from '../../src/testing/link-compliance.ts'

const host = '127.0.0.1'
const limits: LinkLimits = { frameBytes: 256 * 1024, queuedBytes: 1024 * 1024, stallMilliseconds: 800 }
let a: Identity
let b: Identity
let stranger: Identity
beforeAll(async () => {
  ;[a, b, stranger] = await Promise.all([createIdentity('a'), createIdentity('b'), createIdentity('stranger')])
})

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

interface Listening extends Listener {
  readonly accepted: Link[]
  readonly refused: TallyError[]
  next(): Promise<Link>
}
const listen = async (more: Partial<Parameters<typeof listenTls>[0]> = {}): Promise<Listening> => {
  const accepted: Link[] = []
  const refused: TallyError[] = []
  const waiting: ((link: Link) => void)[] = []
  const listener = await listenTls({
    host,
    port: 0,
    identity: b,
    limits,
    peers: (key) => (key === a.tls ? 'a' : undefined),
    accept(link) {
      accepted.push(link)
      waiting.shift()?.(link)
    },
    refused: (error) => refused.push(error),
    ...more,
  })
  cleanups.push(() => listener.close())
  return { ...listener, accepted, refused, next: () => new Promise((resolve) => waiting.push(resolve)) }
}
const dial = (port: number, more: Partial<Parameters<typeof dialTls>[0]> = {}): Promise<Link> =>
  dialTls({ host, port, identity: a, expectedPeer: b.tls, peer: 'b', limits, ...more })
const errorOf = async (promise: Promise<unknown>): Promise<TallyError> => {
  try {
    await promise
  } catch (error) {
    if (error instanceof TallyError) return error
    throw error
  }
  throw new Error('expected an error')
}
const credentials = (identity: Identity) => ({ key: identity.tlsKey.expose(), cert: identity.certificate })
/** A dialler that speaks TLS and then whatever it likes. */
const rawDial = (port: number, more: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> =>
  new Promise((resolve, reject) => {
    const socket = tls.connect(
      { host, port, ...credentials(a), rejectUnauthorized: false, ALPNProtocols: [alpnProtocol], ...more },
      () => resolve(socket),
    )
    socket.on('error', reject)
    socket.resume()
    cleanups.push(() => void socket.destroy())
  })
/** A server that is no Tallystick listener. */
const serve = async (server: net.Server): Promise<number> => {
  const sockets = new Set<net.Socket>()
  server.on('connection', (socket: net.Socket) => sockets.add(socket.on('error', () => {})))
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as net.AddressInfo).port
}
const hello = Buffer.concat([
  Buffer.from([0, 0, 0, 48, 2, 0, 0, 0, 0, 0, 0, 0]),
  Buffer.from([0, 0, 0, 1, 255, 255, 255, 255]),
  Buffer.alloc(32, 7),
])
const within = async (milliseconds: number, condition: () => boolean): Promise<void> => {
  for (const until = Date.now() + milliseconds; Date.now() < until && !condition();)
    await new Promise((resolve) => setTimeout(resolve, 10))
  expect(condition()).toBe(true)
}

describe('certificates', () => {
  test('are known to both sides by their key, with a post-quantum key exchange', async () => {
    const listener = await listen()
    const [link, other] = await Promise.all([dial(listener.port), listener.next()])
    expect(link.peerKey).toBe(b.tls)
    expect(other.peerKey).toBe(a.tls)
    expect(link.binding).toEqual(other.binding)
    const raw = await rawDial(listener.port, { ecdhCurve: 'X25519MLKEM768' })
    expect(raw.getProtocol()).toBe('TLSv1.3')
    await link.close()
  })

  test('of another party at the address are refused, with both fingerprints', async () => {
    const listener = await listen({ identity: stranger })
    const error = await errorOf(dial(listener.port))
    expect(error.code).toBe('network/wrong-certificate')
    expect(error.message).toContain(b.tls)
    expect(error.message).toContain(stranger.tls)
    expect(error.remedy).toBeDefined()
  })

  test('that the listener does not know are refused at both ends, and the dialler is told which', async () => {
    const listener = await listen()
    const error = await errorOf(dial(listener.port, { identity: stranger }))
    expect(error.code).toBe('network/wrong-certificate')
    expect(error.message).toContain(stranger.tls)
    expect(error.blame).toEqual({ peer: 'b' })
    await within(1000, () => listener.refused.length === 1)
    expect(listener.refused[0]!.code).toBe('network/wrong-certificate')
    expect(listener.refused[0]!.message).toContain(stranger.tls)
    expect(listener.accepted).toEqual([])
  })

  test('are required of a dialler', async () => {
    const listener = await listen()
    await rawDial(listener.port, { key: undefined, cert: undefined })
    await within(1000, () => listener.refused.length === 1)
    expect(listener.refused[0]!.code).toBe('network/wrong-certificate')
  })
})

describe('a dialler', () => {
  test('is told when nothing listens', async () => {
    const port = await serve(net.createServer())
    await cleanups.pop()!()
    const error = await errorOf(dial(port))
    expect([error.code, error.blame]).toEqual(['network/refused', { peer: 'b' }])
    expect(error.remedy).toContain('start the peer')
  })

  test('waits for a peer that is not up yet, within its bound, and reports', async () => {
    const port = await serve(net.createServer())
    await cleanups.pop()!()
    const attempts: number[] = []
    const failing = await errorOf(
      dial(port, { retryMilliseconds: 300, onRetry: (error, attempt) => attempts.push(attempt) && error }),
    )
    expect(failing.code).toBe('network/refused')
    expect(attempts.length).toBeGreaterThan(1)
    const dialling = dial(port, { retryMilliseconds: 5000 })
    await new Promise((resolve) => setTimeout(resolve, 100))
    await listen({ port })
    await (await dialling).close()
  })

  test('can be cancelled', async () => {
    const port = await serve(net.createServer())
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 20)
    expect((await errorOf(dial(port, { signal: controller.signal }))).code).toBe('session/cancelled')
    expect((await errorOf(dial(port, { signal: AbortSignal.abort() }))).code).toBe('session/cancelled')
  })

  test('names what answers that is not TLS', async () => {
    const port = await serve(net.createServer((socket) => void socket.write('SSH-2.0-OpenSSH_9.2p1 and more text\r\n')))
    const error = await errorOf(dial(port))
    expect(error.code).toBe('network/handshake')
    expect(error.message).toContain('does not speak TLS')
  })

  test('times out on what never answers, before and after the TLS handshake', async () => {
    const silent = await serve(net.createServer(() => {}))
    expect((await errorOf(dial(silent))).code).toBe('network/timeout')
    const mute = await serve(
      tls.createServer({
        ...credentials(b),
        requestCert: true,
        rejectUnauthorized: false,
        ALPNProtocols: [alpnProtocol],
      }),
    )
    expect((await errorOf(dial(mute))).code).toBe('peer/timeout')
  })

  test('refuses an older TLS', async () => {
    const port = await serve(tls.createServer({ ...credentials(b), maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2' }))
    const error = await errorOf(dial(port))
    expect(error.code).toBe('network/handshake')
    expect(error.message).toContain('TLS 1.3')
  })

  test('names a peer of another protocol', async () => {
    const port = await serve(tls.createServer({ ...credentials(b), ALPNProtocols: ['tallystick/9'] }))
    expect((await errorOf(dial(port))).code).toBe('peer/incompatible')
  })

  test('names a connection that is cut in the handshake', async () => {
    const port = await serve(net.createServer((socket) => void socket.once('data', () => socket.resetAndDestroy())))
    expect((await errorOf(dial(port))).code).toBe('network/closed')
  })
})

describe('a listener', () => {
  test('refuses an older TLS and another protocol, and goes on', async () => {
    const listener = await listen()
    await expect(rawDial(listener.port, { maxVersion: 'TLSv1.2' })).rejects.toThrow()
    await rawDial(listener.port, { ALPNProtocols: ['http/1.1'] }).catch(() => {})
    await within(1000, () => listener.refused.length === 2)
    for (const error of listener.refused) expect(['network/handshake', 'peer/incompatible']).toContain(error.code)
    await (await dial(listener.port)).close()
  })

  test('drops what does not speak TLS, or nothing, in time', async () => {
    const listener = await listen()
    const loud = net.connect(listener.port, host).on('error', () => {})
    loud.write('GET / HTTP/1.1\r\n\r\n')
    const silent = net.connect(listener.port, host).on('error', () => {})
    cleanups.push(
      () => void loud.destroy(),
      () => void silent.destroy(),
    )
    await within(4000, () => listener.refused.length === 2)
    expect(listener.refused.map(({ code }) => code)).toContain('peer/timeout')
    await (await dial(listener.port)).close()
  })

  test('bounds the handshakes at one time', async () => {
    const listener = await listen({ handshakes: 2, limits: { ...limits, stallMilliseconds: 2000 } })
    for (let i = 0; i < 5; i++) {
      const socket = net.connect(listener.port, host).on('error', () => {})
      cleanups.push(() => void socket.destroy())
    }
    await within(1500, () => listener.refused.filter(({ code }) => code === 'peer/flooding').length === 3)
  })

  test('leaves places for others where one address asks for many', async () => {
    const listener = await listen({ handshakesPerAddress: 2, limits: { ...limits, stallMilliseconds: 2000 } })
    for (let i = 0; i < 3; i++) {
      const socket = net.connect(listener.port, host).on('error', () => {})
      cleanups.push(() => void socket.destroy())
    }
    await within(1500, () => listener.refused.filter(({ code }) => code === 'peer/flooding').length === 1)
    const waiting = listener.next()
    const socket = net.connect({ port: listener.port, host, localAddress: '127.0.0.2' })
    ;(await rawDial(listener.port, { socket })).write(hello)
    const other = await waiting
    expect(other.peerKey).toBe(a.tls)
  })

  test('resumes no TLS session: each connection proves both keys anew', async () => {
    const listener = await listen()
    const first = await rawDial(listener.port)
    const [ticket] = (await once(first, 'session')) as [Buffer]
    const second = await rawDial(listener.port, { session: ticket })
    expect(second.isSessionReused()).toBe(false)
    expect(second.getPeerX509Certificate()).toBeDefined()
  })

  test('serves many links on one port', async () => {
    const patient = { limits: { ...limits, stallMilliseconds: 10_000 } }
    const listener = await listen(patient)
    const links = await Promise.all(Array.from({ length: 20 }, () => dial(listener.port, patient)))
    await within(1000, () => listener.accepted.length === 20)
    expect(new Set(links.map((link) => Buffer.from(link.binding).toString('hex'))).size).toBe(20)
    await Promise.all(links.map((link) => link.close()))
  })

  test('says when its port is taken', async () => {
    const listener = await listen()
    expect((await errorOf(listen({ port: listener.port }))).code).toBe('network/refused')
  })
})

describe('a peer that is accepted and then', () => {
  /** What the listener's link ends with after the peer has written these bytes. */
  const endOf = async (bytes: Uint8Array, after?: (socket: tls.TLSSocket) => void): Promise<TallyError | undefined> => {
    const listener = await listen({ firstFrameMilliseconds: 300 })
    const coming = listener.next()
    const socket = await rawDial(listener.port)
    socket.write(hello)
    const link = await coming
    const at = collect(link)
    socket.write(bytes)
    after?.(socket)
    return at.ended()
  }
  const header = (length: number, kind: number, step = 0): Buffer => {
    const bytes = Buffer.alloc(12)
    bytes.writeUInt32BE(length, 0)
    bytes[4] = kind
    bytes.writeUInt16BE(step, 6)
    return bytes
  }

  test.each([
    ['sends noise', Buffer.from('this is not a frame of the link protocol'), 'decode/oversize'],
    ['sends a frame over the limit', header(300 * 1024, 0x81), 'decode/oversize'],
    ['sends a frame of an unknown kind', header(20, 9), 'decode/malformed'],
    ['sends a frame shorter than its header', header(3, 1), 'decode/malformed'],
    ['names a step that it never defined', header(8, 1, 3), 'decode/malformed'],
    ['names a step beyond the table', header(8, 1, 5000), 'decode/malformed'],
    ['defines a step without a name', Buffer.concat([header(10, 0x81), Buffer.from([0, 0])]), 'decode/malformed'],
    [
      'defines a step past the end of the frame',
      Buffer.concat([header(12, 0x81), Buffer.from([0, 9, 65, 65])]),
      'decode/malformed',
    ],
    [
      'defines a step that is not UTF-8',
      Buffer.concat([header(12, 0x81), Buffer.from([0, 2, 0xc3, 0x28])]),
      'decode/malformed',
    ],
    ['says hello again', hello, 'peer/misbehaved'],
    ['grants credit for nothing', Buffer.concat([header(12, 4), Buffer.from([0, 0, 0, 1])]), 'peer/misbehaved'],
    ['ends with what is no code', Buffer.concat([header(13, 3), Buffer.from('hello')]), 'decode/malformed'],
    ['stops within a frame', Buffer.concat([header(1000, 0x81), Buffer.from([0, 1, 65])]), 'peer/timeout'],
    ['stops within a header', Buffer.from([0, 0, 1]), 'peer/timeout'],
    ['sends nothing at all', Buffer.alloc(0), 'peer/timeout'],
  ] as const)('%s is refused', async (_, bytes, code) => {
    const error = await endOf(bytes)
    expect(error?.code).toBe(code)
    expect(error?.blame).toEqual({ peer: 'a' })
  })

  test('vanishes is not taken for the end', async () => {
    expect((await endOf(Buffer.alloc(0), (socket) => socket.destroy()))?.code).toBe('network/closed')
    expect((await endOf(Buffer.alloc(0), (socket) => socket.end()))?.code).toBe('network/closed')
  })

  test('speaks before its hello is refused', async () => {
    const listener = await listen()
    const socket = await rawDial(listener.port)
    socket.write(Buffer.concat([header(11, 0x81), Buffer.from([0, 1, 65])]))
    await within(1000, () => listener.refused.length === 1)
    expect(listener.refused[0]!.code).toBe('peer/misbehaved')
    expect(listener.accepted).toEqual([])
  })

  test('drips bytes keeps its link: only silence ends it', async () => {
    const listener = await listen()
    const coming = listener.next()
    const socket = await rawDial(listener.port)
    socket.setNoDelay(true)
    const frame = Buffer.concat([header(14, 0x81), Buffer.from([0, 1, 65, 1, 2, 3])])
    socket.write(hello)
    for (const byte of frame) {
      socket.write(Buffer.from([byte]))
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const at = collect(await coming)
    await at.count(1)
    expect(at.frames[0]).toEqual({ channel: 'message', step: 'A', ordinal: 0, body: new Uint8Array([1, 2, 3]) })
    await new Promise((resolve) => setTimeout(resolve, 2 * limits.stallMilliseconds))
    expect(at.ends).toEqual([])
  })

  test('floods a paused link fills no memory here', async () => {
    const listener = await listen()
    const coming = listener.next()
    const socket = await rawDial(listener.port)
    socket.write(hello)
    const link = await coming
    link.receive({ frame: () => link.pause(), closed() {} })
    const frame = Buffer.concat([header(11 + 100_000, 0x81), Buffer.from([0, 1, 65]), Buffer.alloc(100_000)])
    let pushed = 0
    while (pushed < 1000 && socket.writableLength < 32 * 1024 * 1024) {
      socket.write(frame)
      pushed++
      if (pushed % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 2))
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
    // Nearly all of it waits at the sender: what arrived is at most what the sockets of the system hold.
    expect(link.traffic.received).toBeLessThan(20 * 1024 * 1024)
    expect(socket.writableLength).toBeGreaterThan(10 * 1024 * 1024)
  })
})

test('a frame beyond the limit is refused at its sender', async () => {
  const listener = await listen()
  const link = await dial(listener.port)
  const frame = { channel: 'message', step: 's', ordinal: 0, body: new Uint8Array(limits.frameBytes) } as const
  expect(() => link.send(frame)).toThrow(TallyError)
  await link.close()
})

test('a link that the listener drops ends the dialler with network/closed, and sending is refused', async () => {
  const listener = await listen()
  const link = await dial(listener.port)
  const at = collect(link)
  await listener.close()
  expect((await at.ended())?.code).toBe('network/closed')
  expect(link.send({ channel: 'message', step: 's', ordinal: 0, body: new Uint8Array(1) })).toBe(false)
  expect((await errorOf(link.drained())).code).toBe('network/closed')
})
