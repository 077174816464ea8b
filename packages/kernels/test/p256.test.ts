/** P-256 under Node: OpenSSL with the sign recovered equals noble, row for row. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { p256HashScale, p256Scale } from '../src/index.ts'
import { p256 } from '../src/native/p256.ts'
import { cases } from './cases.ts'
import { p256Cases } from './cases-p256.ts'
import { bytes, messages } from './samples.ts'

const native = {
  'p256/hash-scale': p256['p256/hash-scale'] as typeof p256HashScale.run,
  'p256/scale': p256['p256/scale'] as typeof p256Scale.run,
}

it.each(Object.keys(p256Cases) as (keyof typeof p256Cases)[])('%s equals its reference', (name) => {
  const reference = name === 'p256/scale' ? p256Scale : p256HashScale
  for (const input of cases[name]()) {
    expect(native[name](input as never)).toEqual(reference.run(input as never))
  }
})

it('equals the reference for any scalar and rows', () => {
  const scalars = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((s) => s[0]! < 255 && s.some((b) => b > 0))
  const rows = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(scalars, rows, (scalar, list) => {
      const input = { scalar, ...messages(list) }
      const points = native['p256/hash-scale'](input)
      expect(points).toEqual(p256HashScale.run(input))
      expect(native['p256/scale']({ scalar, points })).toEqual(p256Scale.run({ scalar, points }))
    }),
    { numRuns: 30 },
  )
})

it('refuses scalars out of range and broken rows', () => {
  const misuse = expect.objectContaining({ code: 'api/misuse' })
  for (const scalar of [new Uint8Array(32), new Uint8Array(32).fill(255), bytes(1, 31)]) {
    expect(() => native['p256/scale']({ scalar, points: new Uint8Array(33) })).toThrow(misuse)
    expect(() => p256HashScale.run({ scalar, ...messages([scalar]) })).toThrow(misuse)
  }
  expect(() => native['p256/scale']({ scalar: bytes(1, 32), points: new Uint8Array(32) })).toThrow(misuse)
})
