/** Scalars of ristretto255: integers modulo ℓ, 32 bytes little endian. BigInt arithmetic is not constant-time. */
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import type { Rng } from '@tallystick/core'

/** Order of the group (RFC 9496, section 4). */
export const order = 2n ** 252n + 27742317777372353535851937790883648493n
export const elementBytes = 32
export const scalarBytes = 32
/** Coins that a scalar takes. */
export const scalarCoins = 64

export const mod = (value: bigint): bigint => ((value % order) + order) % order

export const encodeScalar = (value: bigint): Uint8Array => {
  const out = new Uint8Array(scalarBytes)
  for (let i = 0; i < scalarBytes; i++, value >>= 8n) out[i] = Number(value & 255n)
  return out
}

export const decodeScalar = (bytes: Uint8Array, row = 0): bigint => {
  let value = 0n
  for (let i = scalarBytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[scalarBytes * row + i]!)
  return value
}

/** Scalars uniform in [1, ℓ) up to a statistical distance below 2^-259 each, from {@link scalarCoins} big-endian bytes each. */
export const scalarsFromCoins = (coins: Uint8Array): Uint8Array => {
  const rows = coins.length / scalarCoins
  const out = new Uint8Array(scalarBytes * rows)
  const view = new DataView(coins.buffer, coins.byteOffset, coins.length)
  for (let row = 0; row < rows; row++) {
    let value = 0n
    for (let i = 0; i < scalarCoins; i += 8) value = (value << 64n) | view.getBigUint64(scalarCoins * row + i)
    out.set(encodeScalar((value % (order - 1n)) + 1n), scalarBytes * row)
  }
  return out
}

export const drawScalars = (rng: Rng, rows: number): Uint8Array => scalarsFromCoins(rng.bytes(scalarCoins * rows))

const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n
  for (let e = exponent, b = base; e > 0n; e >>= 1n, b = (b * b) % order) if (e & 1n) result = (result * b) % order
  return result
}

/** The inverses of scalars in [1, ℓ), by one exponentiation and three multiplications each (Montgomery). */
export const invertScalars = (scalars: Uint8Array): Uint8Array => {
  const rows = scalars.length / scalarBytes
  const values = Array.from({ length: rows }, (_, row) => decodeScalar(scalars, row))
  const products = [1n]
  for (const value of values) products.push((products[products.length - 1]! * value) % order)
  let inverse = power(products[rows]!, order - 2n)
  const out = new Uint8Array(scalars.length)
  for (let row = rows - 1; row >= 0; row--) {
    out.set(encodeScalar((inverse * products[row]!) % order), scalarBytes * row)
    inverse = (inverse * values[row]!) % order
  }
  return out
}

/** hash_to_field for scalars (RFC 9497, section 4.1): expand_message_xmd with SHA-512 to 64 bytes, modulo ℓ. */
export const hashToScalar = (message: Uint8Array, dst: Uint8Array): bigint =>
  ristretto255_hasher.hashToScalar(message, { DST: dst })

/** The generator, encoded. */
export const generator: Uint8Array = ristretto255.Point.BASE.toBytes()
