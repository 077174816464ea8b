/** Pools in Node: the same results as the reference, whatever the split; nothing of the caller's is harmed. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Kernel } from '@tallystick/protocol'
import { afterAll, describe, expect, it } from 'vitest'
import { wasmEngine } from '../src/engine.ts'
import { curve25519Hash, curve25519Scale, kernels, pirScan, tableIntersect } from '../src/index.ts'
import { inlinePool, nodePool } from '../src/pool/node.ts'
import { sharedResident } from '../src/pir/module.ts'
import { cases, dst, names } from './cases.ts'
import { bytes, encode, messages, P, points } from './samples.ts'

// With `inlineBelow: 0` every call goes to a worker, the smallest too.
const pools = [
  { title: 'inline', pool: inlinePool() },
  { title: 'one worker', pool: nodePool({ workers: 1, inlineBelow: 0 }) },
  { title: 'three workers', pool: nodePool({ workers: 3 }) },
]
afterAll(async () => {
  for (const { pool } of pools) await pool[Symbol.asyncDispose]()
})
const scalar = bytes(1, 32)

const known = new Map<string, { readonly inputs: unknown[]; readonly outputs: unknown[] }>()
/** Of the table of cases, all of which the engines take in their own tests: enough to see what a pool adds. */
const someOf = (name: (typeof names)[number]) => {
  const inputs = cases[name]().filter((_, i, all) => i % 3 === 0 || i === all.length - 1)
  const some = known.get(name) ?? { inputs, outputs: inputs.map((input) => kernels[name].run(input as never)) }
  known.set(name, some)
  return some
}

for (const { title, pool } of pools) {
  describe(`pool: ${title}`, () => {
    it('equals the references on a third of the table of cases', async () => {
      for (const kernel of names) {
        const { inputs, outputs } = someOf(kernel)
        const runs = inputs.map((input) => pool.run(kernels[kernel] as Kernel<unknown, unknown>, input))
        expect(await Promise.all(runs), kernel).toEqual(outputs)
      }
    })

    it('scans a shared matrix in all its threads', async () => {
      const columns = 1024
      const matrix = sharedResident(5001 * columns)
      for (let i = 0; i < matrix.length; i++) matrix[i] = i * 2654435761
      const queries = Uint32Array.from({ length: 3 * columns }, (_, i) => Math.imul(i + 1, 2246822519))
      const engine = await wasmEngine()
      const whole = engine['pir/scan']!({ matrix: matrix.slice(), columns, queries } as never)
      for (let i = 0; i < 3; i++) expect(await pool.run(pirScan, { matrix, columns, queries })).toEqual(whole)
    })

    it('joins pieces in order, with the first bad row of all', async () => {
      const input = { scalar, points: points(3, 9001) }
      for (const row of [4500, 7000, 9000]) input.points.set(encode(P), 32 * row)
      const engine = await wasmEngine()
      expect(await pool.run(curve25519Scale, input)).toEqual(engine['curve25519/scale']!(input as never))
      const texts = { dst, ...messages(Array.from({ length: 5000 }, (_, i) => bytes(i + 1, i % 40))) }
      expect(await pool.run(curve25519Hash, texts)).toEqual(engine['curve25519/hash']!(texts as never))
    })

    it('leaves the buffers of the caller alone, and takes shared memory', async () => {
      const shared = new Uint8Array(new SharedArrayBuffer(32 * 500))
      shared.set(points(4, 500))
      const input = { scalar, points: points(4, 500) }
      const out = await pool.run(curve25519Scale, input)
      expect(input.points).toEqual(points(4, 500))
      expect(input.scalar).toHaveLength(32)
      expect(await pool.run(curve25519Scale, { scalar, points: shared })).toEqual(out)
      const left = bytes(5, 32 * 20_000)
      const found = await pool.run(tableIntersect, { left, right: left, width: 32 })
      expect(found.every((at, row) => at === row)).toBe(true)
      expect(left).toHaveLength(32 * 20_000)
    })

    it('runs the reference of a kernel that no engine has', async () => {
      const sum: Kernel<Uint8Array, number> = { name: 'test/sum', run: (input) => input.reduce((a, b) => a + b, 0) }
      expect(await pool.run(sum, Uint8Array.of(1, 2, 3))).toBe(6)
    })

    it('says misuse with its code, from a worker too', async () => {
      const misuse = { name: 'TallyError', code: 'api/misuse', blame: 'self' }
      await expect(pool.run(curve25519Scale, { scalar: dst, points: points(1, 2000) })).rejects.toMatchObject(misuse)
      await expect(pool.run(curve25519Scale, { scalar: dst, points: points(1, 2) })).rejects.toMatchObject(misuse)
    })

    it('stops when told, and goes on with the next call', async () => {
      // At least 4 s of work on two idle cores, and pieces of 0.1 s.
      const big = { scalar, points: points(6, 400_000) }
      await expect(pool.run(curve25519Scale, big, AbortSignal.abort(new Error('never')))).rejects.toThrow('never')
      const controller = new AbortController()
      setTimeout(() => controller.abort(new Error('enough')), 40)
      const started = performance.now()
      await expect(pool.run(curve25519Scale, big, controller.signal)).rejects.toThrow('enough')
      expect(performance.now() - started).toBeLessThan(2500)
      const input = { scalar, points: points(7, 200) }
      expect((await pool.run(curve25519Scale, input)).points).toHaveLength(6400)
    })
  })
}

