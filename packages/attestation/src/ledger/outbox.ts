/**
 * A durable queue of ledger entries: one append-only file, one line a record, synced before `add` returns.
 *
 *   <16 hex digits of SHA-256 of the rest> {"entry":…} | {"final":id,"at":place} | {"rejected":id,"why":message}
 *
 * The chain may be down before, during and after a job: `add` never looks at it. `drain` brings entries to the ledger,
 * in order, as often as it takes. An entry counts as done when it lies `confirmations` blocks deep; one that a
 * reorganisation dropped before that is sent again, and one that somebody else recorded is done as well.
 * A torn last line (power loss while writing) is cut off; damage elsewhere is an error, since an entry may be lost.
 * One process at a time writes a file; the job's own lock sees to that.
 */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { canonicalJson, TallyError } from '@tallystick/core'
import type { Hex } from '@tallystick/core'
import { entryId } from './job.ts'
import type { Entry, Job } from './job.ts'
import type { Ledger } from './ledger.ts'
import type { Place } from './log.ts'
import { isRetryable } from './rpc.ts'

export interface OutboxItem {
  readonly id: Hex
  readonly entry: Entry
  /** `pending`: not yet (deep enough) on the ledger; `rejected`: it never will be, and `why` says why. */
  readonly status: 'pending' | 'final' | 'rejected'
  readonly at?: Place
  readonly why?: string
}

export interface DrainOptions {
  readonly signal?: AbortSignal
  /** Blocks that must lie on top of an entry's block. */
  readonly confirmations?: number
  /** Milliseconds before the second try; doubled from try to try up to `maxPause`. */
  readonly pause?: number
  readonly maxPause?: number
  /** Called after each submission, for progress. `gas` is undefined if the entry was on the ledger before. */
  readonly onRecorded?: (item: OutboxItem, gas: number | undefined) => void
  /** Called when a try failed and will be repeated. */
  readonly onRetry?: (error: TallyError, pause: number) => void
}

export interface Outbox {
  /** Returns when the entry is on the disk. Adding the same entry again does nothing. */
  add(entry: Entry): Promise<Hex>
  items(): readonly OutboxItem[]
  /** Resolves when every entry is final or rejected; rejects only when aborted or on damage of its own file. */
  drain(ledger: Ledger, options?: DrainOptions): Promise<void>
  /** Takes all final entries as pending again: for a ledger that was restored from a backup or replaced. */
  recheck(): void
  close(): Promise<void>
}

type Line =
  | { readonly entry: Entry }
  | { readonly final: Hex; readonly at: Place }
  | { readonly rejected: Hex; readonly why: string }

const checksum = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)

const parseLine = (line: string): Line | undefined => {
  const text = line.slice(17)
  return line[16] === ' ' && line.slice(0, 16) === checksum(text) ? (JSON.parse(text) as Line) : undefined
}

/** The records of a file, and how many bytes of it they take: the rest is a torn last write. */
const parse = (path: string, bytes: Buffer): { lines: Line[]; length: number } => {
  const lines: Line[] = []
  let length = 0
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, length)) {
    const line = parseLine(bytes.toString('utf8', length, end))
    if (line === undefined) {
      // Only the last write can be torn. It then lacks its end, or pages that never reached the disk read as zeros.
      if (end + 1 === bytes.length && bytes.subarray(length).includes(0)) break
      throw new TallyError('ledger/corrupt', 'self', `the outbox ${path} is damaged at byte ${length}`, {
        remedy: 'restore the file, or move it away and add the entries of the record again: none is recorded twice',
      })
    }
    lines.push(line)
    length = end + 1
  }
  return { lines, length }
}

const apply = (items: Map<Hex, OutboxItem>, line: Line): void => {
  if ('entry' in line) {
    const id = entryId(line.entry)
    items.set(id, { id, entry: line.entry, status: 'pending' })
    return
  }
  const item = items.get('final' in line ? line.final : line.rejected)
  if (item === undefined) return
  const { id, entry } = item
  items.set(
    id,
    'final' in line ? { id, entry, status: 'final', at: line.at } : { id, entry, status: 'rejected', why: line.why },
  )
}

