/**
 * What two parties keep for products under encryption: own keys and those of the peer, made where they are first needed,
 * how many ciphertexts there were, and triples that are left over. All coins come from one key of the party.
 */
import { createRng, taggedMac, TallyError } from '@tallystick/core'
import { bitsExpand, bgvAnswer, bgvEncrypt, bgvKey, bgvKeyBytes, bgvOpen, ternary } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import type { Words } from '../backend.ts'
import type { CiphertextMessages } from './messages.ts'
import { keep, parameters, type Kind } from './parameters.ts'

export type Ctx = Context<CiphertextMessages, string>

interface Own {
  readonly secret: Int8Array
  readonly publicSeed: Uint8Array
  readonly coins: Uint8Array
  /** Rows that were encrypted so far: each has coins and a second component of its own. */
  rows: number
}

interface Theirs {
  readonly publicSeed: Uint8Array
  readonly key: Uint8Array
  rows: number
}

export interface Store {
  a: Words
  b: Words
  c: Words
}

/** One for each program that runs; its calls come in one order on both ends. */
export interface Session {
  readonly peer: string
  /** Exactly one of the two ends is the first. */
  readonly first: boolean
  readonly own: Map<Kind, Own>
  readonly theirs: Map<Kind, Theirs>
  readonly stores: Map<Kind, Store>
  /** Triples and elements of products of matrices so far. */
  readonly counts: { triples: number; results: number }
  /** 32 bytes that are used once. Each use has its order, since both directions run side by side. */
  readonly draw: (use: string) => Uint8Array
  /** So many random words. */
  readonly random: (ctx: Ctx, use: string, words: number) => Routine<Words>
}

export const seedBytes = 32

/** @param key this party's alone */
export const sessionOf = (key: Uint8Array, peer: string, first: boolean): Session => {
  const counts = new Map<string, number>()
  const draw = (use: string): Uint8Array => {
    const count = counts.get(use) ?? 0
    counts.set(use, count + 1)
    return taggedMac(key, 'tallystick/bgv/coins/v1', use, String(count))
  }
  const random = (ctx: Ctx, use: string, words: number): Routine<Words> =>
    ctx.compute(bitsExpand, { key: draw(use).slice(0, 16), at: 0, words })
  const made = { own: new Map(), theirs: new Map(), stores: new Map(), counts: { triples: 0, results: 0 } }
  return { peer, first, ...made, draw, random }
}

export const keyFrameBytes = (kind: Kind): number => seedBytes + bgvKeyBytes(parameters[kind].ring)

export const misbehaved = (peer: string, message: string): TallyError =>
  new TallyError('peer/misbehaved', { peer }, message, { remedy: `ask ${peer} which software it runs` })

export const checkAbove = (peer: string, above: number): void => {
  if (above > 0) throw misbehaved(peer, `expected residues below their primes from ${peer}, found ${above} above`)
}

/** This party's key of a kind; sent to the peer before the first ciphertexts under it. */
export function* ownKey(ctx: Ctx, session: Session, kind: Kind): Routine<Own> {
  const known = session.own.get(kind)
  if (known !== undefined) return known
  const { ring } = parameters[kind]
  const coins = createRng(session.draw('secret'))
  const secret = ternary((bytes) => coins.bytes(bytes), ring.degree)
  const own: Own = { secret, publicSeed: session.draw('public'), coins: session.draw('errors'), rows: 0 }
  session.own.set(kind, own)
  const key = yield* ctx.compute(bgvKey, { ...ring, ...own, coins: session.draw('key') })
  const frame = new Uint8Array(keyFrameBytes(kind))
  frame.set(own.publicSeed)
  frame.set(key, seedBytes)
  yield* ctx.send('publicKey', frame, session.peer)
  return own
}

/** The peer's key of a kind, received where it is first needed. */
export function* peerKey(ctx: Ctx, session: Session, kind: Kind): Routine<Theirs> {
  const known = session.theirs.get(kind)
  if (known !== undefined) return known
  const frame = yield* ctx.receive('publicKey', session.peer)
  const expected = keyFrameBytes(kind)
  if (frame.length !== expected) {
    throw misbehaved(session.peer, `expected a public key of ${expected} bytes, found ${frame.length}`)
  }
  const theirs: Theirs = { publicSeed: frame.slice(0, seedBytes), key: frame.slice(seedBytes), rows: 0 }
  session.theirs.set(kind, theirs)
  return theirs
}

/** Encrypts rows of n numbers and sends them in one frame. */
export function* sendRows(ctx: Ctx, session: Session, kind: Kind, own: Own, words: Words): Routine<void> {
  const { ring, limbs } = parameters[kind]
  const first = own.rows
  own.rows += words.length / (limbs * ring.degree)
  yield* ctx.send('ciphertexts', yield* ctx.compute(bgvEncrypt, { ...ring, ...own, first, words, limbs }), session.peer)
}

/** A frame of so many bytes. */
export function* receiveBytes(
  ctx: Ctx,
  session: Session,
  name: 'ciphertexts' | 'answers',
  expected: number,
): Routine<Uint8Array> {
  const frame = yield* ctx.receive(name, session.peer)
  if (frame.length === expected) return frame
  throw misbehaved(session.peer, `expected ${expected} bytes of ${name}, found ${frame.length}`)
}

/** Masks sums of products and sends them back. `masks`: a number of the kind's mask words for each place. */
export function* sendAnswer(
  ctx: Ctx,
  session: Session,
  kind: Kind,
  sums: BigUint64Array,
  masks: Words,
  places: Uint32Array,
): Routine<void> {
  const { ring, maskLimbs, maskBits, floodBits } = parameters[kind]
  const theirs = yield* peerKey(ctx, session, kind)
  const lastMask = 0xffffffff >>> (32 * maskLimbs - maskBits)
  const { packed, above } = yield* ctx.compute(bgvAnswer, {
    ...{ ...ring, ...theirs, coins: session.draw('answer'), sums, masks, places },
    ...{ limbs: maskLimbs, lastMask, floodBits, keep },
  })
  checkAbove(session.peer, above)
  yield* ctx.send('answers', packed, session.peer)
}

/** What an answer says: a number for each place of each result. @throws TallyError peer/misbehaved for too much noise */
export function* openAnswer(
  ctx: Ctx,
  session: Session,
  kind: Kind,
  own: Own,
  packed: Uint8Array,
  results: number,
  places: Uint32Array,
): Routine<Words> {
  const { ring, limbs, mostFill } = parameters[kind]
  const input = { ...ring, secret: own.secret, packed, results, limbs, keep, places }
  const { words, fill, above } = yield* ctx.compute(bgvOpen, input)
  checkAbove(session.peer, above)
  if (fill <= mostFill) return words
  throw misbehaved(session.peer, `expected noise of at most ${mostFill.toFixed(3)} of its room, found more`)
}
