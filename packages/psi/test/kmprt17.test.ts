import { concatBytes, createRng, fixedBytes, fromHex, TallyError, toHex, type Hex } from '@tallystick/core'
import { blake3Masks, gf128Scale, okvsEncode, type EncodeInput } from '@tallystick/kernels'
import { wasmEngine } from '@tallystick/kernels/engine'
import { message, runKernel, simulate, type Context, type Kernel, type Routine } from '@tallystick/protocol'
import { checks, conformance, subjectOf } from '@tallystick/protocol/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { kmprt17, kmprt17Over, rolesOf, type Kmprt17, type Vole } from '../src/kmprt17/index.ts'
import { ids, itemsOf, seededRng } from './samples.ts'

const table = { dealt: message('each', 'each', fixedBytes(48)) } as const
const add = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ b[i]!)
const expand = (seed: Uint8Array, n: number) => {
  const rng = createRng(seed)
  return { a: rng.bytes(16 * n), b: rng.bytes(16 * n) }
}

/** A vector OLE for tests of what is built on it: the sender tells the receiver everything. */
const dealer: Vole = {
  messages: table,
  *send(ctx, peer, { n }, delta): Routine<Uint8Array> {
    const own = ctx as unknown as Context<typeof table, any>
    const seed = own.rng.bytes(32)
    yield* own.send('dealt', concatBytes(seed, delta), peer)
    return expand(seed, n).b
  },
  *receive(ctx, peer, { n }) {
    const own = ctx as unknown as Context<typeof table, any>
    const dealt = yield* own.receive('dealt', peer)
    const { a, b } = expand(dealt.subarray(0, 32), n)
    return { a, c: add(b, yield* own.compute(gf128Scale, { factor: dealt.subarray(32), elements: a })) }
  },
  cost: () => ({ rounds: 1, bytes: 48, coins: { sender: 32, receiver: 0 } }),
}

const engine = await wasmEngine()
const byRole = <T>(parties: number, of: (i: number) => T): Record<string, T> =>
  Object.fromEntries(rolesOf(parties).map((role, i) => [role, of(i)]))
const parametersOf = (sizes: readonly number[], chunkRows = 1000) =>
  ({ sizes: byRole(sizes.length, (i) => sizes[i]!), output: 'intersection', to: 'leader', chunkRows }) as const

/** The first `common` rows are everybody's, the second half of the rest that of the party before as well. */
const inputsOf = (sizes: readonly number[], common: number, first: number) =>
  byRole(sizes.length, (i) => {
    const own = sizes[i]! - common
    return itemsOf([...ids(first, common), ...ids(first + common + 2 * i, own)].reverse())
  })

const caseOf = (sizes: readonly number[], common: number, chunkRows?: number) => ({
  name: sizes.join(' v '),
  parameters: parametersOf(sizes, chunkRows),
  inputs: inputsOf(sizes, common, 0),
  alternative: inputsOf(sizes, Math.min(...sizes), 99_990),
})

// A store of few rows has as many elements as one of 128 rows: chunks of 1000 make one frame, of 300 some.
conformance(kmprt17Over(dealer, 3), [caseOf([3, 0, 2], 0), caseOf([4, 3, 5], 2)], { engine, schedules: 50, sample: 60 })

describe('over the silent vector OLE, four parties', () => {
  const subject = subjectOf(kmprt17.get(4)!, caseOf([4, 2, 5, 3], 1, 300), { engine, schedules: 2 })
  it.each(['ideal', 'cost', 'schedules', 'observer', 'openings'] as const)('%s', (name) => {
    expect(checks[name](subject).findings).toEqual([])
  })
})

const run = (protocol: Kmprt17, inputs: Record<string, ReturnType<typeof itemsOf>>, seed: string) =>
  simulate(protocol, {
    parameters: parametersOf(Object.values(inputs).map(({ offsets }) => offsets.length - 1)),
    inputs,
    rng: seededRng(seed),
    engine,
  })

describe('any sets', () => {
  const sets = fc
    .integer({ min: 3, max: 5 })
    .chain((parties) =>
      fc.array(fc.uniqueArray(fc.string({ unit: 'binary-ascii', maxLength: 2 }), { maxLength: 40 }), {
        minLength: parties,
        maxLength: parties,
      }),
    )
    .chain((own) =>
      // Rows of all, without which the intersection would be empty nearly always.
      fc.tuple(fc.constant(own), fc.uniqueArray(fc.string({ minLength: 3, maxLength: 5 }), { maxLength: 8 })),
    )
  it('give the rows of the leader that all hold, and nothing to the members', () => {
    fc.assert(
      fc.property(sets, ([own, common]) => {
        const lists = own.map((list) => [...new Set([...list, ...common])])
        const rest = lists.slice(1).map((list) => new Set(list))
        const expected = lists[0]!.flatMap((row, i) => (rest.every((set) => set.has(row)) ? [i] : []))
        const { outputs } = run(
          kmprt17Over(dealer, lists.length),
          byRole(lists.length, (i) => itemsOf(lists[i]!)),
          'any',
        )
        expect(outputs['leader']).toEqual({ kind: 'intersection', rows: Uint32Array.from(expected) })
        for (const role of rolesOf(lists.length).slice(1)) expect(outputs[role]).toEqual({ kind: 'none' })
      }),
      { numRuns: 60 },
    )
  })
  it('of ten parties over the silent vector OLE', () => {
    const inputs = byRole(10, (i) => itemsOf(ids(i, 20)))
    const { outputs } = run(kmprt17.get(10)!, inputs, 'ten')
    expect(outputs['leader']).toEqual({ kind: 'intersection', rows: Uint32Array.from({ length: 11 }, (_, i) => 9 + i) })
  })
})

