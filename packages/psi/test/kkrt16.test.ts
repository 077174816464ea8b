import { describe, expect, it } from 'vitest'
import { cuckooSimple } from '@tallystick/kernels'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { runKernel, simulate, type Effect, type Routine } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import { binsOf, kkrt16, maskBytes } from '../src/kkrt16/index.ts'
import { binOf, codesOf } from '../src/kkrt16/matrix.ts'
import { ids, itemsOf, seededRng } from './samples.ts'

const engine = await nodeEngine()

const inputsOf = (receiver: number, sender: number, common: number, first: number) => ({
  receiver: itemsOf(ids(first, receiver)),
  sender: itemsOf(ids(first + receiver - common, sender).reverse()),
})
const parametersOf = (receiver: number, sender: number, to: 'receiver' | 'both', chunkRows: number) =>
  ({ sizes: { receiver, sender }, output: 'intersection', to, chunkRows }) as const

conformance(
  kkrt16,
  [
    {
      name: 'to both, 4 v 5',
      parameters: parametersOf(4, 5, 'both', 300),
      inputs: inputsOf(4, 5, 2, 0),
      alternative: inputsOf(4, 5, 4, 99_990),
    },
    {
      name: 'to receiver, 0 v 3',
      parameters: parametersOf(0, 3, 'receiver', 300),
      inputs: inputsOf(0, 3, 0, 0),
      alternative: inputsOf(0, 3, 0, 99_990),
    },
  ],
  { engine, schedules: 5, sample: 40 },
)

/** Runs a routine that only computes. */
const computed = <T>(routine: Routine<T>): T => {
  let step = routine.next()
  while (!step.done) {
    const effect = step.value as Effect & { kind: 'compute' }
    step = routine.next(runKernel(engine, effect.kernel, effect.input))
  }
  return step.value
}

describe('psi/kkrt16', () => {
  it('finds what is common, over several frames, to one or both', () => {
    for (const [receiver, sender, common, to] of [
      [3000, 2000, 700, 'both'],
      [1, 1, 1, 'both'],
      [1, 4000, 1, 'receiver'],
      [5000, 3, 0, 'both'],
      [40, 50, 40, 'receiver'],
    ] as const) {
      const parameters = parametersOf(receiver, sender, to, 500)
      const inputs = inputsOf(receiver, sender, common, 7)
      const result = simulate(kkrt16, { parameters, inputs, rng: seededRng(`${receiver}`), engine })
      expect(result.errors).toEqual({})
      expect(result.outputs).toEqual(kkrt16.ideal(parameters, inputs))
      expect(result).toMatchObject(kkrt16.cost(parameters))
    }
  })

  it('tells a sender that learns too a bit a row, and not under which function the receiver placed it', () => {
    const [sender, common] = [800, 300]
    const parameters = parametersOf(1000, sender, 'both', 500)
    const replies: Uint8Array[] = []
    const mutate = ({ step, body }: { readonly step: string; readonly body: Uint8Array }) => {
      if (step.endsWith('/common')) replies.push(body.slice())
      return [body]
    }
    const inputs = inputsOf(1000, sender, common, 7)
    simulate(kkrt16, { parameters, inputs, rng: seededRng('reply'), engine, fault: { mutate } })
    const bits = replies.flatMap((reply) => [...reply])
    // A bit a mask, as it was once, takes three times as much and shows the cuckoo table.
    expect(bits.length).toBe(sender / 8)
    expect(bits.reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0)).toBe(common)
  })

  it('gives a row the bins that the cuckoo kernels give it', () => {
    const digests = seededRng('places')('x').bytes(16 * 500)
    for (const bins of [1, 2, 1000, 12_345_678, 2 ** 31 - 1]) {
      const words = new Uint32Array(digests.slice().buffer)
      if (bins <= 1000) {
        const { offsets, entries } = cuckooSimple.run({ digests, bins })
        for (let bin = 0; bin < bins; bin++) {
          for (const entry of entries.subarray(offsets[bin], offsets[bin + 1])) {
            expect(binOf(words, entry >>> 2, entry & 3, bins)).toBe(bin)
          }
        }
      }
      for (let row = 0; row < 500; row++) {
        const exact = Number((BigInt(words[4 * row + 1]!) * BigInt(bins)) >> 32n)
        expect(binOf(words, row, 1, bins)).toBe(exact)
      }
    }
  })

  it('has bins enough: the union bound for small sets of rows is below 2^-40, and 1.27 n rules from 4500 rows on', () => {
    const logs = [0]
    for (let i = 1; i < 10_000; i++) logs.push(logs[i - 1]! + Math.log2(i))
    const choose = (n: number, k: number): number => logs[n]! - logs[k]! - logs[n - k]!
    for (const receiver of [2, 3, 4, 7, 20, 100, 500, 1000, 2000, 4000]) {
      const bins = binsOf(parametersOf(receiver, 1, 'both', 1))
      let sum = 0
      for (let k = 2; k <= receiver; k++) {
        sum += 2 ** (choose(receiver, k) + choose(bins, k - 1) + 3 * k * Math.log2((k - 1) / bins))
      }
      expect(Math.log2(sum), `${receiver} rows`).toBeLessThan(-40)
    }
    expect(binsOf(parametersOf(2 ** 20, 1, 'both', 1))).toBe(Math.ceil(1.27 * 2 ** 20))
  })

  it('has code words far apart, by row and by hash function', () => {
    const second = seededRng('words')('x').bytes(16 * 200)
    const words = computed(
      codesOf(
        { compute: computeEffect },
        second,
        Uint32Array.from({ length: 600 }, (_, i) => 4 * Math.floor(i / 3) + (i % 3)),
      ),
    )
    let least = 512
    for (let a = 0; a < 600; a++) {
      for (let b = 0; b < a; b++) {
        let distance = 0
        for (let k = 0; k < 64; k++) {
          let bits = words[64 * a + k]! ^ words[64 * b + k]!
          for (; bits > 0; bits &= bits - 1) distance++
        }
        least = Math.min(least, distance)
      }
    }
    // 180,000 pairs: below 196 (5.3 standard deviations) with probability about 1 %; the words are fixed.
    expect(least).toBeGreaterThan(196)
    expect(least).toBeLessThan(230)
  })

  it('has masks wide enough', () => {
    expect(maskBytes(parametersOf(2 ** 20, 2 ** 20, 'both', 1))).toBe(10)
    expect(maskBytes(parametersOf(1, 1, 'both', 1))).toBe(5)
  })

  it('refuses what it cannot run', () => {
    const refuses = (value: unknown, code: string): void =>
      expect(() => kkrt16.parameters(value)).toThrow(expect.objectContaining({ code }))
    const good = parametersOf(1, 1, 'both', 1)
    expect(kkrt16.parameters({ ...good, chunkRows: undefined })).toMatchObject({ chunkRows: 65_536 })
    refuses({ ...good, output: 'cardinality' }, 'terms/unsupported')
    refuses({ ...good, to: 'sender' }, 'terms/malformed')
    refuses({ ...good, sizes: { receiver: 1, sender: 2 ** 24 + 1 } }, 'terms/malformed')
    refuses({ ...good, more: 1 }, 'terms/malformed')
    refuses(null, 'terms/malformed')
  })
})

function* computeEffect<I, O>(kernel: { readonly name: string; readonly run: (input: I) => O }, input: I): Routine<O> {
  return (yield { kind: 'compute', step: kernel.name, kernel, input }) as O
}
