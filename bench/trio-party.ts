/** One of the parties of `bench mpc`: over TLS with journal, chains and signatures, or over bare TCP with none. */
import { createHash, hash as oneShot } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRng, taggedDigest } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { inlinePool } from '@tallystick/kernels/pool'
import { createTranscript, start } from '@tallystick/protocol'
import {
  drive,
  runSession,
  systemClock,
  type DriveOptions,
  type Frame,
  type Link,
  type Terms,
} from '@tallystick/session'
import { createIdentity, dialTls, listenTls, openJournal, publicIdentity, signerOf } from '@tallystick/session/node'
import { marks, shareProtocols, type ShareParameters } from './shares.ts'

export interface TrioRun {
  readonly role: string
  readonly terms: Terms
  readonly parameters: ShareParameters
  readonly mode: 'session' | 'plain'
  /** Of all roles. */
  readonly ports: Readonly<Record<string, number>>
  /** A key of `shareProtocols`. */
  readonly backend: string
}

export interface TrioFigures {
  /** From the second repetition to the end, by repetition. */
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakMebibytes: number
}

const identity = await createIdentity('bench')
process.send!({ identity: publicIdentity(identity) })
const rolesOf = (backend: string): readonly string[] => shareProtocols[backend]!.roles as readonly string[]

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  if (parts.length === 1) return oneShot('sha256', parts[0]!, 'buffer')
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return digest.digest()
}

/** Times of the marks: wall and CPU. */
const times: { readonly wall: number; readonly cpu: number }[] = []
marks.each = () => {
  const { user, system } = process.cpuUsage()
  times.push({ wall: performance.now(), cpu: user + system })
}

const figures = (): TrioFigures => {
  // The first repetition warms up.
  const first = times[Math.min(1, times.length - 2)]!
  const last = times[times.length - 1]!
  const count = Math.max(1, times.length - 2)
  return {
    seconds: (last.wall - first.wall) / 1000 / count,
    cpuSeconds: (last.cpu - first.cpu) / 1e6 / count,
    peakMebibytes: process.resourceUsage().maxRSS / 1024,
  }
}

/** Frames over TCP as u32 length, u16 step length, u32 ordinal, step, body; nothing else. */
const plainOutlet = (socket: net.Socket, arrive: (frame: Frame) => void) => {
  socket.setNoDelay(true)
  let head: Uint8Array = Buffer.alloc(0)
  let frame: { readonly step: string; readonly ordinal: number; readonly body: Uint8Array } | undefined
  let filled = 0
  socket.on('data', (data: Buffer) => {
    let rest = data
    while (rest.length > 0 || frame?.body.length === filled) {
      if (frame === undefined) {
        const start = head.length === 0 ? rest : Buffer.concat([head, rest])
        head = start
        if (start.length < 10 || start.length < 10 + start.readUInt16LE(4)) return
        const end = 10 + start.readUInt16LE(4)
        const body = new Uint8Array(start.readUInt32LE(0))
        frame = { step: start.toString('latin1', 10, end), ordinal: start.readUInt32LE(6), body }
        rest = start.subarray(end)
        head = Buffer.alloc(0)
        filled = 0
      }
      const taken = Math.min(rest.length, frame.body.length - filled)
      frame.body.set(rest.subarray(0, taken), filled)
      filled += taken
      rest = rest.subarray(taken)
      if (filled < frame.body.length) return
      const complete = frame
      frame = undefined
      arrive({ channel: 'message', ...complete })
    }
  })
  return {
    send({ step, ordinal, body }: Frame): boolean {
      const head = Buffer.alloc(10 + step.length)
      head.writeUInt32LE(body.length, 0)
      head.writeUInt16LE(step.length, 4)
      head.writeUInt32LE(ordinal, 6)
      head.write(step, 10, 'latin1')
      socket.cork()
      socket.write(head)
      const room = socket.write(body)
      process.nextTick(() => socket.uncork())
      return room || socket.writableLength < 4 * 2 ** 20
    },
    drained: () => new Promise<void>((resolve) => void socket.once('drain', resolve)),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  }
}

/** Listens for the roles after this one, dials those before. */
const plainSockets = async (
  role: string,
  ports: TrioRun['ports'],
  roles: readonly string[],
): Promise<ReadonlyMap<string, net.Socket>> => {
  const sockets = new Map<string, net.Socket>()
  const mine = roles.indexOf(role)
  for (const peer of roles.slice(0, mine)) {
    const socket = net.connect({ host: '127.0.0.1', port: ports[peer]! })
    await new Promise((resolve) => socket.once('connect', resolve))
    // One byte: the place among the roles.
    socket.write(Uint8Array.of(mine))
    sockets.set(peer, socket)
  }
  for (let i = mine + 1; i < roles.length; i++) {
    const [place, socket] = await accepted.promises[i - mine - 1]!
    sockets.set(roles[place]!, socket)
  }
  return sockets
}

