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

const misbehaved = (peer: Role, found: string): TallyError =>
  new TallyError('peer/misbehaved', { peer }, `the ${peer} sent ${found}`, {
    remedy: `ask the ${peer} which software it runs: the agreed protocol does not send this; keep the journal`,
  })

/** Receives `rows` elements, frame by frame. */
function* receiveElements(peer: Role, rows: number, receive: () => Routine<Uint8Array>): Routine<Uint8Array> {
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

function* sendElements(rows: Uint8Array, send: (part: Uint8Array) => Routine<void>): Routine<void> {
  const step = elementBytes * chunkRows
  for (let at = 0; at < rows.length; at += step) yield* send(rows.subarray(at, at + step))
}

/**
 * The asker's side: 64 bytes an id. What can go wrong depends on what the holder sends, never on an id.
 * @throws TallyError peer/misbehaved for what is no element, and for a key other than that of the terms
 */
export function* askOutputs(
  ctx: Context<Messages, 'asker'>,
  { queries, publicKey }: Evaluation,
  ids: Items,
): Routine<Uint8Array> {
  const blinds = drawScalars(ctx.narrow('blinds').rng, queries)
  const blinded = yield* blind(ctx, ids, blinds)
  yield* sendElements(blinded, (part) => ctx.send('blinded', part))
  yield* ctx.checkpoint()
  const evaluated = yield* receiveElements('holder', queries, () => ctx.receive('evaluated'))
  const proof = yield* ctx.receive('proof')
  const { outputs, bad } = yield* finalize(ctx, ids, blinds, evaluated)
  if (bad >= 0) throw misbehaved('holder', `row ${bad}, which is no element of the group`)
  const genuine = yield* verify(ctx, fromHex(publicKey), blinded, evaluated, proof)
  if (!genuine) throw misbehaved('holder', 'evaluations without proof that they are under the key of the terms')
  return outputs
}

/** The holder's side. @throws TallyError peer/misbehaved for what is no element */
export function* serveOutputs(
  ctx: Context<Messages, 'holder'>,
  { queries, publicKey }: Evaluation,
  secretKey: Uint8Array,
): Routine<void> {
  const coins = ctx.narrow('proof-nonce').rng.bytes(scalarCoins)
  const blinded = yield* receiveElements('asker', queries, () => ctx.receive('blinded'))
  const { points: evaluated, bad } = yield* blindEvaluate(ctx, secretKey, blinded)
  if (bad >= 0) throw misbehaved('asker', `row ${bad}, which is no element of the group`)
  // Bound to what it answers: coins that came twice, in a machine put back, would otherwise give the key away.
  const nonce = encodeScalar(hashToScalar(concatBytes(coins, secretKey, blinded), utf8ToBytes(nonceTag)))
  const proof = yield* prove(ctx, { secretKey, publicKey: fromHex(publicKey) }, blinded, evaluated, nonce)
  yield* ctx.checkpoint()
  yield* sendElements(evaluated, (part) => ctx.send('evaluated', part))
  yield* ctx.send('proof', proof)
}
