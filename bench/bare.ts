/**
 * The limits: what a bare `node:tls` loop does between two processes on this machine, with nothing of ours in it.
 * Run as a child it is the far end.
 *
 * `journaled` is the floor of rounds: the same loop, with all that the design asks of a message and nothing else. Each
 * ball is sealed and written before it is answered, its chain and that of the answer are hashed after the answer left,
 * and the loop waits for the next one awake, as links do.
 */
import { fork } from 'node:child_process'
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls, { type TLSSocket } from 'node:tls'
import { chainHash, createIdentity, type Identity } from '@tallystick/session/node'
import { createSealer, segmentKeys, tagBytes } from '../packages/session/src/node/journal-seal.ts'
import { createTurnTaking } from '../packages/session/src/node/turn-taking.ts'

type Mode = 'stream' | 'ping-pong' | 'journaled'

interface Far {
  readonly mode: Mode
  readonly bytes: number
  readonly key: string
  readonly certificate: string
}

const chunkBytes = 256 * 1024
export const ballBytes = 1024

const secure = (key: string, certificate: string) => ({
  key,
  cert: certificate,
  minVersion: 'TLSv1.3' as const,
  rejectUnauthorized: false,
})

/** What is done to a ball before it is answered, and after. */
interface Care {
  before(ball: Uint8Array): void
  answered(ball: Uint8Array, answer: Uint8Array): void
  end(): void
}

const careless: Care = { before: () => {}, answered: () => {}, end: () => {} }

const journal = (): Care => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-'))
  const file = openSync(join(folder, 'journal'), 'w')
  const header = new Uint8Array(12)
  const sealer = createSealer(segmentKeys(randomBytes(32)), header.length, ballBytes)
  const record = Buffer.alloc(header.length + ballBytes + tagBytes)
  const link = new Uint8Array(32 + 4 + ballBytes)
  const turns = createTurnTaking()
  let written = 0
  return {
    before(ball) {
      turns.received()
      sealer.seal(header, record.subarray(record.length - tagBytes), ball, record, 0)
      written += writeSync(file, record, 0, record.length, written)
    },
    answered(...balls) {
      turns.sent()
      for (const ball of balls) {
        link.set(ball, 36)
        link.set(chainHash(link))
      }
    },
    end() {
      turns.stop()
      closeSync(file)
      rmSync(folder, { recursive: true })
    },
  }
}

const careOf = (mode: Mode): Care => (mode === 'journaled' ? journal() : careless)

/** Hands over whole balls, in memory that is used again. */
const balls = (take: (ball: Uint8Array) => void): ((data: Uint8Array) => void) => {
  const ball = new Uint8Array(ballBytes)
  let filled = 0
  return (data) => {
    for (let at = 0; at < data.length;) {
      const piece = data.subarray(at, at + ballBytes - filled)
      ball.set(piece, filled)
      filled += piece.length
      at += piece.length
      if (filled < ballBytes) return
      filled = 0
      take(ball)
    }
  }
}

const noBall = new Uint8Array(0)

/** Where nobody looks at the balls they are counted. */
const counted = (take: (ball: Uint8Array) => void): ((data: Uint8Array) => void) => {
  let pending = 0
  return (data) => {
    for (pending += data.length; pending >= ballBytes; pending -= ballBytes) take(noBall)
  }
}

const takerOf = (mode: Mode) => (mode === 'journaled' ? balls : counted)

/** Answers each ball, or swallows the stream and says one byte at its end. */
const serve = (socket: TLSSocket, { mode, bytes }: Far): void => {
  socket.setNoDelay(true)
  socket.on('error', () => {})
  if (mode === 'stream') {
    let received = 0
    socket.on('data', (data: Buffer) => {
      received += data.length
      if (received === bytes) socket.write('.')
    })
    return
  }
  const care = careOf(mode)
  const answer = Buffer.alloc(ballBytes)
  const take = takerOf(mode)((ball) => {
    care.before(ball)
    socket.write(answer)
    care.answered(ball, answer)
  })
  socket.on('data', take)
  socket.on('close', care.end)
}

const nearStream = async (socket: TLSSocket, bytes: number): Promise<void> => {
  const chunk = Buffer.alloc(chunkBytes, 7)
  const done = once(socket, 'data')
  for (let sent = 0; sent < bytes; sent += chunkBytes) if (!socket.write(chunk)) await once(socket, 'drain')
  await done
}

const nearPingPong = (socket: TLSSocket, bytes: number, mode: Mode): Promise<void> =>
  new Promise((resolve, reject) => {
    const care = careOf(mode)
    const answer = Buffer.alloc(ballBytes, 7)
    let left = bytes / ballBytes / 2
    const take = takerOf(mode)((ball) => {
      care.before(ball)
      if (--left === 0) {
        care.end()
        return resolve()
      }
      socket.write(answer)
      care.answered(ball, answer)
    })
    socket.on('error', reject)
    socket.on('data', take)
    socket.write(answer)
  })

