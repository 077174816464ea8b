/**
 * Links and journals in memory: several parties in one process, for tests and for trying things out. Delivery is
 * asynchronous and honest about back-pressure; the network can drop connections, and a journal can die like a process,
 * lose what was not synced like a machine without power, or be restored from a copy.
 */
import { TallyError, type Hex } from '@tallystick/core'
import { randomBytes } from '@noble/hashes/utils.js'
import type { EntryKind, Journal } from './journal.ts'
import { defaultLinkLimits, type Frame, type Link, type LinkReceiver } from './link.ts'
import type { JournalStore } from './session.ts'

export interface MemoryLinkOptions {
  /** High-water mark of what waits for the receiver. */
  readonly queuedBytes?: number
  /** What arrives in place of a frame. Runs at the sender, so a test can count frames in it and drop the link. */
  readonly deliver?: (frame: Frame, drop: () => void) => readonly Frame[]
  /** By end: what its peer's TLS key would be. */
  readonly peerKeys?: readonly [Hex | undefined, Hex | undefined]
}

interface End {
  readonly link: Link
  receive(frame: Frame): void
  end(error: TallyError | undefined): void
}

const overhead = 64
const dropped = (): TallyError =>
  new TallyError('network/closed', 'network', 'the connection was lost', { remedy: 'connect again' })

/** Two ends of one connection. */
export const memoryLinks = (options: MemoryLinkOptions = {}): readonly [Link, Link] => {
  const { queuedBytes = defaultLinkLimits.queuedBytes, deliver = (frame) => [frame] } = options
  const binding = randomBytes(32)

  const createEnd = (peerKey: Hex | undefined, other: () => End): End => {
    const queue: Frame[] = []
    let first = 0
    let waiting = 0
    let receiver: LinkReceiver | undefined
    let paused = false
    let scheduled = false
    let state: 'open' | 'ending' | 'closed' = 'open'
    let reason: TallyError | undefined
    const traffic = { sent: 0, received: 0 }
    let relieved: (() => void)[] = []
    const relieve = (): void => {
      if (waiting > queuedBytes / 2 && state !== 'closed') return
      const calls = relieved
      relieved = []
      for (const call of calls) call()
    }
    const deliverable = (): boolean => receiver !== undefined && !paused && first < queue.length && state !== 'closed'
    const flush = (): void => {
      scheduled = false
      while (deliverable()) {
        const frame = queue[first++]!
        waiting -= frame.body.length + overhead
        traffic.received += frame.body.length + overhead
        receiver!.frame(frame)
      }
      if (first === queue.length) {
        queue.length = 0
        first = 0
        if (state === 'ending' && receiver !== undefined) {
          state = 'closed'
          receiver.closed(reason)
        }
      }
      relieve()
    }
    const schedule = (): void => {
      if (scheduled) return
      scheduled = true
      queueMicrotask(flush)
    }
    /** Resolves when what this end holds for its receiver is below the mark. */
    const room = (): Promise<void> =>
      waiting <= queuedBytes ? Promise.resolve() : new Promise((resolve) => relieved.push(resolve))
    rooms.push({ room, full: () => waiting > queuedBytes })
    const index = rooms.length - 1
    const there = () => rooms[1 - index]!

    const link: Link = {
      peerKey,
      binding,
      traffic,
      send(frame) {
        if (state !== 'open') return true
        traffic.sent += frame.body.length + overhead
        const copy = { ...frame, body: frame.body.slice() }
        for (const arrival of deliver(copy, drop)) other().receive(arrival)
        return !there().full()
      },
      async drained() {
        if (state !== 'open') throw reason ?? dropped()
        await there().room()
      },
      receive(given) {
        receiver = given
        schedule()
      },
      pause() {
        paused = true
      },
      resume() {
        paused = false
        schedule()
      },
      close(why) {
        if (state === 'closed') return Promise.resolve()
        state = 'closed'
        other().end(
          why === undefined
            ? undefined
            : new TallyError('peer/aborted', 'network', `the peer closed the connection with ${why.code}`),
        )
        return Promise.resolve()
      },
    }
    return {
      link,
      receive(frame) {
        if (state === 'closed') return
        queue.push(frame)
        waiting += frame.body.length + overhead
        schedule()
      },
      end(error) {
        if (state !== 'open') return
        state = 'ending'
        reason = error
        schedule()
      },
    }
  }
  const rooms: { room(): Promise<void>; full(): boolean }[] = []
  const [keyA, keyB] = options.peerKeys ?? [undefined, undefined]
  const a: End = createEnd(keyA, () => b)
  const b: End = createEnd(keyB, () => a)
  const drop = (): void => {
    a.end(dropped())
    b.end(dropped())
  }
  return [a.link, b.link]
}

export interface MemoryNetwork {
  /** What {@link import('./session.ts').SessionOptions.links} wants: waits until every peer has dialled too. */
  dial(role: string): (signal: AbortSignal) => Promise<Readonly<Record<string, Link>>>
}

