/** Files of a party: JSON in and out, whole or not at all. */
import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { TallyError, type ErrorCode } from '@tallystick/core'

const unreadable: Readonly<Record<string, readonly [found: string, remedy: string]>> = {
  ENOENT: ['there is no such file', 'check the path, as seen from the current folder'],
  EISDIR: ['this is a folder', 'name the file in it'],
}

/** Reads a file that the caller named. */
export const readBytes = async (
  path: string,
  what: string,
  code: ErrorCode = 'input/not-found',
): Promise<Uint8Array> => {
  try {
    return await readFile(path)
  } catch (cause) {
    const [found, remedy] = unreadable[(cause as NodeJS.ErrnoException).code ?? ''] ?? [
      'cannot be read',
      'check that you may read it',
    ]
    throw new TallyError(code, 'self', `${path}: ${found}; expected ${what}`, { remedy, cause })
  }
}

export const readText = async (path: string, what: string, code?: ErrorCode): Promise<string> =>
  new TextDecoder().decode(await readBytes(path, what, code))

/** @throws TallyError of `code` if it is not JSON */
export const readJson = async (path: string, what: string, code: ErrorCode, missing?: ErrorCode): Promise<unknown> => {
  const text = await readText(path, what, missing)
  try {
    return JSON.parse(text)
  } catch {
    throw new TallyError(code, 'self', `${path}: expected ${what} as JSON`, {
      remedy: 'ask whoever made the file for it again; mail programs and editors damage such files',
    })
  }
}

/** A new name in a folder is on the disk when this resolves; Windows opens no folder, and needs none of it. */
export const syncFolder = async (folder: string): Promise<void> => {
  if (process.platform === 'win32') return
  const opened = await open(folder, 'r')
  try {
    await opened.sync()
  } finally {
    await opened.close()
  }
}

/** What `write` writes appears whole or not at all, also after a power loss; missing folders are made. */
export const writeWhole = async (
  path: string,
  mode: number,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const partial = `${path}.${randomBytes(4).toString('hex')}.part`
  const file = await open(partial, 'wx', mode)
  try {
    await write(file)
    await file.sync()
    await file.close()
    await rename(partial, path)
  } catch (error) {
    await file.close().catch(() => {})
    await rm(partial, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

/** `secret` ones are readable by their owner only. */
export const writeFileWhole = (path: string, content: string | Uint8Array, secret = false): Promise<void> =>
  writeWhole(path, secret ? 0o600 : 0o644, (file) => file.writeFile(content))

export const writeJson = (path: string, value: unknown, secret = false): Promise<void> =>
  writeFileWhole(path, `${JSON.stringify(value, undefined, 2)}\n`, secret)
