/**
 * A lock on a folder that the system drops with its holder, however that ends: SQLite's own file lock (an exclusive
 * transaction that is never committed), which also keeps out a second opener in the same process. No lock goes stale.
 */
import fs from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { TallyError } from '@tallystick/core'

export interface Lock {
  release(): void
}

/** @throws TallyError journal/locked, with the process that holds it */
export const lockFolder = (folder: string): Lock => {
  const holder = path.join(folder, 'lock-holder')
  const database = new DatabaseSync(path.join(folder, 'lock'), { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    database.close()
    const by = fs.existsSync(holder) ? ` (process ${fs.readFileSync(holder, 'utf8').trim()})` : ''
    throw new TallyError('journal/locked', 'self', `another process${by} has the journal in ${folder} open`, {
      remedy: 'let it end, or end it, and run again; the lock goes with the process',
      cause,
    })
  }
  fs.writeFileSync(holder, `${process.pid}\n`, { mode: 0o600 })
  return { release: () => database.close() }
}
