/** `tally psi run` as a process of its own that can be killed; says which phase it was in. */
import { spawn } from 'node:child_process'
import { createServer, connect } from 'node:net'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { compiledEnvironment } from '@tallystick/cli'

/**
 * In their order. `starting`: before the network; `opening`: after the checkpoint; `closed`: the output is released,
 * result and record are written; `settling`: all is written, the peer may still need a signature.
 */
export const phases = [
  'starting',
  'connecting',
  'handshake',
  'committing',
  'running',
  'checkpoint',
  'opening',
  'closing',
  'closed',
  'settling',
] as const
export type Phase = (typeof phases)[number]

/** As `tally psi run --json` names them on stderr. */
const told: Readonly<Record<string, Phase>> = {
  'waiting for the partner': 'connecting',
  'comparing terms': 'handshake',
  'committing to input and coins': 'committing',
  computing: 'running',
  'signing what was exchanged': 'checkpoint',
  'comparing and signing the end': 'closing',
  closed: 'closed',
}

export interface Event {
  readonly event: string
  readonly [field: string]: unknown
}

export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly events: readonly Event[]
  /** The last phase that it told. */
  readonly phase: Phase
  readonly milliseconds: number
  readonly stderr: string
}

export interface Running {
  readonly pid: number
  readonly ended: Promise<Ended>
  hasEnded(): boolean
  /** Resolves with true when the phase begins, with false if the process ends without it. */
  reaches(phase: Phase): Promise<boolean>
  /** Resolves with true at the first event of the name, with false if the process ends without it. */
  tells(event: string): Promise<boolean>
  /** `kill -9`. */
  kill(): void
}

const main = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))

const readLines = async (stream: Readable, onEvent: (event: Event) => void, onText: (text: string) => void) => {
  for await (const line of createInterface({ input: stream })) {
    let event: Event
    try {
      event = JSON.parse(line) as Event
    } catch {
      onText(`${line}\n`)
      continue
    }
    onEvent(event)
  }
}

const phaseAfter = (phase: Phase, { event, what }: Event): Phase => {
  if (event === 'record') return 'settling'
  if (event !== 'progress') return phase
  // On a busy machine it also says how long it takes.
  const next = told[String(what).replace(/, about \d+ s left at this rate$/, '')]
  if (next === undefined) throw new Error(`a phase without a name here: "${String(what)}"`)
  return next === 'running' && (phase === 'checkpoint' || phase === 'opening') ? 'opening' : next
}

export const startTally = (args: readonly string[], environment: Readonly<Record<string, string>>): Running => {
  // Over the channel the process learns that this one has gone: nothing outlives a campaign.
  const child = spawn(process.execPath, [main, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...compiledEnvironment, ...environment },
  })
  const began = performance.now()
  const events: Event[] = []
  const seen = new Set<string>(['phase starting'])
  const waiting = new Map<string, (() => void)[]>()
  let phase: Phase = 'starting'
  let stderr = ''
  let over = false
  const notice = (what: string): void => {
    seen.add(what)
    for (const tell of waiting.get(what) ?? []) tell()
    waiting.delete(what)
  }
  const onEvent = (event: Event): void => {
    if (event.event !== 'progress') events.push(event)
    phase = phaseAfter(phase, event)
    notice(`phase ${phase}`)
    notice(`event ${event.event}`)
  }
  const onText = (text: string): void => void (stderr += text)
  const streams = Promise.all([readLines(child.stdout!, onEvent, onText), readLines(child.stderr!, onEvent, onText)])
  const { promise: exited, resolve, reject } = Promise.withResolvers<Pick<Ended, 'code' | 'signal'>>()
  child.once('error', reject)
  child.once('exit', (code, signal) => {
    over = true
    resolve({ code, signal })
  })
  const ended = (async (): Promise<Ended> => {
    const how = await exited
    const milliseconds = performance.now() - began
    await streams
    return { ...how, events, phase, milliseconds, stderr }
  })()
  const until = async (what: string): Promise<boolean> => {
    if (seen.has(what)) return true
    const { promise, resolve: tell } = Promise.withResolvers<void>()
    waiting.set(what, [...(waiting.get(what) ?? []), tell])
    return Promise.race([promise.then(() => true), ended.then(() => seen.has(what))])
  }
  return {
    pid: child.pid!,
    ended,
    hasEnded: () => over,
    reaches: (wanted) => until(`phase ${wanted}`),
    tells: (event) => until(`event ${event}`),
    kill: () => void child.kill('SIGKILL'),
  }
}

const host = '127.0.0.1'

/** A port that nobody listens on, below those that systems give to outgoing connections. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const server = createServer()
    const { promise, resolve } = Promise.withResolvers<boolean>()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
    if (await promise) return port
  }
}

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, host)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

/** Command lines of all processes that name the text. */
const processesNaming = (text: string): string[] =>
  execFileSync('ps', ['-A', '-ww', '-o', 'pid=,args='], { encoding: 'utf8', maxBuffer: 1 << 26 })
    .split('\n')
    .filter((line) => line.includes(text) && Number.parseInt(line, 10) !== process.pid)

/** What is left of a job whose processes have ended: processes that name its terms, and its port. */
export const leftOvers = async (termsFile: string, port: number): Promise<string[]> => {
  let left: string[] = []
  for (let i = 0; i < 20; i++) {
    left = processesNaming(termsFile)
    if (await isListening(port)) left.push(`port ${port} is still open`)
    if (left.length === 0) return left
    await sleep(100)
  }
  return left
}
