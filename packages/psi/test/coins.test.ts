import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Rng } from '@tallystick/core'
import { drawScalar, groupOrder, pickRows, randomOrder } from '../src/ecdh/coins.ts'
import { seededRng } from './samples.ts'

/** An Rng that hands out what it is given. */
const scripted = (bytes: Uint8Array): Rng => {
  let drawn = 0
  return {
    bytes: (length) => bytes.slice(drawn, (drawn += length)),
    fork: () => scripted(bytes),
    get drawn() {
      return drawn
    },
  }
}

const valueOf = (scalar: Uint8Array): bigint => scalar.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)

describe('the scalar', () => {
  it.each([
    ['the least', 0n, 1n],
    ['the greatest', groupOrder - 2n, groupOrder - 1n],
    ['the first to wrap', groupOrder - 1n, 1n],
    ['all ones', 2n ** 512n - 1n, ((2n ** 512n - 1n) % (groupOrder - 1n)) + 1n],
  ])('is 8·k, big-endian coins modulo l - 1, plus 1: %s', (_, coins, k) => {
    const bytes = Uint8Array.from(Buffer.from(coins.toString(16).padStart(128, '0'), 'hex'))
    expect(valueOf(drawScalar(scripted(bytes)))).toBe(8n * k)
  })
  it('uses 64 bytes of coins', () => {
    const rng = seededRng('scalar')('receiver')
    drawScalar(rng)
    expect(rng.drawn).toBe(64)
  })
})

describe('a random order', () => {
  it('sorts by tags of 128 bits, also where their first words are equal', () => {
    const tag = fc.uint8Array({ minLength: 16, maxLength: 16, max: 1 })
    const property = fc.property(fc.array(tag, { maxLength: 60 }), (tags) => {
      const order = randomOrder(scripted(Uint8Array.from(tags.flatMap((bytes) => [...bytes]))), tags.length)
      const words = tags.map((bytes) => [...new Uint32Array(bytes.buffer)])
      const expected = tags
        .map((_, i) => i)
        .sort((a, b) => {
          const at = words[a]!.findIndex((word, i) => word !== words[b]![i])
          return at < 0 ? a - b : words[a]![at]! - words[b]![at]!
        })
      expect([...order]).toEqual(expected)
    })
    fc.assert(property, { numRuns: 200, seed: 1 })
  })
  it('puts every row everywhere about as often as elsewhere', () => {
    const [rows, draws] = [5, 4000]
    const rng = seededRng('orders')('receiver')
    const counts = Array.from({ length: rows * rows }, () => 0)
    for (let i = 0; i < draws; i++) randomOrder(rng, rows).forEach((row, place) => counts[rows * place + row]!++)
    expect(rng.drawn).toBe(16 * rows * draws)
    const expected = draws / rows
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 16 degrees of freedom: above 45 with probability 10^-4, and the coins are fixed.
    expect(chiSquare).toBeLessThan(45)
  })
  it('picks whole rows', () => {
    expect(pickRows(Uint8Array.of(1, 2, 3, 4, 5, 6), 2, Uint32Array.of(2, 0, 1))).toEqual(
      Uint8Array.of(5, 6, 1, 2, 3, 4),
    )
  })
})
