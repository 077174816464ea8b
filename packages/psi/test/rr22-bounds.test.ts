/** Figures of `psi/rr22`: false positives come as often as the width of the masks says; sizes; what is refused. */
import { fromHex, TallyError } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { simulate } from '@tallystick/protocol'
import { describe, expect, it } from 'vitest'
import { maskBytes, rr22, rr22Malicious, rr22Over, type Parameters } from '../src/rr22/index.ts'
import { dealer } from './dealer.ts'
import { ids, itemsOf, seededRng } from './samples.ts'

const engine = await wasmEngine()
const parametersOf = (receiver: number, sender: number, to: Parameters['to'] = 'receiver') =>
  ({ sizes: { receiver, sender }, output: 'intersection', to, chunkRows: 1000 }) as const

describe('false positives', () => {
  /** Rows that the receiver takes for common, of `n` on each side and none in common, over all runs. */
  const falsePositives = (statistical: number, n: number, runs: number): number => {
    const protocol = rr22Over({ security: 'semi-honest', vole: dealer, statistical })
    let found = 0
    for (let i = 0; i < runs; i++) {
      const inputs = { receiver: itemsOf(ids(0, n)), sender: itemsOf(ids(n, n)) }
      const { outputs } = simulate(protocol, {
        parameters: parametersOf(n, n),
        inputs,
        rng: seededRng(`false ${i}`),
        engine,
      })
      const outcome = outputs.receiver
      if (outcome?.kind === 'intersection') found += outcome.rows.length
    }
    return found
  }
  it('come n m 2^-bits times: 256 v 256 rows with masks of 16 bits, once a run', () => {
    const runs = 150
    expect(maskBytes(parametersOf(256, 256), { security: 'semi-honest', statistical: 0 })).toBe(2)
    const found = falsePositives(0, 256, runs)
    expect(Math.abs(found - runs)).toBeLessThan(5 * Math.sqrt(runs))
  })
  it('come 2^-8 times as often with 8 bits more', () => {
    expect(maskBytes(parametersOf(256, 256), { security: 'semi-honest', statistical: 8 })).toBe(3)
    expect(falsePositives(8, 256, 150)).toBeLessThan(150 / 2 ** 8 + 5)
  })
  it.each([
    [1, 1, 5],
    [2 ** 16, 2 ** 16, 9],
    [2 ** 20, 2 ** 20, 10],
    [10_000_000, 10_000_000, 11],
    [2 ** 25, 2 ** 25, 12],
    [1, 2 ** 25, 9],
  ])('of %d v %d rows stay below 2^-40 with masks of %d bytes', (receiver, sender, bytes) => {
    const parameters = parametersOf(receiver, sender)
    expect(maskBytes(parameters, { security: 'semi-honest' })).toBe(bytes)
    expect(Math.log2(receiver) + Math.log2(sender) - 8 * bytes).toBeLessThanOrEqual(-40)
    expect(maskBytes(parameters, { security: 'malicious' })).toBe(16)
  })
})

describe('bytes', () => {
  it.each([2 ** 16, 2 ** 20, 2 ** 22])('against malicious parties are at most 20 %% more: %d rows', (n) => {
    const parameters = parametersOf(n, n)
    const [semi, malicious] = [rr22, rr22Malicious].map((protocol) => protocol.cost(parameters).bytes)
    expect(malicious! / semi!).toBeLessThan(1.2)
  })
  it('of 2^20 rows a side are below 36 MB', () => {
    expect(rr22.cost(parametersOf(2 ** 20, 2 ** 20)).bytes).toBeLessThan(36e6)
  })
})

