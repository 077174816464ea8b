/** What the roles of `psi/ecdh` draw: one scalar, and random orders. The use of coins is exact: cost() states it. */
import type { Rng } from '@tallystick/core'

/** Order of the prime-order subgroup of curve25519 (RFC 7748, section 4.1). */
export const groupOrder = 2n ** 252n + 27742317777372353535851937790883648493n
export const scalarCoins = 64
/** Coins a row of a random order. */
export const orderCoins = 16

/**
 * 8·k for k uniform in [1, ℓ) up to a statistical distance below 2^-259, 32 bytes little endian; why 8·k: see the
 * header of the curve25519 kernels. BigInt arithmetic is not constant-time: it runs once, on 64 fresh coins.
 */
export const drawScalar = (rng: Rng): Uint8Array => {
  let coins = 0n
  for (const byte of rng.bytes(scalarCoins)) coins = (coins << 8n) | BigInt(byte)
  let scalar = 8n * ((coins % (groupOrder - 1n)) + 1n)
  const out = new Uint8Array(32)
  for (let i = 0; i < 32; i++, scalar >>= 8n) out[i] = Number(scalar & 255n)
  return out
}

/** One stable counting pass over the byte of each row's key that starts at bit `shift`. */
const countingPass = (order: Uint32Array, key: (row: number) => number, shift: number): Uint32Array => {
  const starts = new Uint32Array(257)
  for (const row of order) starts[((key(row) >>> shift) & 255) + 1]!++
  for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!
  const out = new Uint32Array(order.length)
  for (const row of order) out[starts[(key(row) >>> shift) & 255]!++] = row
  return out
}

/**
 * A random order of `rows` rows: they are sorted by a tag of 128 coin bits each. Orders are uniform given distinct
 * tags, and rows² / 2^129 bounds the probability of a tie. Radix passes over the first 32 bits, then insertion within
 * runs that agree on them. Memory access follows the tags, which are secret on this machine only.
 */
export const randomOrder = (rng: Rng, rows: number): Uint32Array => {
  const tags = new Uint32Array(rng.bytes(orderCoins * rows).buffer)
  let order: Uint32Array = Uint32Array.from({ length: rows }, (_, i) => i)
  for (const shift of [0, 8, 16, 24]) order = countingPass(order, (row) => tags[4 * row]!, shift)
  const after = (a: number, b: number): boolean => {
    for (let word = 0; word < 4; word++) {
      const difference = tags[4 * a + word]! - tags[4 * b + word]!
      if (difference !== 0) return difference > 0
    }
    return false
  }
  for (let i = 1; i < rows; i++) {
    const row = order[i]!
    let j = i
    for (; j > 0 && after(order[j - 1]!, row); j--) order[j] = order[j - 1]!
    order[j] = row
  }
  return order
}

/** The rows of `width` bytes that an order, or a part of one, names. */
export const pickRows = (rows: Uint8Array, width: number, order: Uint32Array): Uint8Array => {
  const out = new Uint8Array(width * order.length)
  for (let i = 0; i < order.length; i++) {
    out.set(rows.subarray(width * order[i]!, width * order[i]! + width), width * i)
  }
  return out
}