/** Connections as they come, each with the place of the role that it says first. */
const accepted = (() => {
  const slots = [0, 1, 2].map(() => Promise.withResolvers<readonly [number, net.Socket]>())
  let next = 0
  return {
    promises: slots.map(({ promise }) => promise),
    take(socket: net.Socket) {
      socket.once('readable', () => {
        const [place] = socket.read(1) as Buffer
        slots[next++]!.resolve([place!, socket])
      })
    },
  }
})()

const runPlain = async ({ role, parameters, ports, backend }: TrioRun): Promise<TrioFigures> => {
  const protocol = shareProtocols[backend]!
  const sockets = await plainSockets(role, ports, rolesOf(backend))
  const engine = await nodeEngine()
  const run = { specHash: `0x${'00'.repeat(32)}`, sessionId: `0x${'00'.repeat(32)}`, attempt: 1 } as never
  const attempt = {
    run,
    role,
    journal: { has: () => false, get: () => undefined },
    held: () => new Map(),
    append: () => {},
    beforeSend: () => {},
  } as unknown as DriveOptions['attempt']
  const none = new Uint8Array(32)
  const outlets = new Map(
    [...sockets].map(([peer, socket]) => [peer, plainOutlet(socket, (frame) => driven.arrive(peer, frame))] as const),
  )
  const driven = drive({
    protocol,
    role,
    routine: start(protocol, role, parameters, null, createRng(taggedDigest('tallystick/bench/v1', role))),
    outlets,
    attempt,
    transcript: createTranscript(none, () => none),
    hash: () => none,
    pool: inlinePool(engine),
    clock: systemClock,
    holds: new Map(),
    messageMilliseconds: 600_000,
    inboxBytes: 32 * 2 ** 20,
    checkpoint: async () => {},
  })
  await driven.done
  // The peers may still read.
  await new Promise((resolve) => setTimeout(resolve, 200))
  for (const socket of sockets.values()) socket.destroy()
  return figures()
}

const tlsLinks = async ({ role, terms, ports, backend }: TrioRun) => {
  const roles = rolesOf(backend)
  const mine = roles.indexOf(role)
  const links: Record<string, Link> = {}
  for (const peer of terms.parties) {
    if (roles.indexOf(peer.role) >= mine) continue
    const options = { host: '127.0.0.1', port: ports[peer.role]!, identity, expectedPeer: peer.tls }
    links[peer.role] = await dialTls(options)
  }
  return links
}

const runAll = async (given: TrioRun, incoming: Promise<Record<string, Link>>): Promise<TrioFigures> => {
  const { role, terms, backend } = given
  const links = { ...(await tlsLinks(given)), ...(await incoming) }
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-'))
  try {
    const session = await runSession({
      terms,
      role,
      protocol: shareProtocols[backend]!,
      signer: signerOf(identity),
      links: async () => links,
      input: null,
      commitInput: () => ({ root: taggedDigest('tallystick/bench-input/v1', role) }),
      pool: inlinePool(await nodeEngine()),
      journals: {
        attempts: () => [],
        open: (attempt) =>
          openJournal({
            folder: join(folder, `${attempt}`),
            storageKey: identity.storageKey,
            generations: join(folder, 'generations'),
          }),
      },
      hash: sha256,
    })
    await session.close()
    return figures()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What is to come: the terms name the peers' keys. */
let known: TrioRun | undefined
const arrivals: Record<string, Link> = {}
const complete = Promise.withResolvers<Record<string, Link>>()
const check = (): void => {
  if (known === undefined) return
  const roles = rolesOf(known.backend)
  if (Object.keys(arrivals).length === roles.length - 1 - roles.indexOf(known.role)) complete.resolve(arrivals)
}

process.on('message', (message: { listen: 'session' | 'plain'; keys: Record<string, string> } | TrioRun) => {
  if ('listen' in message) {
    if (message.listen === 'plain') {
      const server = net.createServer((socket) => accepted.take(socket))
      server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as net.AddressInfo).port }))
      server.unref()
      return
    }
    const peers = (key: string): string | undefined => message.keys[key]
    listenTls({
      host: '127.0.0.1',
      port: 0,
      identity,
      peers,
      accept: (link) => {
        arrivals[message.keys[link.peerKey!]!] = link
        check()
      },
    }).then(
      ({ port }) => process.send!({ port }),
      (error: unknown) => console.error(error),
    )
    return
  }
  known = message
  check()
  const work = message.mode === 'plain' ? runPlain(message) : runAll(message, complete.promise)
  work.then(
    (result) => process.send!({ figures: result }, undefined, undefined, () => process.exit(0)),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
