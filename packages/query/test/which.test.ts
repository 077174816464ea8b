/** One question to several holders, each answering for itself. */
import { concatBytes, createRng } from '@tallystick/core'
import { simulate } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import { answerAt, preparedFor, severalRows, stashOf, whichInput, whichQueries } from '@tallystick/query'
import type { AnswersByHolder, Matrix, WhichParameters } from '@tallystick/query'
import { describe, expect, it } from 'vitest'
import { engine, idOf, itemsOf, keyPair, listOf, parametersOf, publicKey, unitsOf, worldOf } from './samples.ts'

const { secretKey } = keyPair
const { list, salt, digest } = listOf(5, 12)
const listed = { kind: 'sealed-list', publicKey, salt, valueBytes: 12, rows: 5, list: digest } as const
// 40 rows in 64 columns of one slot: some stand in the stash.
const world = worldOf({ columns: 64, slots: 1, valueBytes: 12 }, 40, 'which')
const stash = stashOf(world.table)
const { matrix } = world.table
const { units } = unitsOf(world, 8, 'which')
const reserve = (_role: string, correlation: string, at: number, count: number): Uint8Array => {
  expect(correlation).toBe(preparedFor('holder-2'))
  return concatBytes(...units.slice(at, at + count))
}
const none: Matrix = []

const protocol = whichQueries.get(2)!
const { queries: _, ...pir } = parametersOf(world, 1)
const parametersFor = (queries: number): WhichParameters =>
  protocol.parameters({ queries, holders: { 'holder-1': listed, 'holder-2': { kind: 'simplepir', ...pir } } })
const inputsFor = (ids: readonly string[]) => ({
  asker: { ids: itemsOf(ids), sealed: { 'holder-1': list, 'holder-2': stash } },
  'holder-1': { secretKey, matrix: none },
  'holder-2': { secretKey, matrix },
})

conformance(
  protocol,
  [
    {
      name: 'a list and a table',
      parameters: parametersFor(2),
      inputs: inputsFor([idOf(3), idOf(39)]),
      alternative: inputsFor(['absent', 'too']),
      reserve,
    },
  ],
  { engine, schedules: 30 },
)

const run = (ids: readonly string[]) => {
  const { outputs, errors } = simulate(protocol, {
    parameters: parametersFor(ids.length),
    inputs: inputsFor(ids),
    rng: (role) => createRng(new Uint8Array(32).fill(role.length)),
    engine,
    reserve,
  })
  expect(errors).toEqual({})
  return outputs
}

describe('query/which', () => {
  it('tells the asker who has what, and holders nothing', () => {
    const outputs = run([idOf(3), idOf(39), 'nobody'])
    const { holders } = outputs['asker'] as AnswersByHolder
    const statuses = (role: string) => [0, 1, 2].map((i) => answerAt(holders[role]!, i).status)
    expect(statuses('holder-1')).toEqual(['found', 'absent', 'absent'])
    expect(statuses('holder-2')).toEqual(['found', 'found', 'absent'])
    expect([outputs['holder-1'], outputs['holder-2']]).toEqual([{ kind: 'none' }, { kind: 'none' }])
  })

  it('draws blinds and coins of its own for each holder', () => {
    const seen: Uint8Array[] = []
    const rng = (role: string) => createRng(new Uint8Array(32).fill(role.length))
    simulate(protocol, {
      ...{ parameters: parametersFor(1), inputs: inputsFor([idOf(3)]), rng, engine, reserve },
      fault: {
        mutate: ({ step, body }) => {
          if (step.endsWith('/blinded')) seen.push(body)
          return [body]
        },
      },
    })
    expect(seen).toHaveLength(2)
    expect(seen[0]).not.toEqual(seen[1])
  })

  it('turns committed rows into the input again', () => {
    const rows = severalRows(itemsOf(['a', 'bc']), [list, stash])
    const input = whichInput(rows, 'asker', parametersFor(2))
    expect(input).toEqual({ ids: itemsOf(['a', 'bc']), sealed: { 'holder-1': list, 'holder-2': stash } })
  })

  it('refuses terms that leave a holder out, name a stranger, or count twice', () => {
    const held = { 'holder-1': listed, 'holder-2': listed }
    const parse = (value: unknown) => () => protocol.parameters(value)
    expect(parse({ queries: 1, holders: held })).not.toThrow()
    const wrong = [
      { queries: 1, holders: { 'holder-1': listed } },
      { queries: 1, holders: { ...held, 'holder-3': listed } },
      { queries: 1, holders: { ...held, 'holder-2': { ...listed, queries: 2 } } },
      { queries: 1, holders: { ...held, 'holder-2': { ...listed, kind: 'other' } } },
      { queries: 0, holders: held },
      { queries: 1, holders: held, more: 1 },
    ]
    for (const value of wrong) expect(parse(value)).toThrow(/parameters/)
  })
})
