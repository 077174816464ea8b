/** The union of many lists: against plain sets, the conformance kit, what the opened rows are, what is refused. */
import { createHash } from 'node:crypto'
import { concatBytes, createRng, taggedDigest, utf8ToBytes } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { ba12, unionRoles, type UnionParameters, type UnionRows } from '@tallystick/mpc'
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
const small = caseOf([['x', 'y'], ['y', 'long-id'], ['z']], [['a', 'b'], ['c', 'd'], ['e']], 'p1')
conformance(ba12.get(3)!, [small], { engine, hash, schedules: 10 })

describe('five parties, all learn', () => {
  const lists = [['x'], ['y'], ['x'], ['z'], ['x', 'u']]
  const subject = subjectOf(ba12.get(5)!, caseOf(lists, [['a'], ['b'], ['c'], ['d'], ['e', 'f']], 'all'), {
    ...{ engine, hash, schedules: 2 },
  })
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
})
