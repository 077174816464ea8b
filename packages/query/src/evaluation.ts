/** The first round trip of every query: the asker has the OPRF evaluated at its ids, verifiably, in batches. */
import { ristretto255 } from '@noble/curves/ed25519.js'
import { concatBytes, fixedBytes, flatRows, fromHex, TallyError, utf8ToBytes, type Hex } from '@tallystick/core'
import { message, opening, type Context, type Routine } from '@tallystick/protocol'
import {
  decodeScalar,
  drawScalars,
  elementBytes,
  encodeScalar,
  hashToScalar,
  order,
  scalarCoins,
} from './rfc9497/group.ts'
import { proofBytes, prove, verify } from './rfc9497/proof.ts'
import { blind, blindEvaluate, finalize, type Items } from './rfc9497/suite.ts'

export type Role = 'asker' | 'holder'

/** Elements a frame. */
export const chunkRows = 4096

const elements = flatRows(elementBytes, chunkRows)

export const evaluationMessages = {
  /** r_i · HashToGroup(id_i). */
  blinded: message('asker', 'holder', elements),
  /** k times each: with it the asker can open a row that it has. */
  evaluated: opening('holder', 'asker', elements),
  /** That k is the key of the terms. */
  proof: opening('holder', 'asker', fixedBytes(proofBytes)),
} as const

const nonceTag = 'tallystick/query/nonce/v1'

type Messages = typeof evaluationMessages

/** What terms say of the evaluation. */
export interface Evaluation {
  /** Ids asked for. */
  readonly queries: number
  /** Of the OPRF key that sealed the table: every answer is proven to come from it. */
  readonly publicKey: Hex
}

export const evaluationCost = ({ queries }: Evaluation) => ({
  bytes: 2 * elementBytes * queries + proofBytes,
  coins: { asker: scalarCoins * queries, holder: scalarCoins },
})

/** @throws TallyError input/malformed, input/changed, input/oversize; nothing was sent yet */
export const checkIds = ({ bytes, offsets }: Items, queries: number): void => {
  const rows = offsets.length - 1
  if (rows !== queries) {
    throw new TallyError('input/changed', 'self', `the terms say ${queries} ids, found ${rows}`, {
      remedy: 'ask for as many ids as agreed, or agree on new terms',
    })
  }
  if (offsets[0] !== 0 || offsets.at(-1) !== bytes.length) {
    throw new TallyError('input/malformed', 'self', 'expected n + 1 offsets from 0 to the length of the bytes')
  }
  for (let i = 0; i < rows; i++) {
    const length = offsets[i + 1]! - offsets[i]!
    if (length >= 0 && length <= 65_535) continue
    throw new TallyError('input/oversize', 'self', `expected ids of at most 65535 bytes, id ${i} is none`)
  }
}

/** @throws TallyError identity/wrong-key unless the secret key is that of the terms */
export const checkKey = (secretKey: Uint8Array, publicKey: Hex): void => {
  const scalar = secretKey.length === 32 ? decodeScalar(secretKey) : 0n
  if (scalar > 0n && scalar < order && ristretto255.Point.BASE.multiply(scalar).toHex() === publicKey.slice(2)) return
  throw new TallyError('identity/wrong-key', 'self', 'the OPRF key of this table is not the one that the terms name', {
    remedy: 'serve the version of the table that the terms name, or agree on terms for this one',
  })
}

export const misbehaved = (peer: string, found: string): TallyError =>
  new TallyError('peer/misbehaved', { peer }, `the ${peer} sent ${found}`, {
    remedy: `ask the ${peer} which software it runs: the agreed protocol does not send this; keep the journal`,
  })

/** Receives `rows` elements, frame by frame. */
function* receiveElements(peer: string, rows: number, receive: () => Routine<Uint8Array>): Routine<Uint8Array> {
  const parts: Uint8Array[] = []
  for (let from = 0; from < rows; from += chunkRows) {
    const part = yield* receive()
    const expected = Math.min(chunkRows, rows - from)
    if (part.length !== elementBytes * expected) {
      throw misbehaved(peer, `${part.length / elementBytes} elements in a frame of ${expected}`)
    }
    parts.push(part)
  }
  return concatBytes(...parts)
}