const openSynced = async (path: string): Promise<FileHandle> => {
  const file = await open(path, 'a+', 0o600)
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
  return file
}

/** @throws TallyError ledger/corrupt if the file is damaged before its last line */
export const openOutbox = async (path: string): Promise<Outbox> => {
  const file = await openSynced(path)
  const items = new Map<Hex, OutboxItem>()
  let size: number
  try {
    const bytes = await file.readFile()
    const { lines, length } = parse(path, bytes)
    if (length < bytes.length) await file.truncate(length)
    size = length
    for (const line of lines) apply(items, line)
  } catch (error) {
    await file.close()
    throw error
  }

  let writing: Promise<unknown> = Promise.resolve()
  const append = (line: Line): Promise<void> => {
    const text = canonicalJson(line)
    const bytes = Buffer.from(`${checksum(text)} ${text}\n`)
    const before = writing
    const write = (async () => {
      await before
      try {
        await file.appendFile(bytes)
        await file.datasync()
      } catch (cause) {
        // What was written of the line must not stand before the next one.
        await file.truncate(size).catch(() => {})
        throw new TallyError('journal/io', 'self', `could not write to the outbox ${path}`, {
          remedy: 'check the free space and the permissions of its folder',
          cause,
        })
      }
      size += bytes.length
      apply(items, line)
    })()
    writing = write.catch(() => {})
    return write
  }

  /** Takes final entries (of one job, where given) as pending; where they were recorded stays known. */
  const reopen = (job?: Job): void => {
    const wanted = job && canonicalJson(job)
    for (const item of items.values()) {
      if (item.status !== 'final') continue
      if (wanted !== undefined && ('root' in item.entry || canonicalJson(item.entry.job) !== wanted)) continue
      items.set(item.id, { ...item, status: 'pending' })
    }
  }

  /** One try of one entry. @returns whether it needs another. */
  const attempt = async (item: OutboxItem, ledger: Ledger, options: DrainOptions): Promise<boolean> => {
    const { at, gas } = await ledger.submit(item.entry, options.signal)
    options.onRecorded?.({ ...item, at }, gas)
    if ((await ledger.head()) < at.block + (options.confirmations ?? 0)) return true
    if (item.at?.blockHash === at.blockHash) items.set(item.id, { ...item, status: 'final' })
    else await append({ final: item.id, at })
    return false
  }

  const drain = async (ledger: Ledger, options: DrainOptions = {}): Promise<void> => {
    const { pause: first = 500, maxPause = 60_000, signal } = options
    for (let pause = first; ;) {
      let failure: TallyError | undefined
      let again = false
      for (const item of items.values()) {
        if (item.status !== 'pending') continue
        signal?.throwIfAborted()
        try {
          again = (await attempt(item, ledger, options)) || again
          if (item.at === undefined) pause = first
        } catch (error) {
          signal?.throwIfAborted()
          if (!(error instanceof TallyError)) throw error
          if (!isRetryable(error)) {
            await append({ rejected: item.id, why: `${error.code}: ${error.message}` })
            continue
          }
          failure = error
          if (error.code !== 'ledger/rejected') break
          // What the refused entry stands on may be gone from the chain, although it was final here.
          if ('job' in item.entry) reopen(item.entry.job)
        }
      }
      if (failure === undefined && !again) {
        if (![...items.values()].some(({ status }) => status === 'pending')) return
        continue
      }
      if (failure !== undefined) options.onRetry?.(failure, pause)
      // Spread, so that the parties of a job do not all come back at once.
      await sleep(failure === undefined ? first : pause * (0.75 + Math.random() / 2), undefined, { signal })
      if (failure !== undefined) pause = Math.min(pause * 2, maxPause)
    }
  }

  return {
    async add(entry) {
      const id = entryId(entry)
      if (!items.has(id)) await append({ entry })
      return id
    },
    items: () => [...items.values()],
    drain,
    recheck: () => reopen(),
    async close() {
      await writing
      await file.close()
    },
  }
}
