/** The pool: what the reference gives, whatever happens to a worker; memory that does not grow. */
import { createRng } from '@tallystick/core'
import {
  rlweEncode,
  rlweEncrypt,
  rlweEvaluate,
  rlweExpand,
  rlweSwitchKeys,
  type Instruction,
  type RlweEvaluateInput,
} from '@tallystick/kernels'
import { wasmEngine } from '@tallystick/kernels/engine'
import type { Kernel } from '@tallystick/protocol'
import { runKernel } from '@tallystick/protocol'
import { afterAll, expect, test } from 'vitest'
import { drawKeys, freshCiphertext, joined, noKeys } from '../src/keys.ts'
import { ringFor } from '../src/parameters.ts'
import { sealPool } from '../src/pool/node.ts'

const portable = await wasmEngine()
const run = <I, O>(kernel: Kernel<I, O>, input: I): O => runKernel(portable, kernel, input)
const ring = ringFor(17, 60, 4096)!
const { degree, moduli, data, plainModulus } = ring
const rng = createRng(new Uint8Array(32).fill(3))
const owner = drawKeys(rng, degree)

const encrypted = (value: bigint) => {
  const plain = run(rlweEncode, { degree, plainModulus, values: new BigInt64Array(degree).fill(value) })
  const first = run(rlweEncrypt, { degree, moduli: data, plainModulus, first: 1, rows: 1, plain, ...owner })
  const second = run(rlweExpand, { degree, moduli: data, publicSeed: owner.publicSeed, first: 1, rows: 1 })
  return freshCiphertext(ring, joined(first, second))
}

const keys = (() => {
  const drawn = { ...drawKeys(rng, degree), secret: owner.secret }
  const targets = Uint32Array.of(0)
  const first = run(rlweSwitchKeys, { degree, moduli, plainModulus, targets, ...drawn })
  const second = run(rlweExpand, { degree, moduli, publicSeed: drawn.publicSeed, first: 0, rows: data.length })
  return { id: 'keys of the test', targets, first, second }
})()

const square: readonly Instruction[] = [
  ['multiply', 0, 0, 0],
  ['relinearise', 0, 0],
]
const input: RlweEvaluateInput = {
  ...{ degree, moduli, plainModulus, program: square, outputs: [0], plains: [], keys },
  inputs: [encrypted(7n)],
}
const expected = run(rlweEvaluate, input)
/** As long as it takes: more than a second of work. */
const long: RlweEvaluateInput = { ...input, program: Array.from({ length: 8000 }, () => ['negate', 0, 0] as const) }

const pool = sealPool({ workers: 1 })
afterAll(() => pool[Symbol.asyncDispose]())

test('gives what the reference gives, leaves the buffers of the caller alone, and takes shared memory', async () => {
  expect(await pool.run(rlweEvaluate, input)).toEqual(expected)
  expect(input.inputs[0]!.residues).toHaveLength(2 * data.length * degree)
  const residues = new BigUint64Array(new SharedArrayBuffer(input.inputs[0]!.residues.byteLength))
  residues.set(input.inputs[0]!.residues)
  expect(await pool.run(rlweEvaluate, { ...input, inputs: [{ ...input.inputs[0]!, residues }] })).toEqual(expected)
})

test('runs all other kernels too, by the engine of the kernels', async () => {
  const values = new BigInt64Array(degree).fill(5n)
  expect(await pool.run(rlweEncode, { degree, plainModulus, values })).toEqual(
    run(rlweEncode, { degree, plainModulus, values }),
  )
})

test('says misuse with its code, from SEAL too, and works on', async () => {
  const misuse = { name: 'TallyError', code: 'api/misuse', blame: 'self' }
  const low = { ...input.inputs[0]!, level: 1, residues: new BigUint64Array(2 * degree) }
  const unequal = { ...input, program: [['add', 0, 0, 1]] as const, inputs: [input.inputs[0]!, low] }
  await expect(pool.run(rlweEvaluate, unequal)).rejects.toMatchObject(misuse)
  await expect(pool.run(rlweEvaluate, { ...input, keys: noKeys })).rejects.toMatchObject(misuse)
  await expect(pool.run(rlweEvaluate, { ...input, keys: { ...keys, id: '' } })).rejects.toMatchObject(misuse)
  expect(await pool.run(rlweEvaluate, input)).toEqual(expected)
})

test('stops when told, in mid-call and while waiting, and goes on with the next call', async () => {
  const controller = new AbortController()
  const running = pool.run(rlweEvaluate, long, controller.signal)
  const waiting = pool.run(rlweEvaluate, input, controller.signal)
  const after = pool.run(rlweEvaluate, input)
  setTimeout(() => controller.abort(new Error('enough')), 20)
  await expect(running).rejects.toThrow('enough')
  await expect(waiting).rejects.toThrow('enough')
  expect(await after).toEqual(expected)
})

test('refuses a call beyond its queue', async () => {
  await using narrow = sealPool({ workers: 1, queue: 1 })
  const calls = [1, 2, 3].map(() => narrow.run(rlweEvaluate, input))
  const outcomes = await Promise.allSettled(calls)
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  expect(outcomes[2]).toMatchObject({ reason: { code: 'api/misuse' } })
})

test('replaces a worker that breaks and tries its call once more', async () => {
  const broken: unknown[] = []
  await using fragile = sealPool({ workers: 1, memory: 24, onBroken: (cause) => broken.push(cause) })
  expect(await fragile.run(rlweEvaluate, input)).toEqual(expected)
  // A program so long that its copy does not fit the worker's heap: both workers that get it run out of memory.
  const program = Array.from({ length: 1_000_000 }, () => ['negate', 0, 0] as const)
  await expect(fragile.run(rlweEvaluate, { ...input, program })).rejects.toMatchObject({ code: 'invariant/broken' })
  expect(broken).toHaveLength(2)
  expect(await fragile.run(rlweEvaluate, input)).toEqual(expected)
})

test.each(['starting', 'at work'])('the second worker does what the first was killed over while %s', async (when) => {
  let killed = 0
  await using hunted = sealPool({ workers: 1, onBroken: () => void killed++ })
  if (when === 'at work') await hunted.run(rlweEvaluate, input)
  const outcome = hunted.run(rlweEvaluate, long)
  await new Promise((resolve) => setTimeout(resolve, 20))
  await Promise.all(hunted.threads().map((thread) => thread.terminate()))
  expect(await outcome).toEqual(run(rlweEvaluate, { ...long, program: [] }))
  expect(killed).toBe(1)
})

test('memory stays flat', async () => {
  const once = async (times: number): Promise<number> => {
    for (let i = 0; i < times; i++) await pool.run(rlweEvaluate, input)
    return process.memoryUsage().rss
  }
  const before = await once(500)
  // A ciphertext is 256 kB: one that is left behind a call would be 128 MB.
  expect((await once(500)) - before).toBeLessThan(64e6)
})

test('refuses work once disposed', async () => {
  const gone = sealPool({ workers: 1 })
  await gone[Symbol.asyncDispose]()
  await expect(gone.run(rlweEvaluate, input)).rejects.toMatchObject({ code: 'api/misuse' })
})
