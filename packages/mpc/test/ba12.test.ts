/** The union of many lists: against plain sets, the conformance kit, what the opened rows are, what is refused. */
import { createHash } from 'node:crypto'
import { concatBytes, createRng, taggedDigest, utf8ToBytes } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { ba12, programProtocol, unionProgram, unionRoles, type UnionParameters, type UnionRows } from '@tallystick/mpc'
import { simulate } from '@tallystick/protocol'
import { checks, conformance, subjectOf } from '@tallystick/protocol/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const engine = await nodeEngine()
const hash = (...parts: readonly Uint8Array[]): Uint8Array =>
  parts.reduce((digest, part) => digest.update(part), createHash('sha256')).digest()
const rng = (role: string) => createRng(taggedDigest('tallystick/test/v1', 'ba12', role))

const rowsOf = (ids: readonly string[]): UnionRows => {
  const encoded = ids.map((id) => utf8ToBytes(id))
  const offsets = new Uint32Array(ids.length + 1)
  encoded.forEach((id, i) => (offsets[i + 1] = offsets[i]! + id.length))
  return { bytes: concatBytes(...encoded), offsets }
}
const textsOf = ({ bytes, offsets }: UnionRows): string[] =>
  Array.from({ length: offsets.length - 1 }, (_, i) =>
    new TextDecoder().decode(bytes.subarray(offsets[i], offsets[i + 1])),
  )

type Lists = readonly (readonly string[])[]
const byRole = <T>(lists: Lists, of: (list: readonly string[]) => T): Record<string, T> =>
  Object.fromEntries(unionRoles(lists.length).map((role, i) => [role, of(lists[i]!)]))
const parametersOf = (lists: Lists, to: string, idBytes = 31): UnionParameters => ({
  ...{ sizes: byRole(lists, ({ length }) => length), output: 'union', to, idBytes },
})
const run = (lists: Lists, to = 'all', idBytes = 31) =>
  simulate(ba12.get(lists.length)!, {
    ...{ parameters: parametersOf(lists, to, idBytes), inputs: byRole(lists, rowsOf), rng, engine, hash },
  })

const caseOf = (lists: Lists, other: Lists, to: string) => ({
  name: `${lists.map(({ length }) => length).join(', ')} to ${to}`,
  parameters: parametersOf(lists, to, 7),
  inputs: byRole(lists, rowsOf),
  alternative: byRole(other, rowsOf),
})

// Six rows are sorted in one level, so what passes is the same for any lists.
const small = caseOf(
  [['same-id', 'just-me'], ['longest', 'same-id'], ['seventh']],
  [['a', 'b'], ['c', 'd'], ['e']],
  'all',
)
// Whole: 1,500 runs (`npm run conformance`). Most mutations break the padding of an id, which is refused; with this seed
// the sample has one that gives a wrong id.
conformance(ba12.get(3)!, [small], { engine, hash, schedules: 5, sample: 60, seed: '3' })

describe('five parties, all learn', () => {
  const five = caseOf([['x'], ['y'], ['x'], ['z'], ['x', 'u']], [['a'], ['b'], ['c'], ['d'], ['e', 'f']], 'all')
  const subject = subjectOf(ba12.get(5)!, five, { engine, hash, schedules: 2 })
  it.each(['ideal', 'cost', 'observer', 'openings'] as const)('%s', (name) => {
    expect(checks[name](subject).findings).toEqual([])
  })
})

describe('mpc/ba12', () => {
  it('gives the union of any lists, whether ids are their own keys or have digests', () => {
    const id = fc.stringMatching(/^[a-c]{0,2}$/)
    const list = fc.uniqueArray(fc.oneof(id, fc.constantFrom('Zoë', '123456789')), { minLength: 1, maxLength: 12 })
    const many = fc.integer({ min: 3, max: 5 }).chain((n) => fc.array(list, { minLength: n, maxLength: n }))
    fc.assert(
      fc.property(many, fc.constantFrom(9, 10), (lists, idBytes) => {
        const { outputs, errors, bytes, rounds } = run(lists, 'p2', idBytes)
        expect(errors).toEqual({})
        const union = outputs['p2']!
        const ids = [...new Set(lists.flat())].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        expect(union.kind === 'ids' && textsOf(union.ids)).toEqual(ids)
        expect(outputs['p0']).toEqual({ kind: 'none' })
        const { cost } = ba12.get(lists.length)!
        const bound = cost(parametersOf(lists, 'p2', idBytes))
        expect([bytes <= bound.bytes, rounds <= bound.rounds]).toEqual([true, true])
      }),
      { numRuns: 12, seed: 5 },
    )
  })

  it('opens ids in an order that neither lists nor keys explain, and blank rows anywhere among them', () => {
    const ids = Array.from({ length: 24 }, (_, i) => `${i}`)
    // Each id on all lists: 24 of 72 rows are left.
    const lists = [ids, ids, ids]
    const parameters = parametersOf(lists, 'p1', 7)
    const program = unionProgram(3)
    const opened: number[][] = []
    for (const seed of ['a', 'b']) {
      const raw = programProtocol({
        ...program,
        decode: (_, { ids: words }) => words as never,
        ideal: undefined as never,
      })
      const given = { parameters, inputs: byRole(lists, rowsOf), engine, hash }
      const { outputs } = simulate(raw, {
        ...given,
        rng: (role) => createRng(taggedDigest('tallystick/test/v1', seed, role)),
      })
      const words = outputs['p1'] as unknown as Uint32Array
      opened.push(Array.from({ length: 72 }, (_, row) => words[2 * row]!))
    }
    for (const rows of opened) expect(rows.filter((word) => word !== 0)).toHaveLength(24)
    const kept = opened.map((rows) => rows.flatMap((word, row) => (word === 0 ? [] : [row])))
    // Sorted by key, every third would be one.
    expect(kept[0]).not.toEqual(kept[1])
    expect(new Set(kept[0]!.map((row) => row % 3)).size).toBe(3)
    const order = opened.map((rows) => rows.filter((word) => word !== 0))
    expect(order[0]).not.toEqual(order[1])
    expect(order[0]!.toSorted((a, b) => a - b)).toEqual(order[1]!.toSorted((a, b) => a - b))
  })

  it('refuses terms that it cannot run, and ids that are too long', () => {
    const good = parametersOf([['x'], ['y'], ['z']], 'all')
    const parse = (more: Record<string, unknown>) => () => ba12.get(3)!.parameters({ ...good, ...more })
    expect(parse({})()).toEqual(good)
    expect(parse({ output: 'intersection' })).toThrow('output')
    expect(parse({ to: 'owner-1' })).toThrow('expected to to be one of all, p0, p1, p2')
    expect(parse({ sizes: { p0: 2 ** 18, p1: 1, p2: 1 } })).toThrow('on all lists together')
    expect(parse({ sizes: { p0: 1, p1: 1 } })).toThrow('sizes.p2')
    expect(parse({ idBytes: 255 })).toThrow('idBytes')
    const { errors } = run([['x'], ['too-long'], ['z']], 'all', 7)
    expect(errors['p1']).toMatchObject({ code: 'input/invalid-value', blame: 'self' })
  })
})
