/** Vectors between the parties, in chunks. Large ones are sent and received side by side, so no inbox fills up. */
import { TallyError } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import { chunkWords, type Messages } from './messages.ts'
import type { Ctx, Party } from './party.ts'

export type VectorMessage = Exclude<keyof Messages, 'key' | 'seed'>

/** Words to one peer, made chunk by chunk, at most one vector a peer in a transfer. */
export interface Outgoing {
  readonly to: string
  readonly words: number
  /** Words from … to, at multiples of the chunk. */
  readonly make: (from: number, to: number) => Routine<Uint32Array>
}

export interface Incoming {
  readonly from: string
  readonly words: number
}

/** Chunks that may wait at the receiver before it looks at any. */
const mostWaiting = 4

/** A vector that is there already is one case of those that are computed as they are sent. */
const cut = (words: Uint32Array) =>
  // oxlint-disable-next-line require-yield -- see above
  function* (from: number, to: number): Routine<Uint32Array> {
    return words.subarray(from, to)
  }

export const vector = (to: string, words: Uint32Array): Outgoing => ({ to, words: words.length, make: cut(words) })

function* sendAll(ctx: Ctx, name: VectorMessage, { to, words, make }: Outgoing): Routine<void> {
  for (let from = 0; from < words; from += chunkWords) {
    yield* ctx.send(name, yield* make(from, Math.min(from + chunkWords, words)), to)
  }
}

function* receiveAll(ctx: Ctx, name: VectorMessage, { from, words }: Incoming): Routine<Uint32Array> {
  const out = words > chunkWords ? new Uint32Array(words) : undefined
  for (let at = 0; at < words; at += chunkWords) {
    const chunk = yield* ctx.receive(name, from)
    const expected = Math.min(chunkWords, words - at)
    if (chunk.length !== expected) {
      const message = `${name}: expected ${expected} words from ${from}, found ${chunk.length}`
      throw new TallyError('peer/misbehaved', { peer: from }, message, { remedy: `ask ${from} which software it runs` })
    }
    if (out === undefined) return chunk
    out.set(chunk, at)
  }
  return out ?? new Uint32Array(0)
}

/**
 * Sends and receives; what was received, in the order of `incoming`. One round. All three parties call it, with the
 * words of its largest vector, whether they have something to say or not: the size decides on the steps.
 */
export function* transfer(
  party: Pick<Party, 'ctx' | 'count'>,
  name: VectorMessage,
  largest: number,
  outgoing: readonly Outgoing[],
  incoming: readonly Incoming[],
): Routine<readonly Uint32Array[]> {
  const { ctx } = party
  if (largest <= mostWaiting * chunkWords) {
    for (const vector of outgoing) yield* sendAll(ctx, name, vector)
    const received = []
    for (const vector of incoming) received.push(yield* receiveAll(ctx, name, vector))
    return received
  }
  // Both directions at once, over one step that both ends name alike.
  const wire = ctx.narrow(`wide/${party.count()}`)
  const results = yield* ctx.join(
    ...outgoing.map((vector) => () => sendAll(wire, name, vector)),
    ...incoming.map((vector) => () => receiveAll(wire, name, vector)),
  )
  return (results as (Uint32Array | undefined)[]).slice(outgoing.length) as Uint32Array[]
}