describe('parameters', () => {
  const good = { sizes: { receiver: 1, sender: 2 }, output: 'intersection', to: 'receiver' }
  it('have chunks of 65,536 unless told', () => {
    expect(rr22.parameters(good)).toEqual({ ...good, chunkRows: 65_536 })
    expect(rr22.parameters({ ...good, to: 'both' }).to).toBe('both')
  })
  it('for what the construction does not give are refused with what does', () => {
    const refusal = (run: () => unknown): TallyError => {
      try {
        run()
      } catch (error) {
        if (error instanceof TallyError) return error
      }
      throw new Error('expected a TallyError')
    }
    const cardinality = refusal(() => rr22.parameters({ ...good, output: 'cardinality' }))
    expect([cardinality.code, cardinality.remedy]).toEqual(['terms/unsupported', expect.stringContaining('psi/ecdh')])
    const both = refusal(() => rr22Malicious.parameters({ ...good, to: 'both' }))
    expect([both.code, both.remedy]).toEqual(['terms/unsupported', expect.stringContaining('twice')])
  })
  it.each([
    null,
    {},
    { ...good, sizes: { receiver: 1 } },
    { ...good, sizes: { receiver: -1, sender: 2 } },
    { ...good, sizes: { receiver: 2 ** 25 + 1, sender: 2 } },
    { ...good, output: 'union' },
    { ...good, to: 'sender' },
    { ...good, chunkRows: 0 },
    { ...good, more: true },
  ])('%j are refused', (parameters) => {
    expect(() => rr22.parameters(parameters)).toThrow(expect.objectContaining({ code: 'terms/malformed' }))
  })
})

describe('a peer that deviates is named', () => {
  /** Runs with the first frame of a message replaced. */
  const run = (security: 'semi-honest' | 'malicious', to: Parameters['to'], name: string, put: Uint8Array) =>
    simulate(rr22Over({ security, vole: dealer }), {
      parameters: parametersOf(4, 5, to),
      inputs: { receiver: itemsOf(ids(0, 4)), sender: itemsOf(ids(2, 5)) },
      rng: seededRng('deviation'),
      engine,
      fault: { mutate: ({ step, body }) => [step.endsWith(`/${name}`) ? put : body] },
    }).errors
  const blames = (peer: string) => expect.objectContaining({ code: 'peer/misbehaved', blame: { peer } })
  it('for a coin that is not the one it committed to', () => {
    const errors = run('malicious', 'receiver', 'senderCoin', fromHex(`0x${'07'.repeat(16)}`, 16))
    expect(errors['receiver']).toEqual(blames('sender'))
  })
  it('for a bit that stands for no row', () => {
    expect(run('semi-honest', 'both', 'common', Uint8Array.of(0x20))['sender']).toEqual(blames('receiver'))
  })
  it('for a mask too few', () => {
    expect(run('semi-honest', 'receiver', 'masks', new Uint8Array(24))['receiver']).toEqual(blames('sender'))
  })
})

describe('own rows', () => {
  const inputs = { receiver: itemsOf(['a', 'b', 'a']), sender: itemsOf(['a', 'b', 'c']) }
  it('twice are refused before anything is sent', () => {
    const { errors, trace } = simulate(rr22, { parameters: parametersOf(3, 3), inputs, rng: seededRng('own'), engine })
    expect(errors['receiver']).toEqual(expect.objectContaining({ code: 'input/duplicate', blame: 'self' }))
    expect(trace.filter(({ from }) => from === 'receiver')).toEqual([])
  })
  it('of another number than the terms say are refused', () => {
    const { errors } = simulate(rr22, { parameters: parametersOf(2, 3), inputs, rng: seededRng('own'), engine })
    expect(errors['receiver']).toEqual(expect.objectContaining({ code: 'input/changed' }))
  })
})

it('finds the same rows over the silent vector OLE at a thousand rows and more, in both modes and directions', () => {
  for (const [protocol, to] of [
    [rr22, 'both'],
    [rr22Malicious, 'receiver'],
  ] as const) {
    const inputs = { receiver: itemsOf(ids(0, 1500)), sender: itemsOf(ids(1000, 3000).toReversed()) }
    const { outputs } = simulate(protocol, {
      parameters: parametersOf(1500, 3000, to),
      inputs,
      rng: seededRng('large'),
      engine,
    })
    const ideal = protocol.ideal(parametersOf(1500, 3000, to), inputs)
    expect(outputs).toEqual(ideal)
  }
})
