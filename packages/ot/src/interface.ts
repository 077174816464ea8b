/**
 * What a protocol sees of this package. Each building block is three things with one prefix:
 *
 * - a message table, made by `…Messages(sender, receiver)` for the roles that the protocol gives to the two ends, to be
 *   spread into the protocol's own: `messages: { ...voleMessages('sender', 'receiver'), … }`. With 'each' for both, every
 *   pair of roles can run it;
 * - two generators, one for each end, over a *narrowed* context: `const b = yield* voleSend(ctx.narrow('vole'), peer, options, delta)`,
 *   `const { a, c } = yield* voleReceive(ctx.narrow('vole'), peer, options)`.
 *   They send nothing that opens an output, so they may run before the checkpoint, and inside a join;
 * - a cost function: exact rounds, bytes and coins by end.
 *
 * Elements of GF(2^128) are 16 bytes: bit k of byte j is the coefficient of x^(8j+k), the field is
 * F_2[x] / (x^128 + x^7 + x^2 + x + 1). This is the plain little-endian polynomial order, not GHASH's reflected one.
 * Vectors are flat: n elements are 16n bytes.
 */

/** Against whom a block holds: its two ends may have to pay for checks. */
export type Adversary = 'semi-honest' | 'malicious'

/** What the base transfers rest on: Diffie-Hellman on curve25519 unless given, or ML-KEM-768 against quantum computers. */
export type BaseKind = 'x25519' | 'ml-kem'

export interface BlockCost {
  readonly rounds: number
  /** Codec payload of all messages. */
  readonly bytes: number
  /** Bytes of private coins by end. */
  readonly coins: { readonly sender: number; readonly receiver: number }
}

/** Public options of a call. */
export interface VoleOptions {
  /** Elements asked for, 0 to 2^26. */
  readonly n: number
  readonly security: Adversary
  readonly base?: BaseKind
}

/** c = b + a·Δ, element by element: the sender knows Δ and b, the receiver a and c; a is (pseudo)random. */
export interface VoleReceived {
  readonly a: Uint8Array
  readonly c: Uint8Array
}

/** Public options of a call of the OT extension. */
export interface TransferOptions {
  /** Transfers, 0 to 2^20. */
  readonly n: number
  readonly security: Adversary
  readonly base?: BaseKind
}

/** Correlated transfers: rows of 16 bytes, received = sent + choice·Δ (over F_2, bit by bit); Δ is random. */
export interface CorrelatedSent {
  readonly delta: Uint8Array
  readonly rows: Uint8Array
}

/** Random transfers: rows of 16 bytes; the receiver has row i of `zero` or `one`, by its choice bit i. */
export interface RandomSent {
  readonly zero: Uint8Array
  readonly one: Uint8Array
}
