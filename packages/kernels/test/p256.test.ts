/** P-256 in WebAssembly equals noble, row for row, and OpenSSL where that is asked. */
import { createECDH } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { p256HashScale, p256Scale } from '../src/index.ts'
import { instantiate } from '../src/p256/engine.ts'
import { cases } from './cases.ts'
import { p256Cases } from './cases-p256.ts'
import { bytes, messages } from './samples.ts'

const engine = (await instantiate())!
const native = { 'p256/hash-scale': engine.hashScale, 'p256/scale': engine.scale }

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
    { numRuns: 15 },
  )
})

it('gives the x-coordinates that OpenSSL gives, over blocks with bad rows between', () => {
  const scalar = bytes(5, 32)
  const points = engine.hashScale({
    scalar: bytes(6, 32),
    ...messages(Array.from({ length: 259 }, (_, i) => bytes(i, 9))),
  })
  const bad = [100, 256]
  for (const row of bad) points[33 * row] = 5
  const out = engine.scale({ scalar, points })
  expect(out.bad).toBe(100)
  const key = createECDH('prime256v1')
  key.setPrivateKey(scalar)
  for (let row = 0; row < 259; row++) {
    const own = out.points.subarray(33 * row, 33 * row + 33)
    if (bad.includes(row)) expect(own).toEqual(new Uint8Array(33))
    else expect(Buffer.compare(own.subarray(1), key.computeSecret(points.subarray(33 * row, 33 * row + 33)))).toBe(0)
  }
})

it('takes scalars near the ends of the range', () => {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const points = engine.hashScale({ scalar: bytes(6, 32), ...messages([bytes(1, 9)]) })
  for (const d of [1n, 2n, 3n, 15n, 16n, 29n, 30n, 31n, 32n, 33n, 63n]) {
    for (const value of [d, order - d]) {
      const scalar = Uint8Array.from(Buffer.from(value.toString(16).padStart(64, '0'), 'hex'))
      expect(engine.scale({ scalar, points })).toEqual(p256Scale.run({ scalar, points }))
    }
  }
})

it('refuses scalars out of range and broken rows', () => {
  const misuse = expect.objectContaining({ code: 'api/misuse' })
  for (const scalar of [new Uint8Array(32), new Uint8Array(32).fill(255), bytes(1, 31)]) {
    expect(() => native['p256/scale']({ scalar, points: new Uint8Array(33) })).toThrow(misuse)
    expect(() => p256HashScale.run({ scalar, ...messages([scalar]) })).toThrow(misuse)
  }
  expect(() => native['p256/scale']({ scalar: bytes(1, 32), points: new Uint8Array(32) })).toThrow(misuse)
})
