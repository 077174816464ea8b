/** The steps of the two roles, each over the chunks of one message or the whole of one table. */
import { taggedDigest, TallyError } from '@tallystick/core'
import { blake3Ids, blake3Masks, tableDuplicate, type Digests } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { checkRows, duplicated } from '../ecdh/items.ts'
import type { Items } from '../ecdh/messages.ts'

type Compute = Pick<Context<any, any>, 'compute'>

export const misbehaved = (peer: string, text: string): TallyError =>
  new TallyError('peer/misbehaved', { peer }, text, {
    remedy: `ask the ${peer} which software it runs: the agreed protocol does not send this; keep the journal`,
  })

/**
 * Checks a role's own input against the terms; nothing was sent yet.
 * @throws TallyError input/malformed, input/changed (not the agreed number of rows) or input/duplicate.
 */
export function* checkOwn(ctx: Compute, items: Items, role: string, size: number): Routine<void> {
  checkRows(items, role, size)
  const [row, of] = yield* ctx.compute(tableDuplicate, { bytes: items.bytes, offsets: items.offsets })
  if (row !== undefined) throw duplicated(row, of!)
}

/** The digests of all rows under the session's salt: `first` is H(x) in GF(2^128), `second` the row of the store. */
export const digestsOf = (ctx: Compute, salt: Uint8Array, { bytes, offsets }: Items): Routine<Digests> =>
  ctx.compute(blake3Ids, { key: taggedDigest('tallystick/psi/rr22/ids/v1', salt), bytes, offsets })

/** F(row) = H'(value + w, row) for each row, in the given width. */
export const masksOf = (
  ctx: Compute,
  salt: Uint8Array,
  values: Uint8Array,
  { first, second }: Digests,
  tweak: Uint8Array,
  width: number,
): Routine<Uint8Array> => {
  const key = taggedDigest('tallystick/psi/rr22/masks/v1', salt)
  return ctx.compute(blake3Masks, { key, values, first, second, tweak, width })
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
  peer: string,
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
