/** Keys of the interop codec: scalars of P-256. BigInt arithmetic, once a key, not constant-time. */
import { TallyError } from '@tallystick/core'
import { p256Order as order } from '@tallystick/kernels'

export const keyBytes = 32

const integerOf = (bytes: Uint8Array): bigint => bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n)
const bytesOf = (value: bigint): Uint8Array =>
  Uint8Array.from({ length: keyBytes }, (_, i) => Number((value >> BigInt(8 * (keyBytes - 1 - i))) & 255n))

/** 64 uniform bytes to a key that is uniform in [1, n) up to a statistical distance below 2^-255. */
export const keyFromCoins = (coins: Uint8Array): Uint8Array => {
  if (coins.length !== 64)
    throw new TallyError('api/misuse', 'self', `expected 64 bytes of coins, found ${coins.length}`)
  return bytesOf((integerOf(coins) % (order - 1n)) + 1n)
}

/** @throws TallyError api/misuse */
export const checkKey = (key: Uint8Array): Uint8Array => {
  const value = integerOf(key)
  if (key.length === keyBytes && value > 0n && value < order) return key.slice()
  throw new TallyError('api/misuse', 'self', 'openmined: expected a key of 32 bytes from 1 to n - 1, found another')
}

/** 1/k modulo the prime order, by Fermat. */
export const inverseKey = (key: Uint8Array): Uint8Array => {
  let result = 1n
  let square = integerOf(key)
  for (let exponent = order - 2n; exponent > 0n; exponent >>= 1n, square = (square * square) % order) {
    if (exponent & 1n) result = (result * square) % order
  }
  return bytesOf(result)
}
