/**
 * Several batches of correlated transfers over one set of base transfers and trees, each batch with a Delta of its own.
 * Public entry points and the description of the protocol: `index.ts`.
 */
import { concatBytes, equalBytes, TallyError } from '@tallystick/core'
import { aesExpand, gf128Evaluate, transposeBits } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { baseCost, baseReceive, baseSend } from '../base/index.ts'
import { addInto, blockBytes } from '../bytes.ts'
import type { Adversary, BaseKind, BlockCost } from '../interface.ts'
import { chunkLeaves, chunks, correct, receiverColumns, senderColumns } from './columns.ts'
import type { CorrelatedMessages } from './messages.ts'
import { baseChoices, makeSeeds, seedBytes, takeSeeds } from './seeds.ts'

export type CorrelatedContext = Context<CorrelatedMessages<'each', 'each'>, string>

/** How a call is secured. */
export interface Mode {
  readonly security: Adversary
  readonly base?: BaseKind | undefined
}

/** Rows of a batch; Delta and the choices are known to one end each. */
export interface Batch {
  readonly rows: number
}
export interface SenderBatch extends Batch {
  /** 16 bytes. */
  readonly delta: Uint8Array
}
export interface ReceiverBatch extends Batch {
  /** At least `rows` bits. */
  readonly choices: Uint8Array
}

/** Rows that are sacrificed to the check, first of all: they hide what the hash of the others says. */
const sacrificed = 128
const responseBytes = blockBytes + 128 * blockBytes

const extra = (security: Adversary): number => (security === 'malicious' ? sacrificed : 0)
/** Bytes of a column: rows and sacrificed rows, up to whole blocks. */
const widthOf = ({ rows }: Batch, security: Adversary): number => 16 * Math.ceil((rows + extra(security)) / 128)

export const correlateCost = (batches: readonly Batch[], { security, base: kind }: Mode): BlockCost => {
  const base = baseCost(128 * batches.length, kind)
  const malicious = security === 'malicious'
  const corrections = batches.reduce((sum, batch) => sum + chunks * widthOf(batch, security), 0)
  const check = malicious ? blockBytes + responseBytes * batches.length : 0
  return {
    rounds: malicious ? 4 : 2,
    bytes: base.bytes + seedBytes(batches.length, security) + corrections + check,
    coins: {
      sender: base.coins.receiver + (malicious ? blockBytes : 0),
      receiver: base.coins.sender + batches.length * blockBytes * (chunks + (malicious ? 1 : 0)),
    },
  }
}

/** The leaves' vectors of each batch. */
function* expanded(
  wire: CorrelatedContext,
  keys: Uint8Array,
  batches: readonly Batch[],
  security: Adversary,
): Routine<Uint8Array[]> {
  const vectors: Uint8Array[] = []
  const keyBytes = blockBytes * chunks * chunkLeaves
  for (const [i, batch] of batches.entries()) {
    const own = keys.slice(keyBytes * i, keyBytes * (i + 1))
    vectors.push(yield* wire.compute(aesExpand, { keys: own, width: widthOf(batch, security) }))
  }
  return vectors
}

/** Rows of 16 bytes from 128 columns, without the sacrificed ones. */
function* rowsOf(wire: CorrelatedContext, columns: Uint8Array, rows: number, security: Adversary): Routine<Uint8Array> {
  const all = yield* wire.compute(transposeBits, { rows: columns, height: 128 })
  return all.subarray(blockBytes * extra(security), blockBytes * (rows + extra(security)))
}

const misbehaved = (peer: string, message: string): TallyError =>
  new TallyError('peer/misbehaved', { peer }, `transfers of ${peer}: ${message}`, {
    remedy: `ask ${peer} which software it runs: the agreed protocol does not send this; keep the journal`,
  })

/** The sender's rows q of each batch. @throws TallyError peer/misbehaved for wrong lengths and failed checks. */
export function* correlateSend(
  ctx: CorrelatedContext,
  peer: string,
  batches: readonly SenderBatch[],
  { security, base }: Mode,
): Routine<Uint8Array[]> {
  const deltas = batches.map(({ delta }) => delta)
  const pads = yield* baseReceive(ctx.narrow('base'), peer, 128 * batches.length, baseChoices(deltas), base)
  const keys = yield* takeSeeds(ctx, peer, deltas, pads, security)
  const vectors = yield* expanded(ctx, keys, batches, security)
  const columns: Uint8Array[] = []
  for (const [i, batch] of batches.entries()) {
    const width = widthOf(batch, security)
    const corrections = yield* ctx.receive('otCorrections', peer)
    if (corrections.length !== chunks * width) {
      throw misbehaved(peer, `expected ${chunks * width} bytes of corrections, found ${corrections.length}`)
    }
    columns.push(senderColumns(vectors[i]!, width, batch.delta))
    correct(columns[i]!, corrections, width, batch.delta)
  }
  if (security === 'malicious') yield* checkColumns(ctx, peer, columns, deltas)
  const out: Uint8Array[] = []
  for (const [i, { rows }] of batches.entries()) out.push(yield* rowsOf(ctx, columns[i]!, rows, security))
  return out
}

