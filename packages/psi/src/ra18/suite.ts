/** RFC 9497, suite ristretto255-SHA512, mode OPRF (0): its tags and its scalars. BigInt arithmetic is not constant-time. */
import { concatBytes, utf8ToBytes, type Rng } from '@tallystick/core'

/** Order of ristretto255 (RFC 9496, section 4). */
export const order = 2n ** 252n + 27742317777372353535851937790883648493n
export const scalarBytes = 32
/** Coins that a scalar takes. */
export const scalarCoins = 64

/** "HashToGroup-" ‖ "OPRFV1-" ‖ I2OSP(0, 1) ‖ "-ristretto255-SHA512" (sections 3.1 and 4.1). */
export const groupTag = concatBytes(
  utf8ToBytes('HashToGroup-OPRFV1-'),
  Uint8Array.of(0),
  utf8ToBytes('-ristretto255-SHA512'),
)

/** The generator (RFC 9496, appendix A.1), encoded. */
export const generator = Uint8Array.from(
  'e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76'.match(/../g)!,
  (pair) => Number.parseInt(pair, 16),
)

export const decodeScalar = (bytes: Uint8Array, row = 0): bigint => {
  let value = 0n
  for (let i = scalarBytes - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[scalarBytes * row + i]!)
  return value
}

const encodeInto = (out: Uint8Array, row: number, value: bigint): void => {
  for (let i = 0; i < scalarBytes; i++, value >>= 8n) out[scalarBytes * row + i] = Number(value & 255n)
}

/** Scalars uniform in [1, ℓ) up to a statistical distance below 2^-259 each, from 64 coins each. */
export const scalarsFromCoins = (coins: Uint8Array): Uint8Array => {
  const rows = coins.length / scalarCoins
  const out = new Uint8Array(scalarBytes * rows)
  const view = new DataView(coins.buffer, coins.byteOffset, coins.length)
  for (let row = 0; row < rows; row++) {
    let value = 0n
    for (let i = 0; i < scalarCoins; i += 8) value = (value << 64n) | view.getBigUint64(scalarCoins * row + i)
    encodeInto(out, row, (value % (order - 1n)) + 1n)
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
  const before: bigint[] = []
  let product = 1n
  for (const value of values) {
    before.push(product)
    product = (product * value) % order
  }
  let inverse = power(product, order - 2n)
  const out = new Uint8Array(scalars.length)
  for (let row = rows - 1; row >= 0; row--) {
    encodeInto(out, row, (inverse * before[row]!) % order)
    inverse = (inverse * values[row]!) % order
  }
  return out
}

/** Tags are the first 16 bytes of outputs of 64. */
export const tagsOf = (outputs: Uint8Array): Uint8Array => {
  const rows = outputs.length / 64
  const out = new Uint8Array(16 * rows)
  for (let row = 0; row < rows; row++) out.set(outputs.subarray(64 * row, 64 * row + 16), 16 * row)
  return out
}
