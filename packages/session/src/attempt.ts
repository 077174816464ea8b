/** One attempt as its journal tells it: typed entries over {@link Journal}, and the syncs that a power loss asks for. */
import { decodeValue, encodeValue, compareBytes, TallyError, toHex, type Value } from '@tallystick/core'
import { createTranscript, type Hash } from '@tallystick/protocol'
import { decodeControl, type Chains, type ControlBody, type ControlKind } from './control.ts'
import { chainBinding, runOf, type Run } from './digests.ts'
import type { EntryKind, Journal } from './journal.ts'
import type { InboxFrame, ReservedRange } from './record.ts'
import { specHash, termsBytes, type Terms } from './terms.ts'

/** What a party draws at the start of an attempt and commits to; 32 bytes each. */
export interface Secrets {
  readonly inputRoot: Uint8Array
  readonly inputNonce: Uint8Array
  readonly seed: Uint8Array
  readonly seedNonce: Uint8Array
  readonly coin: Uint8Array
  readonly coinNonce: Uint8Array
}

export interface Attempt {
  readonly run: Run
  readonly role: string
  readonly journal: Journal
  /** How many entries were written since it was opened. */
  readonly writes: number
  /** Own control message of a kind, as it left (or will leave). */
  sent(kind: ControlKind): Uint8Array | undefined
  /** A control message of a peer, as it was accepted. */
  got<K extends ControlKind>(kind: K, peer: string): ControlBody<K> | undefined
  gotBytes(kind: ControlKind, peer: string): Uint8Array | undefined
  has(key: string): boolean
  value(key: string): Value
  /** Writes an entry of the kind `state`, once. */
  put(key: string, value: Value | Uint8Array): void
  /** Like put, but what was written before the crash stays, and must be the same. */
  ensure(key: string, body: Uint8Array): void
  append(kind: EntryKind, key: string, body: Uint8Array): void
  secrets(): Secrets | undefined
  /** How many frames of each (peer, step) the journal holds. */
  held(): Map<string, Map<string, number>>
  /** The chains of what a peer sent, as far as this side took it in. */
  chains(peer: string): Chains
  inbox(): Iterable<InboxFrame>
  reserved(): readonly ReservedRange[]
  /** To disk, where anything was written since the last time. */
  sync(): void
  /**
   * Before any frame leaves: all that it can depend on is written down, so a second run sends the same; and from here on
   * a lost tail of the journal means that the attempt is over.
   */
  beforeSend(): void
}

export const frameKey = (from: string, step: string, ordinal: number): string => `${from}>${step}#${ordinal}`

const parseFrameKey = (key: string): { from: string; step: string; ordinal: number } => {
  const from = key.indexOf('>')
  const mark = key.lastIndexOf('#')
  return { from: key.slice(0, from), step: key.slice(from + 1, mark), ordinal: Number(key.slice(mark + 1)) }
}

/** @throws TallyError input/changed where the journal was begun under other terms */
export const openAttempt = (terms: Terms, role: string, attempt: number, journal: Journal, hash?: Hash): Attempt => {
  const run = runOf(specHash(terms), attempt)
  let unsynced = false
  let marked = false
  let writes = 0
  const append = (kind: EntryKind, key: string, body: Uint8Array): void => {
    journal.append(kind, key, body)
    unsynced = true
    writes++
  }
  const value = (key: string): Value => {
    const body = journal.get('state', key)
    return body === undefined ? undefined : decodeValue(body)
  }
  const known = journal.get('state', 'terms')
  if (known === undefined) append('state', 'terms', termsBytes(terms))
  else if (compareBytes(known, termsBytes(terms)) !== 0) {
    throw new TallyError('input/changed', 'self', `the journal of attempt ${attempt} was begun under other terms`, {
      remedy: 'keep one folder for each computation',
    })
  }
  const keysOf = (kind: EntryKind): string[] => [...journal.keys(kind)]
  const frames = () => keysOf('receive').map(parseFrameKey)

  return {
    run,
    role,
    journal,
    get writes() {
      return writes
    },
    sent: (kind) => journal.get('state', `sent/${kind}`),
    got(kind, peer) {
      const bytes = journal.get('state', `got/${kind}/${peer}`)
      return bytes === undefined ? undefined : decodeControl(kind, bytes, peer)
    },
    gotBytes: (kind, peer) => journal.get('state', `got/${kind}/${peer}`),
    has: (key) => journal.has('state', key),
    value,
    put: (key, body) => append('state', key, body instanceof Uint8Array ? body : encodeValue(body)),
    ensure(key, body) {
      const before = journal.get('state', key)
      if (before === undefined) return append('state', key, body)
      if (compareBytes(before, body) === 0) return
      const message = `this run makes other ${key} than the run before the crash did`
      throw new TallyError('journal/rewound', 'self', message, {
        remedy: 'the input or the software is not what it was: start a new attempt',
      })
    },
    append,
    secrets: () => value('secrets') as unknown as Secrets | undefined,
    held() {
      const held = new Map<string, Map<string, number>>()
      for (const { from, step } of frames()) {
        let steps = held.get(from)
        if (steps === undefined) held.set(from, (steps = new Map()))
        steps.set(step, (steps.get(step) ?? 0) + 1)
      }
      return held
    },
    chains(peer) {
      const transcript = createTranscript(chainBinding(run), hash)
      for (const key of keysOf('receive')) {
        const { from, step } = parseFrameKey(key)
        if (from === peer) transcript.append(from, role, step, journal.get('receive', key)!)
      }
      return transcript.heads().map(({ step, frames: count, head }) => [step, count, toHex(head)] as const)
    },
    *inbox() {
      const sorted = frames().sort(
        (a, b) =>
          (a.from < b.from ? -1 : a.from > b.from ? 1 : 0) ||
          (a.step < b.step ? -1 : a.step > b.step ? 1 : 0) ||
          a.ordinal - b.ordinal,
      )
      for (const frame of sorted) {
        yield { ...frame, body: journal.get('receive', frameKey(frame.from, frame.step, frame.ordinal))! }
      }
    },
    reserved: () =>
      keysOf('state')
        .filter((key) => key.startsWith('reserve/'))
        .map((key) => {
          const { correlation, count, units } = value(key) as { correlation: string; count: number; units: Uint8Array }
          const { step, ordinal } = parseFrameKey(`>${key.slice('reserve/'.length)}`)
          return { step, ordinal, correlation, count, body: units }
        }),
    sync() {
      if (!unsynced && !marked) return
      journal.sync()
      unsynced = false
      marked = false
    },
    beforeSend() {
      journal.flush()
      if (marked) return
      journal.markSent()
      marked = true
    },
  }
}
