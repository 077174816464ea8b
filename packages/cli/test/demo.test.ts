/** The demo from start to end, as a process: the integration test of everything below this package. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mainFile } from './run.ts'

let folder = ''
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'tally-demo-test-'))))
afterAll(() => rm(folder, { recursive: true }))

const start = (place: string, ...args: string[]) =>
  spawn(process.execPath, [mainFile, 'demo', '--keep', place, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })

/** Processes whose command line names the folder; Linux only, elsewhere none. */
const processesNaming = async (place: string): Promise<string[]> => {
  if (!existsSync('/proc/self/cmdline')) return []
  const { readdirSync } = await import('node:fs')
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return command.includes(place) ? [`${pid} ${command}`] : []
      } catch {
        return []
      }
    })
}
const nothingLeft = async (place: string): Promise<string[]> => {
  let left = await processesNaming(place)
  for (let i = 0; i < 60 && left.length > 0; i++) {
    await sleep(100)
    left = await processesNaming(place)
  }
  return left
}

describe('the demo', () => {
  it('shows a right result, its audit, a forgery found and a crash survived', { timeout: 180_000 }, async () => {
    const place = join(folder, 'whole')
    const child = start(place, '--json')
    const events: Record<string, unknown>[] = []
    const reading = (async () => {
      for await (const line of createInterface({ input: child.stdout })) {
        events.push(JSON.parse(line) as Record<string, unknown>)
      }
    })()
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const [code] = (await once(child, 'exit')) as [number]
    await reading
    expect(code, `${JSON.stringify(events.at(-1))} ${stderr}`).toBe(0)

    const one = (event: string): Record<string, unknown> | undefined => events.find((each) => each['event'] === event)
    expect(events.filter((each) => each['event'] === 'step').map((each) => each['number'])).toEqual(
      Array.from({ length: 9 }, (_, i) => i + 1),
    )
    expect(one('intersection')).toMatchObject({ size: 625, correct: true })
    expect(one('forgery')).toMatchObject({ found: true, checks: ['evidence-input'] })
    expect(one('resume')).toMatchObject({ size: 625, correct: true })
    expect(one('demo')).toMatchObject({ ok: true, folder: place })
    const audits = events.filter((each) => each['event'] === 'verdict')
    expect(audits.map((each) => [each['what'], each['verdict']])).toEqual([
      ['verify', 'consistent'],
      ['replay', 'replayed'],
    ])

    // The ceilings of the contracts, for two parties.
    const ceilings: Record<string, number> = { propose: 80_000, commit: 55_000, start: 80_000, close: 80_000 }
    const gas = events.filter((each) => each['event'] === 'gas')
    expect(gas.map((each) => each['entry']).sort()).toEqual(['close', 'commit', 'commit', 'propose', 'start'])
    for (const { entry, gas: used } of gas as { entry: string; gas: number }[]) {
      expect(used, entry).toBeLessThanOrEqual(ceilings[entry]!)
    }
    expect(await nothingLeft(place)).toEqual([])
  })

  it.each([
    ['SIGINT', '2. '],
    ['SIGKILL', '4. '],
  ] as const)('leaves no process behind when it gets %s at step %s', async (signal, step) => {
    const place = join(folder, signal)
    const child = start(place)
    child.stdout.setEncoding('utf8')
    for await (const text of child.stdout) if (String(text).includes(step)) break
    expect((await processesNaming(place)).length).toBeGreaterThan(1)
    child.kill(signal)
    const [code, by] = (await once(child, 'exit')) as [number | null, string | null]
    if (signal === 'SIGKILL') expect(by).toBe('SIGKILL')
    else expect(code).toBe(72)
    expect(await nothingLeft(place)).toEqual([])
  })
})
