/** Rows on at least t of the other lists: against plain sets, the conformance kit, what is refused. */
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { simulate } from '@tallystick/protocol'
import { checks, conformance, subjectOf } from '@tallystick/protocol/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cdgoss21, cdgoss21Over, type Cdgoss21, type Parameters } from '../src/cdgoss21/index.ts'
import { rolesOf } from '../src/kmprt17/messages.ts'
import { tagBits, slotsOf } from '../src/membership/index.ts'
import { dealtBlocks, sha256 } from './blocks.ts'
import { ids, itemsOf, seededRng } from './samples.ts'

const engine = await nodeEngine()
const byRole = <T>(parties: number, of: (i: number) => T): Record<string, T> =>
  Object.fromEntries(rolesOf(parties).map((role, i) => [role, of(i)]))
const parametersOf = (
  sizes: readonly number[],
  threshold: number,
  output: Parameters['output'] = 'at-least',
): Parameters => ({
  ...{ sizes: byRole(sizes.length, (i) => sizes[i]!), output, threshold, to: 'leader', chunkRows: 1000 },
})

/** List i has the ids from 2 i on: the leader's last ones are on some. */
const inputsOf = (sizes: readonly number[], first: number) =>
  byRole(sizes.length, (i) => itemsOf(ids(first + 2 * i, sizes[i]!).reverse()))

const caseOf = (sizes: readonly number[], threshold: number, output?: Parameters['output']) => ({
  name: `${sizes.join(' v ')}, ${output ?? 'at-least'} ${threshold}`,
  parameters: parametersOf(sizes, threshold, output),
  inputs: inputsOf(sizes, 0),
  alternative: byRole(sizes.length, (i) => itemsOf(ids(99_000 + 50 * i, sizes[i]!))),
})

// Short tags, for runs that are short: no row of these is a false member.
conformance(cdgoss21Over({ ...dealtBlocks, bits: 8 }, 3), [caseOf([4, 3, 2], 1)], {
  ...{ engine, hash: sha256, schedules: 10, sample: 60 },
})

describe('over the silent blocks, four parties', () => {
  const subject = subjectOf(cdgoss21.get(4)!, caseOf([5, 2, 4, 3], 2), { engine, schedules: 2 })
  it.each(['ideal', 'cost', 'observer', 'openings'] as const)('%s', (name) => {
    expect(checks[name](subject).findings).toEqual([])
  })
})

const run = (protocol: Cdgoss21, parameters: Parameters, inputs: Record<string, ReturnType<typeof itemsOf>>) =>
  simulate(protocol, { parameters, inputs, rng: seededRng('cdgoss21'), engine })

describe('any sets', () => {
  const sets = fc.integer({ min: 3, max: 6 }).chain((parties) =>
    fc.tuple(
      fc.array(fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 20 }), {
        minLength: parties,
        maxLength: parties,
      }),
      fc.integer({ min: 1, max: parties - 1 }),
    ),
  )
  it('give the rows of the leader on enough lists, or the others, and nothing to the members', () => {
    fc.assert(
      fc.property(sets, fc.boolean(), ([lists, threshold], enough) => {
        const times = (row: number) => lists.slice(1).filter((list) => list.includes(row)).length
        const expected = lists[0]!.flatMap((row, i) => (times(row) >= threshold === enough ? [i] : []))
        const parties = lists.length
        const { outputs } = run(
          cdgoss21Over(dealtBlocks, parties),
          parametersOf(
            lists.map((list) => list.length),
            threshold,
            enough ? 'at-least' : 'fewer',
          ),
          byRole(parties, (i) => itemsOf(lists[i]!.map((row) => `id-${row}`))),
        )
        expect(outputs['leader']).toEqual({ kind: 'rows', rows: Uint32Array.from(expected) })
        for (const role of rolesOf(parties).slice(1)) expect(outputs[role]).toEqual({ kind: 'none' })
      }),
      { numRuns: 12 },
    )
  })
})

describe('tags', () => {
  it('are as long as the bound says, and fit 64 bits at the largest', () => {
    expect(tagBits(1, 2)).toBe(40 + Math.ceil(Math.log2(2 * slotsOf(1))))
    expect(tagBits(2 ** 20, 9)).toBeLessThanOrEqual(64)
    for (const rows of [1, 100, 2 ** 16]) {
      expect(2 ** -tagBits(rows, 4) * 4 * slotsOf(rows)).toBeLessThanOrEqual(2 ** -40)
    }
  })
})

describe('false members', () => {
  it('are as many as the length of tags says, and none at full length', () => {
    const rows = 400
    const falsely = (bits?: number): number => {
      const blocks = bits === undefined ? dealtBlocks : { ...dealtBlocks, bits }
      const inputs = byRole(3, (i) => itemsOf(ids(1000 * i, rows)))
      const { outputs } = run(cdgoss21Over(blocks, 3), parametersOf([rows, rows, rows], 1), inputs)
      return outputs['leader']!.kind === 'rows' ? outputs['leader']!.rows.length : -1
    }
    // Two members with tags of 4 bits: 1 - (15/16)^2 of 400 rows, 48.4 with a deviation of 6.5; four of them either way.
    expect(Math.abs(falsely(4) - 48.4)).toBeLessThan(26)
    expect(falsely()).toBe(0)
  })
})

describe('what is refused', () => {
  const good = parametersOf([1, 2, 3], 1)
  const protocol = cdgoss21.get(3)!
  it.each([
    null,
    { ...good, sizes: { leader: 1, 'member-1': 2 } },
    { ...good, sizes: { ...good.sizes, leader: 0 } },
    { ...good, threshold: 0 },
    { ...good, threshold: 3 },
    { ...good, output: 'intersection' },
    { ...good, to: 'both' },
    { ...good, chunkRows: 0 },
    { ...good, stranger: 1 },
  ])('parameters %j', (parameters) => {
    expect(() => protocol.parameters(parameters)).toThrow(expect.objectContaining({ code: 'terms/malformed' }))
  })
  it('shares and outcomes of another length, and their sender is named', () => {
    const sizes = [4, 3, 5]
    const shortened = (name: string) =>
      simulate(cdgoss21Over(dealtBlocks, 3), {
        ...{ parameters: parametersOf(sizes, 1), inputs: inputsOf(sizes, 0), rng: seededRng('short'), engine },
        fault: { mutate: ({ step, body }) => [step.endsWith(name) ? body.slice(0, -16) : body], close: false },
      }).errors
    const misbehaved = (peer: string) => expect.objectContaining({ code: 'peer/misbehaved', blame: { peer } })
    expect(shortened('/shares')['member-1']).toEqual(misbehaved('member-2'))
    expect(shortened('/outcome')['leader']).toEqual(misbehaved('member-1'))
  })
})
