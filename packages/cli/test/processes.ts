/** `tally` commands as processes of their own whose seconds, CPU seconds and peak of memory are told: for campaigns. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { compiledEnvironment } from '../src/compiled.ts'

export const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`)
/** Peak of resident memory and CPU seconds of a process that lives; as far as /proc tells. */
const usageOf = (pid: number) => {
  try {
    const peak = /VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    const [utime, stime] = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .split(') ')[1]!
      .split(' ')
      .slice(11, 13)
      .map(Number)
    // A process that has just ended has no memory any more.
    if (peak === undefined) return undefined
    return { mebibytes: Math.round(Number(peak) / 1024), cpuSeconds: (utime! + stime!) / 100 }
  } catch {
    return undefined
  }
}

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))

/** Starts a command; `figures` are what it took. */
export const start = (args: readonly string[]) => {
  const began = performance.now()
  const env = { ...process.env, ...compiledEnvironment }
  const child = spawn(process.execPath, [main, ...args, '--json'], { stdio: ['ignore', 'pipe', 'pipe'], env })
  let usage = { mebibytes: 0, cpuSeconds: 0 }
  const watch = setInterval(() => (usage = usageOf(child.pid!) ?? usage), 100)
  const events: Record<string, unknown>[] = []
  const waiting: (() => void)[] = []
  let complaint = ''
  child.stderr.on('data', (text: Buffer) => {
    complaint = `${complaint}${text.toString()}`.slice(-2000)
  })
  const reading = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      events.push(JSON.parse(line) as Record<string, unknown>)
      for (const wake of waiting.splice(0)) wake()
    }
  })()
  const ended = once(child, 'exit').then(async ([code]) => {
    clearInterval(watch)
    await reading
    for (const wake of waiting.splice(0)) wake()
    const seconds = (performance.now() - began) / 1000
    return { code: code as number | null, events, complaint, figures: { seconds, ...usage } }
  })
  const first = async (name: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const found = events.find(({ event }) => event === name)
      if (found !== undefined) return found
      if (child.exitCode !== null) throw new Error(`ended without "${name}": ${complaint}`)
      await new Promise<void>((wake) => waiting.push(wake))
    }
  }
  return { child, ended, first }
}

/** Runs a command to its end; its last report. @throws Error where it fails */
export const run = async (what: string, ...args: readonly string[]): Promise<Record<string, unknown>> => {
  const { code, events, complaint, figures } = await start(args).ended
  if (code !== 0) throw new Error(`${what}: ${JSON.stringify(events.at(-1))} ${complaint}`)
  say({ what, ...figures })
  return events.at(-1) ?? {}
}
