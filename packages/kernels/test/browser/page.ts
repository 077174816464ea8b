/** Runs in Chromium: every engine and the browser pool against the references; the test reads `window.report`. */
import type { Kernel } from '@tallystick/protocol'
import { wasmEngineOf } from '../../src/engine.ts'
import { curve25519Scale, kernels } from '../../src/index.ts'
import { browserPool } from '../../src/pool/browser.ts'
import { cases, expected, names } from '../cases.ts'
import { bytes, encode, P, points } from '../samples.ts'

export interface Report {
  /** Names of what went wrong; empty is good. */
  readonly failures: string[]
  /** Comparisons made, by engine or pool. */
  readonly compared: Record<string, number>
}

const text = (value: unknown): string =>
  JSON.stringify(value, (_, field: unknown) => {
    if (typeof field === 'bigint') return `${field}n`
    return ArrayBuffer.isView(field) ? [field.constructor.name, ...Array.from(field as Uint8Array, String)] : field
  })

async function compare(): Promise<Report> {
  const failures: string[] = []
  const compared: Record<string, number> = {}
  const check = (who: string, what: string, found: unknown, wanted: unknown): void => {
    compared[who] = (compared[who] ?? 0) + 1
    if (text(found) !== text(wanted)) failures.push(`${who}: ${what}`)
  }
  for (const variant of ['fma', 'integer'] as const) {
    const engine = await wasmEngineOf(variant)
    if (!engine) continue
    for (const name of names) {
      cases[name]().forEach((input, i) =>
        check(variant, `${name} ${i}`, engine[name]!(input as never), expected(name)[i]),
      )
    }
  }
  const pool = browserPool({ workers: 2, inlineBelow: 0 })
  for (const name of names) {
    const runs = cases[name]().map((input) => pool.run(kernels[name] as Kernel<unknown, unknown>, input))
    const outputs = await Promise.all(runs)
    outputs.forEach((output, i) => check('pool', `${name} ${i}`, output, expected(name)[i]))
  }

  const scalar = bytes(1, 32)
  const big = { scalar, points: points(2, 9000) }
  big.points.set(encode(P), 32 * 7000)
  const engine = (await wasmEngineOf('integer'))!
  check('pool', 'pieces', await pool.run(curve25519Scale, big), engine['curve25519/scale']!(big as never))
  check('pool', 'the buffer of the caller', big.points.length, 32 * 9000)
  const controller = new AbortController()
  setTimeout(() => controller.abort(new Error('enough')), 30)
  const aborted = pool.run(curve25519Scale, { scalar, points: points(3, 40_000) }, controller.signal)
  check('pool', 'abort', await aborted.then(String, (error: Error) => error.message), 'enough')
  check('pool', 'after the abort', (await pool.run(curve25519Scale, { scalar, points: points(4, 100) })).bad, -1)
  const wrong = pool.run(curve25519Scale, { scalar: new Uint8Array(3), points: points(4, 100) })
  check('pool', 'misuse', await wrong.then(String, (error: { code: string }) => error.code), 'api/misuse')
  const running = pool.run(curve25519Scale, { scalar, points: points(5, 40_000) })
  const ended = running.then(String, (error: { code: string }) => error.code)
  await new Promise((resolve) => setTimeout(resolve, 30))
  await pool[Symbol.asyncDispose]()
  check('pool', 'disposal', await ended, 'api/misuse')
  return { failures, compared }
}

declare global {
  interface Window {
    report: Promise<Report>
  }
}
window.report = compare()