/** The elements of `queries` ids, as the asker blinded them. */
export const receiveBlinded = (
  ctx: Pick<Context<Pick<Messages, 'blinded'>, 'holder'>, 'receive'>,
  queries: number,
): Routine<Uint8Array> => receiveElements('asker', queries, () => ctx.receive('blinded'))

export function* sendElements(rows: Uint8Array, send: (part: Uint8Array) => Routine<void>): Routine<void> {
  const step = elementBytes * chunkRows
  for (let at = 0; at < rows.length; at += step) yield* send(rows.subarray(at, at + step))
}

/** What the asker keeps between its question and the evaluations. */
export interface Asked {
  readonly ids: Items
  readonly blinds: Uint8Array
  readonly blinded: Uint8Array
}

/** Blinds the ids and sends them: nothing is opened yet. */
export function* askBlinded(
  ctx: Context<Messages, 'asker'>,
  { queries }: Pick<Evaluation, 'queries'>,
  ids: Items,
): Routine<Asked> {
  const blinds = drawScalars(ctx.narrow('blinds').rng, queries)
  const blinded = yield* blind(ctx, ids, blinds)
  yield* sendElements(blinded, (part) => ctx.send('blinded', part))
  return { ids, blinds, blinded }
}

/**
 * Receives the evaluations: 64 bytes an id. What can go wrong depends on what the holder sends, never on an id.
 * @param peer who is to blame
 * @throws TallyError peer/misbehaved for what is no element, and for a key other than that of the terms
 */
export function* takeOutputs(
  ctx: Context<Messages, 'asker'>,
  { queries, publicKey }: Evaluation,
  { ids, blinds, blinded }: Asked,
  peer = 'holder',
): Routine<Uint8Array> {
  const evaluated = yield* receiveElements(peer, queries, () => ctx.receive('evaluated'))
  const proof = yield* ctx.receive('proof')
  const { outputs, bad } = yield* finalize(ctx, ids, blinds, evaluated)
  if (bad >= 0) throw misbehaved(peer, `row ${bad}, which is no element of the group`)
  const genuine = yield* verify(ctx, fromHex(publicKey), blinded, evaluated, proof)
  if (!genuine) throw misbehaved(peer, 'evaluations without proof that they are under the key of the terms')
  return outputs
}

/** The asker's side of one holder, with the checkpoint between. */
export function* askOutputs(ctx: Context<Messages, 'asker'>, evaluation: Evaluation, ids: Items): Routine<Uint8Array> {
  const asked = yield* askBlinded(ctx, evaluation, ids)
  yield* ctx.checkpoint()
  return yield* takeOutputs(ctx, evaluation, asked)
}

/** What a holder answers with. */
export interface Evaluated {
  readonly evaluated: Uint8Array
  readonly proof: Uint8Array
}

/** Evaluates what the asker blinded, and proves it. @throws TallyError peer/misbehaved for what is no element */
export function* evaluateBlinded(
  ctx: Context<Messages, 'holder'>,
  { queries, publicKey }: Evaluation,
  secretKey: Uint8Array,
): Routine<Evaluated> {
  const coins = ctx.narrow('proof-nonce').rng.bytes(scalarCoins)
  const blinded = yield* receiveBlinded(ctx, queries)
  const { points: evaluated, bad } = yield* blindEvaluate(ctx, secretKey, blinded)
  if (bad >= 0) throw misbehaved('asker', `row ${bad}, which is no element of the group`)
  // Bound to what it answers: coins that came twice, in a machine put back, would otherwise give the key away.
  const nonce = encodeScalar(hashToScalar(concatBytes(coins, secretKey, blinded), utf8ToBytes(nonceTag)))
  const proof = yield* prove(ctx, { secretKey, publicKey: fromHex(publicKey) }, blinded, evaluated, nonce)
  return { evaluated, proof }
}

export function* sendOutputs(ctx: Context<Messages, 'holder'>, { evaluated, proof }: Evaluated): Routine<void> {
  yield* sendElements(evaluated, (part) => ctx.send('evaluated', part))
  yield* ctx.send('proof', proof)
}

/** The holder's side, with the checkpoint between. @throws TallyError peer/misbehaved for what is no element */
export function* serveOutputs(
  ctx: Context<Messages, 'holder'>,
  evaluation: Evaluation,
  secretKey: Uint8Array,
): Routine<void> {
  const made = yield* evaluateBlinded(ctx, evaluation, secretKey)
  yield* ctx.checkpoint()
  yield* sendOutputs(ctx, made)
}
