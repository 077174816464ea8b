import { TallyError } from '@tallystick/core'
import { afterEach, expect, test } from 'vitest'
import { WebSocket as Client } from 'ws'
import type { Link, LinkLimits, Listener } from '../../src/link.ts'
import { listenWebSocket } from '../../src/node/index.ts'
import { collect } from '../../src/testing/link-compliance.ts'
import { dialWebSocket, webSocketProtocol } from '../../src/websocket.ts'

const host = '127.0.0.1'
const limits: LinkLimits = { frameBytes: 256 * 1024, queuedBytes: 1024 * 1024, stallMilliseconds: 300 }
const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const listen = async (
  more: Partial<Parameters<typeof listenWebSocket>[0]> = {},
): Promise<Listener & { refused: TallyError[]; link: Promise<Link> }> => {
  const refused: TallyError[] = []
  const { promise: link, resolve } = Promise.withResolvers<Link>()
  const options = { host, port: 0, limits, accept: resolve, refused: (error: TallyError) => refused.push(error) }
  const listener = await listenWebSocket({ ...options, ...more })
  cleanups.push(() => listener.close())
  return { ...listener, refused, link }
}
const raw = async (port: number, protocol = webSocketProtocol, origin?: string): Promise<Client> => {
  const socket = new Client(`ws://${host}:${port}`, protocol, origin === undefined ? {} : { origin })
  cleanups.push(() => socket.terminate())
  await new Promise((resolve, reject) => socket.once('open', resolve).on('error', reject))
  return socket
}
/** A hello that grants `window` bytes. */
const hello = (window: number): Buffer => {
  const bytes = Buffer.alloc(52)
  bytes.writeUInt32BE(48, 0)
  bytes[4] = 2
  bytes.writeUInt32BE(1, 12)
  bytes.writeUInt32BE(window, 16)
  return bytes.fill(7, 20)
}
const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    await promise
  } catch (error) {
    if (error instanceof TallyError) return error.code
    throw error
  }
  return 'none'
}

test('a page of another origin cannot connect', async () => {
  const listener = await listen({ origins: ['https://bank.example'] })
  await expect(raw(listener.port, webSocketProtocol, 'https://evil.example')).rejects.toThrow()
  expect((await raw(listener.port, webSocketProtocol, 'https://bank.example')).readyState).toBe(Client.OPEN)
})

test('a peer without a hello, or of another protocol, is refused', async () => {
  const listener = await listen()
  await raw(listener.port)
  await expect.poll(() => listener.refused.map(({ code }) => code)).toEqual(['peer/timeout'])
  await expect(raw(listener.port, 'chat')).rejects.toThrow()
})

test('text is refused', async () => {
  const listener = await listen()
  const socket = await raw(listener.port)
  socket.send(hello(1000))
  const at = collect(await listener.link)
  socket.send('text')
  expect((await at.ended())?.code).toBe('decode/malformed')
})

test('a peer that sends beyond its credit is ended, and its bytes are not kept', async () => {
  const listener = await listen({ firstFrameMilliseconds: 5000 })
  const socket = await raw(listener.port)
  socket.send(hello(1000))
  const link = await listener.link
  let frames = 0
  const ended = new Promise<TallyError | undefined>((resolve) =>
    link.receive({ frame: () => void frames++, closed: resolve }),
  )
  link.pause()
  const frame = Buffer.alloc(12 + 3 + 100_000)
  frame.writeUInt32BE(frame.length - 4, 0)
  frame[4] = 0x81
  frame[13] = 1
  frame[14] = 65
  for (let i = 0; i < 20; i++) socket.send(frame)
  await new Promise((resolve) => setTimeout(resolve, 100))
  link.resume()
  expect((await ended)?.code).toBe('peer/flooding')
  expect(frames).toBe(0)
})

test('nobody there, and what never answers, are typed errors', async () => {
  const listener = await listen()
  await listener.close()
  expect(await codeOf(dialWebSocket(`ws://${host}:${listener.port}`, { limits }))).toBe('network/unreachable')
  expect(await codeOf(dialWebSocket(`ws://${host}:1`, { signal: AbortSignal.abort() }))).toBe('session/cancelled')
})
