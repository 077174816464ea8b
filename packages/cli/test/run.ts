/** Runs `tally` commands: in a process of their own, or, quicker, in this one. */
import { execFile, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { compiledEnvironment } from '../src/compiled.ts'
import { runTally } from '../src/tally.ts'

export const mainFile = fileURLToPath(new URL('../src/main.ts', import.meta.url))

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly milliseconds: number
}

export const tallyProcess = (args: readonly string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const start = performance.now()
    const env = { ...process.env, ...compiledEnvironment }
    execFile(process.execPath, [mainFile, ...args], { env }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      resolve({ code, stdout, stderr, milliseconds: performance.now() - start })
    })
  })

/** One at a time: it listens to what this process writes. */
export const tally = async (...args: readonly string[]): Promise<Omit<Ran, 'milliseconds'>> => {
  const listen = (stream: NodeJS.WriteStream) => {
    let text = ''
    const spy = vi.spyOn(stream, 'write').mockImplementation((piece) => {
      text += String(piece)
      return true
    })
    return () => {
      spy.mockRestore()
      return text
    }
  }
  const [out, err] = [listen(process.stdout), listen(process.stderr)]
  const code = await runTally(args)
  return { code, stdout: out(), stderr: err() }
}

/** A command that is left running, in a process of its own; it tells JSON lines. */
export interface Running {
  readonly pid: number
  /** Resolves with the first report of the name; rejects if the command ends without one. */
  first(event: string): Promise<Record<string, unknown>>
  readonly ended: Promise<{ readonly code: number | null; readonly events: readonly Record<string, unknown>[] }>
  kill(signal: NodeJS.Signals): void
}

export const startTally = (args: readonly string[], env: Record<string, string> = {}): Running => {
  const child = spawn(process.execPath, [mainFile, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...compiledEnvironment, ...env },
  })
  const events: Record<string, unknown>[] = []
  const seen = new EventEmitter()
  const reading = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      events.push(JSON.parse(line) as Record<string, unknown>)
      seen.emit('event')
    }
  })()
  const exit = once(child, 'exit') as Promise<[number | null]>
  const ended = exit.then(async ([code]) => {
    await reading
    seen.emit('event')
    return { code, events }
  })
  return {
    pid: child.pid!,
    ended,
    kill: (signal) => void child.kill(signal),
    async first(name) {
      for (;;) {
        const found = events.find(({ event }) => event === name)
        if (found !== undefined) return found
        if (child.exitCode !== null) throw new Error(`ended without "${name}": ${JSON.stringify(events.at(-1))}`)
        await once(seen, 'event')
      }
    },
  }
}
