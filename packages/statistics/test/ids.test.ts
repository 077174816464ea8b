/** The digest of ids that an engine makes is that of the text alone. */
import { digestWords } from '@tallystick/kernels'
import { expect, it } from 'vitest'
import type { Table } from '../src/columns.ts'
import { digestOfIds, idWords } from '../src/ids.ts'
import type { Scope } from '../src/scope.ts'

const scope = { vertical: true, owners: ['p0', 'p1'] } as unknown as Scope

it.each([0, 1, 3, 1000])('is the same with an engine, of %d rows', (rows) => {
  const table: Table = { rows, codes: [], ids: Uint8Array.from({ length: 16 * rows }, (_, i) => (i * 167) % 251) }
  const words = idWords(scope, 'p0', table)!
  expect(digestOfIds(table, digestWords.run({ words }))).toBe(digestOfIds(table))
})

it('is asked for by owners of vertical tables only', () => {
  const table: Table = { rows: 0, codes: [], ids: new Uint8Array() }
  expect(idWords(scope, 'p2', table)).toBeUndefined()
  expect(idWords({ ...scope, vertical: false }, 'p0', table)).toBeUndefined()
})