it('shares its workers between calls in the order of their pieces', async () => {
  const { pool } = pools[2]!
  const inputs = Array.from({ length: 12 }, (_, i) => ({ scalar, points: points(i + 20, 300) }))
  const outs = await Promise.all(inputs.map((input) => pool.run(curve25519Scale, input)))
  const engine = await wasmEngine()
  outs.forEach((out, i) => expect(out).toEqual(engine['curve25519/scale']!(inputs[i] as never)))
})

it('goes on with what waits for a worker that an abort stops, whenever that is', async () => {
  await using pool = nodePool({ workers: 1 })
  for (const delay of [0, 5]) {
    const controller = new AbortController()
    const stopped = pool.run(curve25519Scale, { scalar, points: points(9, 4000) }, controller.signal)
    const after = pool.run(curve25519Scale, { scalar, points: points(10, 200) })
    setTimeout(() => controller.abort(new Error('enough')), delay)
    await expect(stopped).rejects.toThrow('enough')
    expect((await after).points).toHaveLength(6400)
  }
})

it('tries once more what a killed worker had, and says so after a second one', async () => {
  const broken: unknown[] = []
  await using pool = nodePool({ workers: 1, onBroken: (cause) => broken.push(cause) })
  const input = { scalar, points: points(11, 3000) }
  await pool.run(curve25519Scale, { scalar, points: points(11, 200) })
  const outcome = pool.run(curve25519Scale, input)
  await new Promise((resolve) => setTimeout(resolve, 20))
  await Promise.all(pool.threads().map((thread) => thread.terminate()))
  expect((await outcome).points).toHaveLength(96_000)
  expect(broken).toHaveLength(1)
})

it('refuses a call beyond its queue', async () => {
  await using pool = nodePool({ workers: 1, queue: 1 })
  const calls = [1, 2, 3].map(() => pool.run(curve25519Scale, { scalar, points: points(12, 200) }))
  const outcomes = await Promise.allSettled(calls)
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  expect(outcomes[2]).toMatchObject({ reason: { code: 'api/misuse' } })
})

it('refuses work once disposed, and ends what is running', async () => {
  const pool = nodePool({ workers: 1 })
  const running = pool.run(curve25519Scale, { scalar, points: points(8, 20_000) })
  const outcome = running.catch((error: unknown) => error)
  await new Promise((resolve) => setTimeout(resolve, 150))
  await pool[Symbol.asyncDispose]()
  expect(await outcome).toMatchObject({ code: 'api/misuse' })
  await expect(pool.run(curve25519Scale, { scalar, points: points(8, 1) })).rejects.toMatchObject({
    code: 'api/misuse',
  })
})

it('does not keep the process alive, also when nobody disposes of it', () => {
  const script = `
    import { nodePool } from '@tallystick/kernels/pool'
    import { curve25519Scale } from '@tallystick/kernels'
    const points = new Uint8Array(32 * 100).fill(9).map((x, i) => i % 32 ? 0 : x)
    const { bad } = await nodePool({ workers: 1 }).run(curve25519Scale, { scalar: new Uint8Array(32).fill(8), points })
    process.stdout.write(String(bad))`
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd,
    encoding: 'utf8',
    timeout: 10_000,
  })
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '-1', stderr: '' })
})