describe('a hint', () => {
  it('has no element that says which rows it does not hold', () => {
    const zeros: number[] = []
    const count = (body: Uint8Array): void => {
      for (let at = 0; at < body.length; at += 16)
        if (body.subarray(at, at + 16).every((byte) => byte === 0)) zeros.push(at)
    }
    const { outputs } = simulate(kmprt17Over(dealer, 3), {
      parameters: parametersOf([4, 3, 5]),
      inputs: inputsOf([4, 3, 5], 2, 0),
      rng: seededRng('hint'),
      engine,
      fault: {
        mutate: ({ step, body }) => {
          if (step.endsWith('/hint')) count(body)
          return [body]
        },
      },
    })
    expect(outputs['leader']).toEqual({ kind: 'intersection', rows: Uint32Array.of(2, 3) })
    expect(zeros).toEqual([])
  })
})

describe('zero shares', () => {
  /** What members encode, and what the kernel of masks gave to anyone. */
  const seen = () => {
    const [masks, programmed]: [Uint8Array[], { rows: Uint8Array; values: Uint8Array }[]] = [[], []]
    const compute = <I, O>(kernel: Kernel<I, O>, input: I): O => {
      const output = runKernel(engine, kernel, input)
      if (kernel.name === blake3Masks.name) masks.push(output as Uint8Array)
      const encoded = input as unknown as EncodeInput
      if (kernel.name === okvsEncode.name && encoded.fill.length > 0) programmed.push(encoded)
      return output
    }
    const inputs = byRole(4, () => itemsOf(ids(0, 3)))
    const parameters = parametersOf([3, 3, 3, 3])
    simulate(kmprt17Over(dealer, 4), { parameters, inputs, rng: seededRng('shares'), engine, compute })
    return { masks, programmed }
  }
  const sum = (...all: readonly Uint8Array[]): Uint8Array => all.reduce(add)
  it('hide what a member holds: none is left out of what it programs', () => {
    const { masks, programmed } = seen()
    // Four parties with three keys each, then three functions at both ends.
    expect([masks.length, programmed.length]).toEqual([4 * 3 + 3 * 2, 3])
    for (const { values } of programmed) expect(masks.map((each) => toHex(each))).not.toContain(toHex(values))
  })
  it('add up to zero over all parties and over no fewer', () => {
    const { masks, programmed } = seen()
    const byValue = new Map<string, number>()
    for (const each of masks) byValue.set(toHex(each), (byValue.get(toHex(each)) ?? 0) + 1)
    // Both ends of a pair have the same values: each of them comes twice.
    expect([...byValue.values()]).toEqual(Array.from({ length: 6 + 3 }, () => 2))
    // What members program, summed: the leader's three masks and the three functions. All masks, summed, are these and
    // the masks of the three pairs of members, so both together leave just those three.
    const functions = sum(...programmed.map(({ values }) => values))
    const distinct = [...byValue.keys()].map((hex) => fromHex(hex as Hex))
    const triples = distinct.flatMap((a, i) =>
      distinct.slice(i + 1).flatMap((b, j) => distinct.slice(i + j + 2).map((c) => sum(a, b, c))),
    )
    const rest = sum(...distinct)
    expect(functions.some((byte) => byte !== 0)).toBe(true)
    expect(triples.filter((three) => toHex(sum(functions, rest)) === toHex(three))).toHaveLength(1)
  })
})

describe('what is refused', () => {
  const good = parametersOf([1, 2, 3])
  const protocol = kmprt17.get(3)!
  it.each([
    null,
    {},
    { ...good, sizes: { leader: 1, 'member-1': 2 } },
    { ...good, sizes: { ...good.sizes, 'member-3': 1 } },
    { ...good, sizes: { ...good.sizes, leader: 2 ** 24 + 1 } },
    { ...good, output: 'union' },
    { ...good, to: 'all' },
    { ...good, chunkRows: 0 },
    { ...good, more: true },
  ])('%j', (parameters) => {
    expect(() => protocol.parameters(parameters)).toThrow(expect.objectContaining({ code: 'terms/malformed' }))
  })
  it('a cardinality alone', () => {
    const cardinality = () => protocol.parameters({ ...good, output: 'cardinality' })
    expect(cardinality).toThrow(TallyError)
    expect(cardinality).toThrow(expect.objectContaining({ code: 'terms/unsupported' }))
  })
  it('own rows that come twice, or not as many as agreed, before anything is sent', () => {
    const inputs = byRole(3, () => itemsOf(['a', 'b', 'c']))
    const duplicate = run(kmprt17Over(dealer, 3), { ...inputs, 'member-2': itemsOf(['a', 'b', 'a']) }, 'own')
    expect(duplicate.errors['member-2']).toEqual(expect.objectContaining({ code: 'input/duplicate', blame: 'self' }))
    expect(duplicate.trace.filter(({ from }) => from === 'member-2')).toEqual([])
    const changed = simulate(kmprt17Over(dealer, 3), {
      parameters: parametersOf([3, 3, 4]),
      inputs,
      rng: seededRng('own'),
      engine,
    })
    expect(changed.errors['member-2']).toEqual(expect.objectContaining({ code: 'input/changed', blame: 'self' }))
  })
  it('a hint that is too short, and its member is named', () => {
    const { errors } = simulate(kmprt17Over(dealer, 3), {
      parameters: parametersOf([4, 3, 5]),
      inputs: inputsOf([4, 3, 5], 2, 0),
      rng: seededRng('short'),
      engine,
      fault: {
        mutate: ({ step, from, body }) => [step.endsWith('/hint') && from === 'member-2' ? body.slice(16) : body],
      },
    })
    expect(errors['leader']).toEqual(expect.objectContaining({ code: 'peer/misbehaved', blame: { peer: 'member-2' } }))
  })
})
