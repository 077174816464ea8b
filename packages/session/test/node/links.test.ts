import { memoryLinks } from '../../src/memory.ts'
import { createIdentity, dialTls, listenTls, listenWebSocket } from '../../src/node/index.ts'
import type { Link } from '../../src/link.ts'
import { portLink } from '../../src/message-port.ts'
import { linkCompliance } from '../../src/testing/link-compliance.ts'
import { dialWebSocket } from '../../src/websocket.ts'

const host = '127.0.0.1'

linkCompliance('memory', async () => ({ links: memoryLinks(), dispose() {} }))

linkCompliance('TLS', async () => {
  const [a, b] = await Promise.all([createIdentity('a'), createIdentity('b')])
  const accepted = Promise.withResolvers<Link>()
  const listener = await listenTls({
    host,
    port: 0,
    identity: b,
    peers: (key) => (key === a.tls ? 'a' : undefined),
    accept: (link) => accepted.resolve(link),
  })
  const dialled = await dialTls({ host, port: listener.port, identity: a, expectedPeer: b.tls })
  return { links: [dialled, await accepted.promise], dispose: () => listener.close() }
})

// The other direction: the listener sends first.
linkCompliance('TLS, from the listener', async () => {
  const [a, b] = await Promise.all([createIdentity('a'), createIdentity('b')])
  const accepted = Promise.withResolvers<Link>()
  const listener = await listenTls({
    host,
    port: 0,
    identity: b,
    peers: () => 'a',
    accept: (link) => accepted.resolve(link),
  })
  const dialled = await dialTls({ host, port: listener.port, identity: a, expectedPeer: b.tls })
  return { links: [await accepted.promise, dialled], dispose: () => listener.close() }
})

linkCompliance('WebSocket', async () => {
  const accepted = Promise.withResolvers<Link>()
  const listener = await listenWebSocket({ host, port: 0, accept: (link) => accepted.resolve(link) })
  const dialled = await dialWebSocket(`ws://${host}:${listener.port}`)
  return { links: [dialled, await accepted.promise], dispose: () => listener.close() }
})

linkCompliance('a message port', async () => {
  const { port1, port2 } = new MessageChannel()
  const links = await Promise.all([portLink(port1), portLink(port2)])
  return { links, dispose() {} }
})
