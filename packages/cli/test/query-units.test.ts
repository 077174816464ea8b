/** A prepared unit is handed out once: not to two keys, not after a restore, not to two at a time. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { keepUnits, unitStore } from '../src/query/units.ts'

const state = process.env['XDG_STATE_HOME']
const size = 8
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tally-units-'))
  process.env['XDG_STATE_HOME'] = join(folder, 'state')
})
afterAll(async () => {
  if (state === undefined) delete process.env['XDG_STATE_HOME']
  else process.env['XDG_STATE_HOME'] = state
  await rm(folder, { recursive: true })
})

let stores = 0
/** A store of six units, each of its number eight times, in a home of its own. */
const made = async () => {
  const root = `0x${String(++stores).padStart(64, '0')}` as const
  const home = join(folder, `home-${stores}`)
  await keepUnits(
    home,
    root,
    Uint8Array.from({ length: 6 * size }, (_, i) => Math.floor(i / size)),
  )
  const store = unitStore(home, root, size)
  const take = async (count: number, key: string): Promise<number[]> => {
    const bytes = await store.reserve('query/prepared', count, key)
    return Array.from({ length: count }, (_, i) => bytes[i * size]!)
  }
  return { root, home, take }
}

it('gives a key its own units, also again', async () => {
  const { take } = await made()
  expect(await take(2, 'a')).toEqual([0, 1])
  expect(await take(3, 'b')).toEqual([2, 3, 4])
  expect(await take(2, 'a')).toEqual([0, 1])
  await expect(take(2, 'c')).rejects.toMatchObject({ code: 'terms/mismatch' })
  expect(await take(1, 'd')).toEqual([5])
})

it('gives none again after the home was restored from a copy', async () => {
  const { home, take } = await made()
  await cp(home, `${home}-copy`, { recursive: true })
  expect(await take(4, 'a')).toEqual([0, 1, 2, 3])
  await rm(home, { recursive: true })
  await cp(`${home}-copy`, home, { recursive: true })
  expect(await take(1, 'b')).toEqual([4])
})

it('gives none to two at a time', async () => {
  const { take } = await made()
  const all = (await Promise.all([take(2, 'a'), take(2, 'b'), take(2, 'c')])).flat()
  expect(all.toSorted((x, y) => x - y)).toEqual([0, 1, 2, 3, 4, 5])
})

it('is refused where it is not known what was used', async () => {
  const { take } = await made()
  await rm(join(folder, 'state'), { recursive: true })
  await expect(take(1, 'a')).rejects.toMatchObject({ code: 'journal/rewound' })
})