interface Usage {
  readonly seconds: number
  /** Of both ends. */
  readonly cpuSeconds: number
}

const usedSince = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1e6
}

/** What `bytes` in all take (chunks one way, or 1 KiB balls there and back). */
export const bareTls = async (mode: Mode, bytes: number): Promise<Usage> => {
  const identity: Identity = await createIdentity('bare')
  const child = fork(new URL(import.meta.url))
  const far: Far = { mode, bytes, key: identity.tlsKey.expose(), certificate: identity.certificate }
  const exit = once(child, 'exit')
  const said = async <T>(): Promise<T> => {
    const ended = exit.then(() => Promise.reject(new Error('the far end ended')))
    return ((await Promise.race([once(child, 'message'), ended])) as [T])[0]
  }
  child.send(far)
  try {
    const port = await said<number>()
    const socket = tls.connect({ host: '127.0.0.1', port, ...secure(far.key, far.certificate) })
    socket.setNoDelay(true)
    await once(socket, 'secureConnect')
    child.send('usage')
    const farBefore = await said<number>()
    const since = performance.now()
    const cpu = process.cpuUsage()
    await (mode === 'stream' ? nearStream(socket, bytes) : nearPingPong(socket, bytes, mode))
    const seconds = (performance.now() - since) / 1000
    const near = usedSince(cpu)
    child.send('usage')
    const farUsed = (await said<number>()) - farBefore
    socket.destroy()
    return { seconds, cpuSeconds: near + farUsed }
  } finally {
    if (child.connected) child.send('end')
    await exit
  }
}

/**
 * CPU seconds that the design adds to a stream of so many bytes, beside TLS: SHA-256 at both sides, AES-256-GCM at the
 * receiver, and the write.
 */
export const streamWork = (bytes: number): number => {
  const chunk = Buffer.alloc(chunkBytes, 7)
  const cpu = process.cpuUsage()
  const [hash, cipher] = [createHash('sha256'), createCipheriv('aes-256-gcm', randomBytes(32), randomBytes(12))]
  const sealed = 32 * 1024
  for (let done = 0; done < bytes; done += chunkBytes) {
    hash.update(chunk)
    for (let at = 0; at < chunkBytes; at += sealed) cipher.update(chunk.subarray(at, at + sealed))
  }
  const once = usedSince(cpu)
  const second = process.cpuUsage()
  const other = createHash('sha256')
  for (let done = 0; done < bytes; done += chunkBytes) other.update(chunk)
  return once + usedSince(second)
}

/** Writes as many bytes to a fresh file in the same chunks, nothing synced: what any journal costs. */
export const plainWrite = (bytes: number): Usage => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-'))
  const chunk = Buffer.alloc(chunkBytes, 7)
  try {
    const since = performance.now()
    const cpu = process.cpuUsage()
    const file = openSync(join(folder, 'plain'), 'w')
    for (let written = 0; written < bytes; written += chunkBytes) writeSync(file, chunk)
    closeSync(file)
    return { seconds: (performance.now() - since) / 1000, cpuSeconds: usedSince(cpu) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * CPU seconds for writing as many bytes past the page cache, as the bodies of a journal are where the file system lets
 * it; undefined where it does not.
 */
export const directWrite = (bytes: number): number | undefined => {
  if (process.platform !== 'linux') return undefined
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-'))
  try {
    const { O_WRONLY, O_CREAT, O_DIRECT } = constants
    // WebAssembly's memory starts at a page, as writing past the cache demands.
    const chunk = new Uint8Array(new WebAssembly.Memory({ initial: (2 * chunkBytes) / 65536 }).buffer)
    const cpu = process.cpuUsage()
    const file = openSync(join(folder, 'direct'), O_WRONLY | O_CREAT | O_DIRECT, 0o600)
    for (let written = 0; written < bytes; written += chunk.length) writeSync(file, chunk)
    closeSync(file)
    return usedSince(cpu)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error
    return undefined
  } finally {
    rmSync(folder, { recursive: true })
  }
}

let server: tls.Server | undefined
const serveFar = (far: Far): void => {
  server = tls.createServer({ ...secure(far.key, far.certificate), requestCert: true }, (s) => serve(s, far))
  server.listen(0, '127.0.0.1', () => process.send!((server!.address() as { port: number }).port))
}

process.on('message', (message: Far | 'usage' | 'end') => {
  if (message === 'usage') process.send!(usedSince({ user: 0, system: 0 }))
  else if (message !== 'end') return serveFar(message)
  else {
    server?.close()
    process.disconnect()
  }
})
