/** Runs `tally` commands as processes of their own, as the people at the banks would, and reads what they report. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { compiledEnvironment } from '@tallystick/cli'
import { TallyError } from '@tallystick/core'

/** One JSON line of a command. */
export interface Event {
  readonly event: string
  readonly [field: string]: unknown
}

export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly events: readonly Event[]
}

export interface Command {
  readonly pid: number
  /** Resolves with the first event of the name; rejects if the command ends without it. */
  first(event: string): Promise<Event>
  /** Called for every event from now on, progress included. */
  onEvent(listener: (event: Event) => void): void
  readonly ended: Promise<Ended>
  /** @throws what the command reported, unless its exit code is 0 */
  finish(): Promise<Ended>
  kill(signal: NodeJS.Signals): void
}

export interface Commands {
  start(...args: readonly string[]): Command
  /** Runs a command to its end. @throws what the command reported, unless its exit code is 0 */
  run(...args: readonly string[]): Promise<Ended>
  /** Ends all that still run and waits for them. */
  endAll(): Promise<void>
}

const main = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))

/** What a failed command said, as an error of this process. */
const failureOf = (args: readonly string[], { code, signal, events }: Ended, stderr: string): TallyError => {
  const said = events.findLast((event) => event.event === 'error')
  const command = `tally ${args.slice(0, 2).join(' ')}`
  if (said !== undefined) {
    const { code: reason, message, remedy } = said as unknown as { code: never; message: string; remedy?: string }
    return new TallyError(reason, 'self', `${command}: ${message}`, remedy === undefined ? {} : { remedy })
  }
  const how = signal === null ? `exit code ${code}` : signal
  return new TallyError('invariant/broken', 'self', `${command} ended with ${how} and no word: ${stderr.trim()}`)
}

const readEvents = async (stream: Readable, onEvent: (event: Event) => void, onText: (text: string) => void) => {
  for await (const line of createInterface({ input: stream })) {
    try {
      onEvent(JSON.parse(line) as Event)
    } catch {
      onText(line)
    }
  }
}

export const createCommands = (): Commands => {
  const running = new Set<{ child: ChildProcess; ended: Promise<Ended> }>()

  const start = (...args: readonly string[]): Command => {
    // The channel tells the command when this process is gone, however it went: nothing is left behind.
    const child = spawn(process.execPath, [main, ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, ...compiledEnvironment },
    })
    const events: Event[] = []
    const listeners = new Set<(event: Event) => void>()
    let stderr = ''
    const emit = (event: Event): void => {
      for (const listener of listeners) listener(event)
    }
    const streams = Promise.all([
      readEvents(
        child.stdout!,
        (event) => {
          events.push(event)
          emit(event)
        },
        (text) => (stderr += `${text}\n`),
      ),
      readEvents(child.stderr!, emit, (text) => (stderr += `${text}\n`)),
    ])
    const { promise: exited, resolve, reject } = Promise.withResolvers<Omit<Ended, 'events'>>()
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve({ code, signal }))
    const ended = (async () => {
      const how = await exited
      await streams
      return { ...how, events }
    })()
    ended.then(
      () => running.delete(entry),
      () => running.delete(entry),
    )
    const entry = { child, ended }
    running.add(entry)
    return {
      pid: child.pid ?? 0,
      ended,
      async finish() {
        const how = await ended
        if (how.code === 0) return how
        throw failureOf(args, how, stderr)
      },
      onEvent: (listener) => void listeners.add(listener),
      kill: (signal) => void child.kill(signal),
      first(name) {
        const seen = events.find(({ event }) => event === name)
        if (seen !== undefined) return Promise.resolve(seen)
        const waiting = Promise.withResolvers<Event>()
        const listener = (event: Event): void => {
          if (event.event === name) waiting.resolve(event)
        }
        listeners.add(listener)
        ended.then((how) => waiting.reject(failureOf(args, how, stderr)), waiting.reject)
        return waiting.promise.finally(() => listeners.delete(listener))
      },
    }
  }

  return {
    start,
    run: (...args) => start(...args).finish(),
    async endAll() {
      const left = [...running]
      for (const { child } of left) child.kill('SIGTERM')
      const patience = setTimeout(() => left.forEach(({ child }) => child.kill('SIGKILL')), 3000)
      await Promise.allSettled(left.map(({ ended }) => ended))
      clearTimeout(patience)
    },
  }
}