/** Connects whoever dials each other. A party that dials again while its peer has not gets what was dialled before. */
export const memoryNetwork = (
  roles: readonly string[],
  options: (a: string, b: string) => MemoryLinkOptions = () => ({}),
): MemoryNetwork => {
  /** Ends that wait for their role to dial, by `role<peer`. */
  const offered = new Map<string, (link: Link) => void>()
  const connect = (role: string, peer: string, signal: AbortSignal): Promise<Link> =>
    new Promise((resolve, reject) => {
      const counterpart = `${peer}<${role}`
      const give = offered.get(counterpart)
      if (give !== undefined) {
        offered.delete(counterpart)
        const [first, second] = role < peer ? [role, peer] : [peer, role]
        const [a, b] = memoryLinks(options(first, second))
        give(role < peer ? b : a)
        return resolve(role < peer ? a : b)
      }
      const key = `${role}<${peer}`
      offered.set(key, resolve)
      signal.addEventListener('abort', () => {
        if (offered.get(key) === resolve) offered.delete(key)
        reject(new TallyError('network/unreachable', 'network', `${peer} does not answer`))
      })
    })
  return {
    dial: (role) => async (signal) => {
      const peers = roles.filter((peer) => peer !== role)
      const links = await Promise.all(peers.map(async (peer) => [peer, await connect(role, peer, signal)] as const))
      return Object.fromEntries(links)
    },
  }
}

interface Entry {
  readonly kind: EntryKind
  readonly key: string
  readonly body: Uint8Array
}

interface Disk {
  entries: Entry[]
  /** How many entries outlive the process, and how many the machine's power. */
  flushed: number
  synced: number
  /** The generation in which something was sent after the last sync; undefined while nothing was. */
  sentIn: number | undefined
}

export interface MemoryJournals extends JournalStore {
  /** Called before every append; throws to let the process die there: what was not flushed is gone. */
  onAppend: (kind: EntryKind, key: string) => void
  /** Appends so far, over all attempts. */
  readonly appends: number
  /** Entries of all attempts that a process which dies now takes with it. */
  readonly unflushed: number
  /** What a machine without power leaves: the synced part, and another boot. */
  losePower(): void
  copy(): unknown
  /** Puts a copy back; the generation is held elsewhere and moves on. */
  restore(copy: unknown): void
}

const rewound = (attempt: number): TallyError =>
  new TallyError(
    'journal/rewound',
    'self',
    `the journal of attempt ${attempt} may lack what was answered before: something was sent after its last sync`,
    { remedy: 'start a new attempt; this one never goes on' },
  )

export const memoryJournals = (): MemoryJournals => {
  let disks = new Map<number, Disk>()
  let generation = 0
  let appends = 0
  const store: MemoryJournals = {
    onAppend: () => {},
    attempts: () => [...disks.keys()].sort((a, b) => a - b),
    get appends() {
      return appends
    },
    get unflushed() {
      return [...disks.values()].reduce((sum, { entries, flushed }) => sum + entries.length - flushed, 0)
    },
    losePower() {
      generation++
      for (const disk of disks.values()) disk.entries.length = disk.flushed = disk.synced
    },
    copy: () => structuredClone(disks),
    restore(copy) {
      generation++
      disks = structuredClone(copy) as Map<number, Disk>
    },
    open(attempt) {
      let disk = disks.get(attempt)
      if (disk === undefined) disks.set(attempt, (disk = { entries: [], flushed: 0, synced: 0, sentIn: undefined }))
      const { entries } = disk
      const file = disk
      entries.length = Math.min(entries.length, file.flushed)
      if (file.sentIn !== undefined && file.sentIn !== generation) throw rewound(attempt)
      const name = (kind: EntryKind, key: string): string => `${kind} ${key}`
      const index = new Map(entries.map((entry) => [name(entry.kind, entry.key), entry.body]))
      const resumed = entries.length > 0
      let closed = false
      let dead = false
      const requireOpen = (): void => {
        if (closed) throw new TallyError('api/misuse', 'self', 'the journal is closed')
      }
      const flush = (): void => {
        if (!dead) file.flushed = entries.length
      }
      return {
        resumed,
        has: (kind, key) => index.has(name(kind, key)),
        get(kind, key) {
          flush()
          return index.get(name(kind, key))?.slice()
        },
        keys: (kind) => entries.filter((entry) => entry.kind === kind).map((entry) => entry.key),
        append(kind, key, body) {
          requireOpen()
          try {
            store.onAppend(kind, key)
          } catch (error) {
            dead = true
            throw error
          }
          if (index.has(name(kind, key))) throw new TallyError('api/misuse', 'self', `${kind} ${key} is written twice`)
          appends++
          const copy = body.slice()
          entries.push({ kind, key, body: copy })
          index.set(name(kind, key), copy)
        },
        flush() {
          requireOpen()
          flush()
        },
        sync() {
          requireOpen()
          flush()
          file.synced = entries.length
          file.sentIn = undefined
        },
        markSent() {
          requireOpen()
          file.sentIn ??= generation
        },
        close() {
          if (!closed) flush()
          closed = true
        },
      } satisfies Journal
    },
  }
  return store
}
