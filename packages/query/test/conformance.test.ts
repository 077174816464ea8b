import { concatBytes, toHex } from '@tallystick/core'
import { simulate } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import { emptyTable, makeMatrix, sealedListQuery, simplePirQuery, stashOf } from '@tallystick/query'
import { expect, it } from 'vitest'
import { engine, idOf, itemsOf, keyPair, listOf, parametersOf, publicKey, rngOf, unitsOf, worldOf } from './samples.ts'

const { secretKey } = keyPair
const { list, salt, digest } = listOf(5, 12)
const listParameters = { publicKey, salt, valueBytes: 12, rows: 5, list: digest }

conformance(
  sealedListQuery,
  [
    {
      name: 'one id, found or not',
      parameters: { ...listParameters, queries: 1 },
      inputs: { asker: { ids: itemsOf([idOf(3)]), list }, holder: { secretKey } },
      alternative: { asker: { ids: itemsOf(['nobody at all, with a long name']), list }, holder: { secretKey } },
    },
    {
      name: 'four ids, one asked twice',
      parameters: { ...listParameters, queries: 4 },
      inputs: { asker: { ids: itemsOf([idOf(0), 'x', idOf(4), idOf(0)]), list }, holder: { secretKey } },
      alternative: { asker: { ids: itemsOf(['', 'y', 'z', idOf(1)]), list }, holder: { secretKey } },
    },
  ],
  // Of the holder's frames none can be changed: the proof is over all of them.
  { engine, schedules: 50, verifiable: true },
)

// 40 rows in 64 columns of one slot: about ten stand in the stash.
const shape = { columns: 64, slots: 1, valueBytes: 12 }
const world = worldOf(shape, 40)
const stash = stashOf(world.table)
const { matrix } = world.table
const { units } = unitsOf(world, 8, 'conformance')
const reserve = (_role: string, _name: string, at: number, count: number): Uint8Array =>
  concatBytes(...units.slice(at, at + count))

conformance(
  simplePirQuery,
  [
    {
      name: 'one id',
      parameters: parametersOf(world, 1),
      inputs: { asker: { ids: itemsOf([idOf(3)]), stash }, holder: { secretKey, matrix } },
      alternative: { asker: { ids: itemsOf(['absent']), stash }, holder: { secretKey, matrix } },
      reserve,
    },
    {
      name: 'three ids',
      parameters: parametersOf(world, 3),
      inputs: { asker: { ids: itemsOf([idOf(7), 'absent', idOf(39)]), stash }, holder: { secretKey, matrix } },
      alternative: { asker: { ids: itemsOf(['a', 'b', 'c']), stash }, holder: { secretKey, matrix } },
      reserve,
    },
  ],
  { engine, schedules: 50 },
)

// The same table in blocks of 12 lines, of which a slot takes three: nothing that leaves depends on it.
const blocks = makeMatrix(shape, undefined, 12 * 64)
const cut = worldOf(shape, 40, 'world', blocks)

it('is asked in blocks as it is whole', () => {
  expect(blocks.map(({ length }) => length / 64)).toEqual([12, 12, 8])
  expect(Buffer.concat(blocks).equals(matrix[0]!)).toBe(true)
  expect(cut.hint).toEqual(world.hint)
  const bodies = [matrix, blocks].map((own) => {
    const sent: string[] = []
    const { outputs, errors } = simulate(simplePirQuery, {
      parameters: parametersOf(world, 3),
      inputs: { asker: { ids: itemsOf([idOf(7), 'absent', idOf(39)]), stash }, holder: { secretKey, matrix: own } },
      rng: rngOf,
      engine,
      reserve,
      fault: { mutate: ({ body }) => (sent.push(toHex(body)), [body]) },
    })
    expect(errors).toEqual({})
    return { sent, outputs }
  })
  expect(bodies[0]).toEqual(bodies[1])
  expect(() => emptyTable(shape, rngOf('a'), [matrix[0]!.subarray(64)])).toThrow(/size of its shape/)
})

conformance(
  simplePirQuery,
  [
    {
      name: 'in blocks',
      parameters: parametersOf(world, 3),
      inputs: { asker: { ids: itemsOf([idOf(7), 'absent', idOf(3)]), stash }, holder: { secretKey, matrix: blocks } },
      alternative: { asker: { ids: itemsOf(['b', 'c', 'd']), stash }, holder: { secretKey, matrix: blocks } },
      reserve,
    },
  ],
  { engine, schedules: 20 },
)
