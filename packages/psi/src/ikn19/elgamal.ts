/**
 * Exponential ElGamal over ristretto255: Enc(t; r) = (r·G, t·G + r·sk·G). Sums of ciphertexts are ciphertexts of sums; what
 * is decrypted is S·G, and S is found by baby steps and giant steps (Shanks 1971), so it must be small. BigInt arithmetic
 * on scalars is not constant-time; the search takes as long as the sum is large, at the party that learns it.
 */
import { concatBytes, equalBytes, TallyError, toHex } from '@tallystick/core'
import { oprfCombine, oprfScale } from '@tallystick/kernels'
import { decodeScalar, generator, order, scalarBytes } from '@tallystick/kernels/oprf/scalars'
import type { Context, Routine } from '@tallystick/protocol'
import { ciphertextBytes, elementBytes } from './messages.ts'

type Computing = Pick<Context<any, any>, 'compute'>

const mod = (value: bigint): bigint => ((value % order) + order) % order

export const encodeScalar = (value: bigint): Uint8Array => {
  const out = new Uint8Array(scalarBytes)
  for (let i = 0; i < scalarBytes; i++, value >>= 8n) out[i] = Number(value & 255n)
  return out
}

const repeat = (bytes: Uint8Array, times: number): Uint8Array => {
  const out = new Uint8Array(bytes.length * times)
  for (let i = 0; i < times; i++) out.set(bytes, bytes.length * i)
  return out
}

/** Multiples of the generator, one a scalar in [1, ℓ). */
export function* multiples(ctx: Computing, scalars: Uint8Array): Routine<Uint8Array> {
  const points = repeat(generator, scalars.length / scalarBytes)
  return (yield* ctx.compute(oprfScale, { scalars, points })).points
}

/** Ciphertexts of 64 bytes for small numbers, under as many coins (scalars of 32 bytes), by the owner of the key. */
export function* encrypt(
  ctx: Computing,
  secretKey: bigint,
  numbers: readonly number[],
  coins: Uint8Array,
): Routine<Uint8Array> {
  const seconds = new Uint8Array(coins.length)
  for (const [i, number] of numbers.entries()) {
    // Zero with probability 2^-252, and then the kernel's product is no element: the peer refuses it.
    seconds.set(encodeScalar(mod(BigInt(number) + decodeScalar(coins, i) * secretKey)), scalarBytes * i)
  }
  const [first, second] = [yield* multiples(ctx, coins), yield* multiples(ctx, seconds)]
  const out = new Uint8Array(ciphertextBytes * numbers.length)
  for (let i = 0; i < numbers.length; i++) {
    out.set(first.subarray(elementBytes * i, elementBytes * (i + 1)), ciphertextBytes * i)
    out.set(second.subarray(elementBytes * i, elementBytes * (i + 1)), ciphertextBytes * i + elementBytes)
  }
  return out
}

/** Points added in one call. */
const pieceRows = 4096
const one = encodeScalar(1n)

/** Σ points + scalar · P. @throws TallyError peer/misbehaved where one of them is no element, or all cancel out */
function* addUp(
  ctx: Computing,
  peer: string,
  points: Uint8Array,
  scalar: Uint8Array,
  base: Uint8Array,
): Routine<Uint8Array> {
  const unfit = (): TallyError =>
    new TallyError('peer/misbehaved', { peer }, `a ciphertext of the ${peer} is no pair of elements of ristretto255`, {
      remedy: `ask the ${peer} which software it runs; keep the journal`,
    })
  const { points: term, bad } = yield* ctx.compute(oprfScale, { scalars: scalar, points: base })
  if (bad >= 0) throw unfit()
  let sum = term
  for (let from = 0; from < points.length; from += elementBytes * pieceRows) {
    const rows = concatBytes(sum, points.subarray(from, from + elementBytes * pieceRows))
    const added = yield* ctx.compute(oprfCombine, { scalars: repeat(one, rows.length / elementBytes), points: rows })
    if (added.bad >= 0 || added.point.every((byte) => byte === 0)) throw unfit()
    sum = added.point
  }
  return sum
}

/**
 * A ciphertext of the sum, under fresh coins (a scalar), so that it says nothing of which ciphertexts went in.
 * @param ciphertexts rows of 64 bytes, any number
 * @throws TallyError peer/misbehaved, see above
 */
export function* sumFresh(
  ctx: Computing,
  peer: string,
  publicKey: Uint8Array,
  ciphertexts: Uint8Array,
  coin: Uint8Array,
): Routine<Uint8Array> {
  const half = (at: number): Uint8Array => {
    const out = new Uint8Array(ciphertexts.length / 2)
    for (let row = 0; ciphertextBytes * row < ciphertexts.length; row++) {
      const from = ciphertextBytes * row + at
      out.set(ciphertexts.subarray(from, from + elementBytes), elementBytes * row)
    }
    return out
  }
  const first = yield* addUp(ctx, peer, half(0), coin, generator)
  const second = yield* addUp(ctx, peer, half(elementBytes), coin, publicKey)
  return concatBytes(first, second)
}

/**
 * The number from 0 to `most` in a ciphertext.
 * @throws TallyError peer/misbehaved where there is none: the peer did not add what it should
 */
export function* decrypt(
  ctx: Computing,
  peer: string,
  secretKey: bigint,
  ciphertext: Uint8Array,
  most: number,
): Routine<number> {
  const misbehaved = (found: string): TallyError =>
    new TallyError('peer/misbehaved', { peer }, `the sum of the ${peer} ${found}`, {
      remedy: `ask the ${peer} which software it runs: the agreed protocol does not send this; keep the journal`,
    })
  const scalars = concatBytes(one, encodeScalar(mod(-secretKey)))
  const points = concatBytes(ciphertext.subarray(elementBytes), ciphertext.subarray(0, elementBytes))
  const { point, bad } = yield* ctx.compute(oprfCombine, { scalars, points })
  if (bad >= 0) throw misbehaved('is no pair of elements of ristretto255')
  const neutral = new Uint8Array(elementBytes)
  if (equalBytes(point, neutral)) return 0
  const width = Math.ceil(Math.sqrt(most + 1))
  const small = concatBytes(...Array.from({ length: width }, (_, i) => encodeScalar(BigInt(i + 1))))
  const baby = yield* multiples(ctx, small)
  // Steps are looked up by their encoding: multiples of the generator, no secret of anybody.
  const steps = new Map<string, number>([[toHex(neutral), 0]])
  for (let i = 0; i < width; i++) steps.set(toHex(baby.subarray(elementBytes * i, elementBytes * (i + 1))), i + 1)
  for (let giant = 0; giant * width <= most; giant++) {
    const back = concatBytes(one, encodeScalar(mod(-BigInt(giant * width))))
    const shifted =
      giant === 0
        ? point
        : (yield* ctx.compute(oprfCombine, { scalars: back, points: concatBytes(point, generator) })).point
    const found = steps.get(toHex(shifted))
    if (found !== undefined && giant * width + found <= most) return giant * width + found
  }
  throw misbehaved('is larger than the common rows can have')
}
