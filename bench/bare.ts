/**
 * The limits: what a bare `node:tls` loop does between two processes on this machine, with nothing of ours in it.
 * Run as a child it is the far end.
 */
import { fork } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls, { type TLSSocket } from 'node:tls'
import { createIdentity, type Identity } from '@tallystick/session/node'

type Mode = 'stream' | 'ping-pong'

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

/** Answers each ball, or swallows the stream and says one byte at its end. */
const serve = (socket: TLSSocket, { mode, bytes }: Far): void => {
  socket.setNoDelay(true)
  let received = 0
  let pending = 0
  socket.on('error', () => {})
  socket.on('data', (data: Buffer) => {
    received += data.length
    if (mode === 'stream') {
      if (received === bytes) socket.write('.')
      return
    }
    pending += data.length
    for (; pending >= ballBytes; pending -= ballBytes) socket.write(Buffer.alloc(ballBytes))
  })
}

const nearStream = async (socket: TLSSocket, bytes: number): Promise<void> => {
  const chunk = Buffer.alloc(chunkBytes, 7)
  const done = once(socket, 'data')
  for (let sent = 0; sent < bytes; sent += chunkBytes) if (!socket.write(chunk)) await once(socket, 'drain')
  await done
}

const nearPingPong = (socket: TLSSocket, bytes: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const ball = Buffer.alloc(ballBytes, 7)
    let left = bytes / ballBytes / 2
    let pending = 0
    socket.on('error', reject)
    socket.on('data', (data: Buffer) => {
      pending += data.length
      if (pending < ballBytes) return
      pending -= ballBytes
      if (--left === 0) resolve()
      else socket.write(ball)
    })
    socket.write(ball)
  })

/** Seconds for `bytes` in all (chunks one way, or 1 KiB balls there and back). */
export const bareTls = async (mode: Mode, bytes: number): Promise<number> => {
  const identity: Identity = await createIdentity('bare')
  const child = fork(new URL(import.meta.url))
  const far: Far = { mode, bytes, key: identity.tlsKey.expose(), certificate: identity.certificate }
  child.send(far)
  try {
    const [port] = (await once(child, 'message')) as [number]
    const socket = tls.connect({ host: '127.0.0.1', port, ...secure(far.key, far.certificate) })
    socket.setNoDelay(true)
    await once(socket, 'secureConnect')
    const since = performance.now()
    await (mode === 'stream' ? nearStream(socket, bytes) : nearPingPong(socket, bytes))
    const seconds = (performance.now() - since) / 1000
    socket.destroy()
    return seconds
  } finally {
    child.kill()
  }
}

/** Seconds for writing as many bytes to a fresh file in the same chunks, nothing synced: what any journal costs. */
export const plainWrite = (bytes: number): number => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-'))
  const chunk = Buffer.alloc(chunkBytes, 7)
  try {
    const since = performance.now()
    const file = openSync(join(folder, 'plain'), 'w')
    for (let written = 0; written < bytes; written += chunkBytes) writeSync(file, chunk)
    closeSync(file)
    return (performance.now() - since) / 1000
  } finally {
    rmSync(folder, { recursive: true })
  }
}

process.once('message', (far: Far) => {
  const server = tls.createServer({ ...secure(far.key, far.certificate), requestCert: true }, (s) => serve(s, far))
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as { port: number }).port))
})
