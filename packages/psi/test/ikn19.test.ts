/** `psi/ikn19`: sums over the intersection against plain ones, and what is no value, no ciphertext, no sum. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { concatBytes, utf8ToBytes, type TallyError } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { runKernel, simulate, type FrameTrace, type Kernel, type Routine } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import { ikn19, sumInput, type SumParameters, type Valued } from '@tallystick/psi'
import { decrypt, encrypt, multiples, sumFresh } from '../src/ikn19/elgamal.ts'
import { ids, itemsOf, seededRng } from './samples.ts'

const engine = await nodeEngine()
const valued = (rows: readonly string[], values: readonly number[]): Valued => ({
  ...itemsOf(rows),
  values: Float64Array.from(values),
})
const parametersOf = (receiver: number, sender: number, limbs: number, chunkRows = 2): SumParameters => ({
  ...{ sizes: { receiver, sender }, limbs, minimum: 0, output: 'sum', to: 'both', chunkRows },
})

const shapes = [
  [1, 1, 1, 1, 1],
  [3, 2, 1, 2, 0],
  [2, 3, 1, 1, 2],
] as const
conformance(
  ikn19,
  shapes.map(([receiver, sender, common, limbs, minimum]) => ({
    name: `${receiver} v ${sender}, ${common} common of at least ${minimum}, ${limbs} limbs`,
    parameters: { ...parametersOf(receiver, sender, limbs), minimum },
    inputs: {
      receiver: valued(ids(0, receiver), [4095, 0, 7].slice(0, receiver)),
      sender: itemsOf(ids(receiver - common, sender)),
    },
    alternative: {
      receiver: valued(ids(50, receiver), [1, 2, 3].slice(0, receiver)),
      sender: itemsOf(ids(50 + receiver - common, sender)),
    },
  })),
  { engine, schedules: 20 },
)

const run = (
  parameters: SumParameters,
  receiver: Valued,
  sender: readonly string[],
  mutate?: (frame: FrameTrace & { readonly body: Uint8Array }) => readonly Uint8Array[],
) =>
  simulate(ikn19, {
    ...{ parameters, inputs: { receiver, sender: itemsOf(sender) }, rng: seededRng('ikn19'), engine },
    // Without the close, which would find every changed frame.
    ...(mutate === undefined ? {} : { fault: { mutate, close: false } }),
  })

it('adds up values of any size that the limbs hold', () => {
  const rows = fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(rows, rows, fc.integer({ min: 1, max: 3 }), fc.infiniteStream(fc.nat()), (x, y, limbs, numbers) => {
      const names = (list: readonly number[]) => list.map((i) => `id-${i}`)
      const values = x.map(() => numbers.next().value! % 4096 ** limbs)
      const found = run(parametersOf(x.length, y.length, limbs, 5), valued(names(x), values), names(y))
      const common = x.flatMap((id, i) => (y.includes(id) ? [values[i]!] : []))
      const sum = common.reduce((a, b) => a + b, 0)
      expect(found.outputs.receiver).toEqual({ kind: 'sum', size: common.length, sum })
      expect(found.outputs.sender).toEqual({ kind: 'cardinality', size: common.length })
    }),
    { numRuns: 12 },
  )
})

it('withholds the sum and the size where too few rows are common, in the same bytes', () => {
  const of = (minimum: number) =>
    run({ ...parametersOf(5, 5, 2), minimum }, valued(ids(0, 5), [1, 2, 3, 4, 5]), ids(3, 5))
  const [given, withheld] = [of(2), of(3)]
  expect(given.outputs.receiver).toEqual({ kind: 'sum', size: 2, sum: 9 })
  expect(withheld.outputs.receiver).toEqual({ kind: 'withheld' })
  expect(withheld.outputs.sender).toEqual({ kind: 'cardinality', size: 2 })
  const frames = ({ trace }: typeof given) => trace.map(({ step, ordinal, bytes }) => `${step}#${ordinal}=${bytes}`)
  expect(frames(withheld)).toEqual(frames(given))
})

it('refuses values that the limbs do not hold', () => {
  for (const value of [4096, -1, 0.5, Number.NaN]) {
    const { errors } = run(parametersOf(1, 1, 1), valued(['a'], [value]), ['a'])
    expect((errors.receiver as TallyError).code).toBe('input/invalid-value')
  }
  expect(() => ikn19.parameters(parametersOf(1_000_000, 1, 3))).toThrow(
    expect.objectContaining({ code: 'terms/malformed' }),
  )
  expect(() => ikn19.parameters({ ...parametersOf(1, 1, 1), to: 'receiver' })).toThrow('expected to to be both')
})

it('refuses a sum or size that the common rows cannot have', () => {
  const tampered = (step: string, change: (body: Uint8Array) => Uint8Array) =>
    run(parametersOf(3, 3, 1), valued(ids(0, 3), [1, 2, 3]), ids(1, 3), (frame) => [
      frame.step.endsWith(step) ? change(frame.body) : frame.body,
    ]).errors
  const many = tampered('/size', () => Uint8Array.of(0, 0, 0, 4))
  expect(many.receiver).toMatchObject({ code: 'peer/misbehaved', blame: { peer: 'sender' } })
  // The two halves exchanged: another number, beyond what two rows of 12 bits can add up to.
  const other = tampered('/total', (body) => concatBytes(body.subarray(32), body.subarray(0, 32)))
  expect(other.receiver).toMatchObject({ code: 'peer/misbehaved', message: expect.stringContaining('larger than') })
})

it('refuses what is no ciphertext, with the blame on its maker', () => {
  /** Kernels at once, in this thread. */
  const computed = <T>(routine: Routine<T>): T => {
    for (let step = routine.next(); ;) {
      if (step.done === true) return step.value
      if (step.value.kind !== 'compute') throw new Error('expected kernels only')
      step = routine.next(runKernel(engine, step.value.kernel, step.value.input))
    }
  }
  function* compute<I, O>(kernel: Kernel<I, O>, input: I): Routine<O> {
    return yield { kind: 'compute', step: kernel.name, kernel, input }
  }
  const coin = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 9 : 0))
  const publicKey = computed(multiples({ compute }, coin))
  const good = computed(encrypt({ compute }, 9n, [5, 6], concatBytes(coin, coin)))
  const total = computed(sumFresh({ compute }, 'receiver', publicKey, good, coin))
  expect(computed(decrypt({ compute }, 'sender', 9n, total, 100))).toBe(11)
  const misbehaved = expect.objectContaining({ code: 'peer/misbehaved', blame: { peer: 'receiver' } })
  for (const broken of [good.slice().fill(255, 32, 64), good.slice().fill(0, 64, 96)]) {
    expect(() => computed(sumFresh({ compute }, 'receiver', publicKey, broken, coin))).toThrow(misbehaved)
  }
  expect(() => computed(sumFresh({ compute }, 'receiver', new Uint8Array(32), good, coin))).toThrow(misbehaved)
})

it('takes values from committed rows', () => {
  const row = (value: number, id: string): Uint8Array => {
    const head = new Uint8Array(8)
    new DataView(head.buffer).setBigUint64(0, BigInt(value))
    return concatBytes(head, utf8ToBytes(id))
  }
  const rows = [row(7, 'ab'), row(2 ** 40, ''), row(0, 'c')]
  const offsets = Uint32Array.from([0, 10, 18, 27])
  expect(sumInput({ bytes: concatBytes(...rows), offsets }, 'receiver')).toEqual(
    valued(['ab', '', 'c'], [7, 2 ** 40, 0]),
  )
})
