/** Keys on disk: sealed, opened again to the same frames, and counted for all processes. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createRng } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { runKernel } from '@tallystick/protocol'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as h from '../src/operators/expression.ts'
import { createStoredKeys, discardKeys, keyLedger, openStoredKeys } from '../src/pool/keys.ts'
import { decrypt, encrypt, evaluateEncrypted, type Runner } from '../src/pool/operators.ts'
import { planOf } from '../src/plan/index.ts'

const engine = await wasmEngine()
const runner: Runner = { run: (kernel, input) => Promise.resolve(runKernel(engine, kernel, input)) }
const coins = (seed: number) => createRng(new Uint8Array(32).fill(seed))
const storage = new Uint8Array(32).fill(9)
const job = h.program({ x: h.vector(4, { range: [0, 1] }) }, ({ x }) => h.mean(x))
const plan = planOf(job, { precision: 1e-3, releases: 2 })
const misuse = expect.objectContaining({ code: 'api/misuse' })

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'tally-keys-'))))
afterAll(() => rm(folder, { recursive: true }))

test('keys open again with their storage key and plan only, and their limits with them', async () => {
  const own = join(folder, 'own')
  const made = await createStoredKeys(own, storage, plan, coins(1), runner)
  const sealed = await readFile(join(own, 'keys.sealed'))
  expect((await stat(join(own, 'keys.sealed'))).mode & 0o777).toBe(0o600)
  expect(sealed.includes(Buffer.from(made.secret[0]!.owner.coins))).toBe(false)
  await expect(createStoredKeys(own, storage, plan, coins(2), runner)).rejects.toThrow(
    expect.objectContaining({ code: 'identity/exists' }),
  )
  const [x, again] = [Float64Array.of(0, 0.25, 0.5, 1), () => openStoredKeys(own, storage, plan, runner)]
  const first = await again()
  expect(first.secret).toEqual(made.secret)
  expect(first.published).toEqual(made.published)
  const answer = await evaluateEncrypted(plan, first.published, await encrypt(plan, first, { x }, runner), runner)
  await expect(encrypt(plan, made, { x }, runner)).rejects.toThrow(misuse)
  for (const seed of [3, 4]) {
    const { result } = await decrypt(plan, await again(), answer, runner, coins(seed))
    expect(Math.abs(result![0]! - 0.4375)).toBeLessThanOrEqual(plan.errors['result']!)
  }
  await expect(decrypt(plan, await again(), answer, runner, coins(5))).rejects.toThrow(misuse)

  const other = planOf(job, { precision: 1e-3, releases: 3 })
  await expect(openStoredKeys(own, storage, other, runner)).rejects.toThrow(misuse)
  const wrong = expect.objectContaining({ code: 'identity/wrong-key' })
  await expect(openStoredKeys(own, new Uint8Array(32), plan, runner)).rejects.toThrow(wrong)
  sealed[sealed.length - 20]! ^= 1
  await writeFile(join(own, 'keys.sealed'), sealed)
  await expect(again()).rejects.toThrow(wrong)
  await discardKeys(own)
  await expect(again()).rejects.toThrow(expect.objectContaining({ code: 'identity/not-found' }))
})

test('of several processes one encrypts, and together they release no more than was planned', async () => {
  const script = fileURLToPath(new URL('./keys-process.ts', import.meta.url))
  const process_ = () => promisify(execFile)(process.execPath, [script, folder, '5'])
  const found = (await Promise.all([process_(), process_()])).map(({ stdout }) => JSON.parse(stdout) as object)
  const own = { tables: 0, releases: 0 }
  const ledger = keyLedger(folder)
  if (await ledger.encrypt()) own.tables++
  while (await ledger.release(5)) own.releases++
  const sum = (name: 'tables' | 'releases'): number =>
    (found as (typeof own)[]).reduce((all, each) => all + each[name], own[name])
  expect([sum('tables'), sum('releases')]).toEqual([1, 5])
  // Who comes after a restart is counted with them.
  expect([own.tables, own.releases]).toEqual([0, 0])
})