/** The consistency check of SoftSpokenOT: a universal hash of every column agrees with Delta and the hash of the choices. */
function* checkColumns(
  ctx: CorrelatedContext,
  peer: string,
  columns: readonly Uint8Array[],
  deltas: readonly Uint8Array[],
): Routine<void> {
  const point = ctx.narrow('challenge').rng.bytes(blockBytes)
  yield* ctx.send('otChallenge', point, peer)
  const response = yield* ctx.receive('otResponse', peer)
  if (response.length !== responseBytes * columns.length) {
    throw misbehaved(peer, `expected ${responseBytes * columns.length} bytes of response, found ${response.length}`)
  }
  for (const [i, delta] of deltas.entries()) {
    const own = yield* ctx.compute(gf128Evaluate, { point, elements: columns[i]!, polynomials: 128 })
    const choices = response.slice(responseBytes * i, responseBytes * i + blockBytes)
    const expected = response.slice(responseBytes * i + blockBytes, responseBytes * (i + 1))
    for (let column = 0; column < 128; column++) {
      const mask = -((delta[column >> 3]! >> (column & 7)) & 1)
      for (let k = 0; k < blockBytes; k++) expected[blockBytes * column + k]! ^= mask & choices[k]!
    }
    if (!equalBytes(own, expected)) {
      throw misbehaved(peer, 'the correlation check failed: a cheating attempt, or damage on the way')
    }
  }
}

/** The receiver's choices with the sacrificed ones before them and zeros behind, `width` bytes. */
const padded = ({ rows, choices }: ReceiverBatch, sacrifice: Uint8Array, width: number): Uint8Array => {
  const out = new Uint8Array(width)
  out.set(sacrifice)
  out.set(choices.subarray(0, Math.ceil(rows / 8)), sacrifice.length)
  return out
}

/** The receiver's rows v of each batch: v = q + choice · Delta. */
export function* correlateReceive(
  ctx: CorrelatedContext,
  peer: string,
  batches: readonly ReceiverBatch[],
  { security, base }: Mode,
): Routine<Uint8Array[]> {
  const { rng } = ctx.narrow('seeds')
  const roots = rng.bytes(blockBytes * chunks * batches.length)
  const sacrifices = batches.map(() => rng.bytes(security === 'malicious' ? blockBytes : 0))
  const pads = yield* baseSend(ctx.narrow('base'), peer, 128 * batches.length, base)
  const keys = yield* makeSeeds(ctx, peer, roots, pads, security)
  const vectors = yield* expanded(ctx, keys, batches, security)
  const columns: Uint8Array[] = []
  const choices: Uint8Array[] = []
  for (const [i, batch] of batches.entries()) {
    const width = widthOf(batch, security)
    const own = receiverColumns(vectors[i]!, width)
    const bits = padded(batch, sacrifices[i]!, width)
    for (let chunk = 0; chunk < chunks; chunk++) addInto(own.sums.subarray(width * chunk, width * (chunk + 1)), bits)
    yield* ctx.send('otCorrections', own.sums, peer)
    columns.push(own.columns)
    choices.push(bits)
  }
  if (security === 'malicious') {
    const point = yield* ctx.receive('otChallenge', peer)
    const parts: Uint8Array[] = []
    for (const [i, elements] of columns.entries()) {
      parts.push(yield* ctx.compute(gf128Evaluate, { point, elements: choices[i]!, polynomials: 1 }))
      parts.push(yield* ctx.compute(gf128Evaluate, { point, elements, polynomials: 128 }))
    }
    yield* ctx.send('otResponse', concatBytes(...parts), peer)
  }
  const out: Uint8Array[] = []
  for (const [i, { rows }] of batches.entries()) out.push(yield* rowsOf(ctx, columns[i]!, rows, security))
  return out
}
