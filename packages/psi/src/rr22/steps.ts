/** The steps of the two roles, each over the chunks of one message or the whole of one table. */
import { taggedDigest, TallyError } from '@tallystick/core'
import { blake3Ids, blake3Masks, tableDuplicate, type Digests } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { checkRows, chunks, duplicated } from '../ecdh/items.ts'
import type { Items, Role } from '../ecdh/messages.ts'
import { elementBytes } from './messages.ts'

type Compute = Pick<Context<any, Role>, 'compute'>

export const misbehaved = (peer: Role, text: string): TallyError =>
  new TallyError('peer/misbehaved', { peer }, text, {
    remedy: `ask the ${peer} which software it runs: the agreed protocol does not send this; keep the journal`,
  })

/**
 * Checks a role's own input against the terms; nothing was sent yet.
 * @throws TallyError input/malformed, input/changed (not the agreed number of rows) or input/duplicate.
 */
export function* checkOwn(ctx: Compute, items: Items, role: Role, size: number): Routine<void> {
  checkRows(items, role, size)
  const [row, of] = yield* ctx.compute(tableDuplicate, { bytes: items.bytes, offsets: items.offsets })
  if (row !== undefined) throw duplicated(row, of!)
}

/** Rows from … to, over the same bytes. */
const slice = ({ bytes, offsets }: Items, from: number, to: number): Items => {
  const start = offsets[from]!
  const own = new Uint32Array(to - from + 1)
  for (let i = 0; i < own.length; i++) own[i] = offsets[from + i]! - start
  return { bytes: bytes.subarray(start, offsets[to]), offsets: own }
}

/** Rows that a kernel call hashes: its memory beside the result stays small, and a worker is not kept for long. */
const hashRows = 65_536

/** The digests of all rows under the session's salt: `first` is H(x) in GF(2^128), `second` the row of the store. */
export function* digestsOf(ctx: Compute, salt: Uint8Array, items: Items): Routine<Digests> {
  const key = taggedDigest('tallystick/psi/rr22/ids/v1', salt)
  const rows = items.offsets.length - 1
  const first = new Uint8Array(elementBytes * rows)
  const second = new Uint8Array(elementBytes * rows)
  for (const [from, to] of chunks(rows, hashRows)) {
    const part = yield* ctx.compute(blake3Ids, { key, ...slice(items, from, to) })
    first.set(part.first, elementBytes * from)
    second.set(part.second, elementBytes * from)
  }
  return { first, second }
}

/** F(row) = H(value + w, row) for each row, in the given width. */
export function* masksOf(
  ctx: Compute,
  salt: Uint8Array,
  values: Uint8Array,
  digests: Digests,
  tweak: Uint8Array,
  width: number,
): Routine<Uint8Array> {
  const key = taggedDigest('tallystick/psi/rr22/masks/v1', salt)
  const rows = values.length / elementBytes
  const masks = new Uint8Array(width * rows)
  for (const [from, to] of chunks(rows, hashRows)) {
    const part = (table: Uint8Array): Uint8Array => table.subarray(elementBytes * from, elementBytes * to)
    const { first, second } = digests
    const input = { key, values: part(values), first: part(first), second: part(second), tweak, width }
    masks.set(yield* ctx.compute(blake3Masks, input), width * from)
  }
  return masks
}

/** a + b over GF(2^128), element by element. */
export const add = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const out = Uint8Array.from(a)
  const words = new Uint32Array(out.buffer)
  const others = b.byteOffset % 4 === 0 ? b : Uint8Array.from(b)
  const more = new Uint32Array(others.buffer, others.byteOffset, others.length / 4)
  for (let i = 0; i < words.length; i++) words[i]! ^= more[i]!
  return out
}

/** Receives the frame of entries from … to, `width` bytes each. @throws TallyError peer/misbehaved for another length. */
export function* receiveChunk(
  peer: Role,
  what: string,
  [from, to]: readonly [from: number, to: number],
  width: number,
  receive: () => Routine<Uint8Array>,
): Routine<Uint8Array> {
  const chunk = yield* receive()
  if (chunk.length === width * (to - from)) return chunk
  const found = `${chunk.length} bytes in the frame from ${from} on, expected ${width * (to - from)}`
  throw misbehaved(peer, `${what} of the ${peer}: found ${found}`)
}
