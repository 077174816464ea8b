/**
 * The journal of one attempt: what a party writes down before it acts on it. After a crash the same routine is run
 * again from the start with what the journal holds, and re-emits byte-identical frames.
 */

export type EntryKind =
  /** Frames from peers; `compute` results that would cost more to make again than to read. */
  | 'receive'
  | 'compute'
  /** What cannot be derived again and is synced: seed, input, terms, reserved ranges, signatures, heads, the close. */
  | 'state'

export interface Journal {
  /** Entries that were there when the journal was opened: a resumed attempt. */
  readonly resumed: boolean
  has(kind: EntryKind, key: string): boolean
  /** The body of an entry, read back from disk and checked. @throws TallyError journal/corrupt */
  get(kind: EntryKind, key: string): Uint8Array | undefined
  /** Keys of a kind in the order of writing. */
  keys(kind: EntryKind): Iterable<string>
  /** Takes an entry in; the body is copied. A key is written once. */
  append(kind: EntryKind, key: string, body: Uint8Array): void
  /** Survives `kill -9` when it returns: everything appended before is with the system. */
  flush(): void
  /** Survives a power loss when it returns: everything appended before is on the disk. */
  sync(): void
  /** Marks that something was sent after the last sync: a later generation or another boot must then not resume. */
  markSent(): void
  close(): void
}
