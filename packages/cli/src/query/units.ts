/**
 * Stores of prepared units: query/prepared/<root>.bin in the home of the asker, and <root>.used beside it, which says
 * which units belong to which step of which session. That a unit is burned stands elsewhere, where no backup of the home
 * reaches: an empty file for each under <state of this user>/tallystick/queries/<root>/, made exclusively. So a unit
 * is handed out once, whatever is restored and however many processes ask at the same time.
 */
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, writeSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { concatBytes, TallyError, type Hex } from '@tallystick/core'
import { preparedQuery } from '@tallystick/query'
import type { CorrelationStore } from '@tallystick/session'
import { defaultGenerations } from '@tallystick/session/node'
import { readBytes, syncFolder, writeFileWhole } from '../files.ts'

const storeFile = (home: string, root: Hex, ending: 'bin' | 'used'): string =>
  join(home, 'query', 'prepared', `${root.slice(2)}.${ending}`)

/** Where the units of a store are burned. */
const burnedFolder = (root: Hex): string => join(dirname(defaultGenerations()), 'queries', root.slice(2))
/** In it: this machine has made the store, so no unit without a file of its own was ever handed out. */
const marker = 'made'

export const keepUnits = async (home: string, root: Hex, units: Uint8Array): Promise<void> => {
  await writeFileWhole(storeFile(home, root, 'bin'), units, true)
  await mkdir(burnedFolder(root), { recursive: true, mode: 0o700 })
  await writeFileWhole(join(burnedFolder(root), marker), '', true)
}

/** False if somebody else was there first. */
const claim = (root: Hex, unit: number): boolean => {
  try {
    const file = openSync(join(burnedFolder(root), `${unit}`), 'wx', 0o600)
    fsyncSync(file)
    closeSync(file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

interface Used {
  readonly key: string
  readonly units: readonly number[]
}

const usedIn = async (file: string): Promise<readonly Used[]> =>
  existsSync(file)
    ? (await readFile(file, 'utf8'))
        .split('\n')
        // A line that a crash cut short: its units are burned and belong to nobody.
        .filter((line) => line.endsWith('}'))
        .map((line) => JSON.parse(line) as Used)
    : []

const appendSynced = (file: string, line: string): void => {
  const opened = openSync(file, 'a', 0o600)
  try {
    writeSync(opened, `\n${line}\n`)
    fsyncSync(opened)
  } finally {
    closeSync(opened)
  }
}

const elsewhere = (root: Hex): TallyError =>
  new TallyError('journal/rewound', 'self', `the prepared queries ${root} were not made by this user on this machine`, {
    remedy: 'prepare others here (tally query prepare): it is not known which of these were used before',
  })

const usedUp = (count: number): TallyError =>
  new TallyError('terms/mismatch', 'self', `${count} prepared units are wanted, fewer are left`, {
    remedy: 'prepare more (tally query prepare) and agree on terms that name them',
  })

/** Burns `count` units. @throws TallyError terms/mismatch where fewer are left; those that were burned stay so */
const burn = async (root: Hex, total: number, count: number): Promise<readonly number[]> => {
  const folder = burnedFolder(root)
  if (!existsSync(join(folder, marker))) throw elsewhere(root)
  const gone = new Set(readdirSync(folder))
  const free = Array.from({ length: total }, (_, i) => i).filter((i) => !gone.has(`${i}`))
  if (free.length < count) throw usedUp(count)
  const units: number[] = []
  for (const unit of free) {
    if (units.length < count && claim(root, unit)) units.push(unit)
  }
  await syncFolder(folder)
  if (units.length < count) throw usedUp(count)
  return units
}

/** The store that terms name; hands each unit out once, for one key. `size` is the bytes of a unit. */
export const unitStore = (home: string, root: Hex, size: number): CorrelationStore => ({
  digest: () => root,
  async reserve(correlation, count, key) {
    if (correlation !== preparedQuery) {
      throw new TallyError('api/misuse', 'self', `expected ${preparedQuery}, found ${correlation}`)
    }
    const bytes = await readBytes(storeFile(home, root, 'bin'), 'prepared units', 'input/not-found')
    const file = storeFile(home, root, 'used')
    const before = (await usedIn(file)).find((used) => used.key === key)
    const units = before?.units ?? (await burn(root, bytes.length / size, count))
    if (before === undefined) appendSynced(file, JSON.stringify({ key, units } satisfies Used))
    return concatBytes(...units.map((unit) => bytes.subarray(unit * size, (unit + 1) * size)))
  },
})
