/** Files that must be there after a power loss, and files that only their owner may read. */
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { TallyError } from '@tallystick/core'

/** A folder's entries (new names, renames) are on the disk when this returns. */
export const syncFolder = (folder: string): void => {
  const fd = fs.openSync(folder, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/** Creates a file with its bytes synced; fails if there is one. The folder's entry is the caller's to sync. */
export const writeNewFile = (file: string, bytes: Uint8Array, mode: number): void => {
  const fd = fs.openSync(file, 'wx', mode)
  try {
    fs.writeFileSync(fd, bytes)
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/** Replaces a file at once: a reader, or a crash, finds the old bytes or the new ones. */
export const replaceFile = (file: string, bytes: Uint8Array, mode = 0o600): void => {
  const draft = `${file}.${randomBytes(6).toString('hex')}.draft`
  writeNewFile(draft, bytes, mode)
  fs.renameSync(draft, file)
  syncFolder(path.dirname(file))
}

/** Reads a file of secrets. @throws TallyError identity/not-found; identity/malformed where others may read it */
export const readPrivateFile = (file: string): Uint8Array => {
  let stat: fs.Stats
  try {
    stat = fs.statSync(file)
  } catch (cause) {
    throw new TallyError('identity/not-found', 'self', `expected the secrets of an identity at ${file}`, {
      remedy: 'make an identity with "tally party init", or correct the path',
      cause,
    })
  }
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
    const mode = (stat.mode & 0o777).toString(8)
    throw new TallyError(
      'identity/malformed',
      'self',
      `expected mode 600 for ${file}, found ${mode}: others may read it`,
      {
        remedy: `run: chmod 600 '${file}'; if others had access, make a new identity`,
      },
    )
  }
  return fs.readFileSync(file)
}
