/** The native engine of the kernels on shares equals their references as the portable one does; and what they promise. */
import { beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '@tallystick/protocol'
import { wasmEngine } from '../src/engine.ts'
import { nodeEngine } from '../src/native/engine.ts'
import { kernels } from '../src/index.ts'
import { expected } from './cases.ts'
import { shareCases } from './cases-shares.ts'
import { bytes } from './samples.ts'

const names = Object.keys(shareCases) as (keyof typeof shareCases)[]

describe('shares under Node', () => {
  let native: Engine
  beforeAll(async () => void (native = await nodeEngine()))
  it.each(names)('%s equals its reference', (name) => {
    shareCases[name]().forEach((input, i) => {
      expect(native[name]!(input as never), `case ${i}`).toEqual(expected(name)[i])
    })
  })
  it('reads a stream from any block on', () => {
    const key = bytes(3, 16)
    const whole = kernels['bits/expand'].run({ key, at: 0, words: 400 })
    expect(native['bits/expand']!({ key, at: 40, words: 99 } as never)).toEqual(whole.slice(160, 259))
  })
  it('refuses shapes that do not fit', async () => {
    const misuse = expect.objectContaining({ code: 'api/misuse' })
    for (const engine of [native, await wasmEngine()]) {
      const input = shareCases['ring64/cross-terms']()[2]!
      expect(() => engine['ring64/cross-terms']!({ ...input, x1: new Uint32Array(3) } as never)).toThrow(misuse)
      expect(() => engine['bits/and']!({ ...input, ownKey: bytes(1, 15) } as never)).toThrow(misuse)
      expect(() => engine['bits/slice']!({ words: new Uint32Array(3), ring: 64 } as never)).toThrow(misuse)
      expect(() => engine['bits/unslice']!({ planes: new Uint32Array(3), ring: 64, length: 1 } as never)).toThrow(
        misuse,
      )
      const product = shareCases['ring64/matrix-product']()[0]!
      expect(() => engine['ring64/matrix-product']!({ ...product, rows: 3 } as never)).toThrow(misuse)
    }
  })
})

it('every order comes up about as often as every other', async () => {
  const engine = await nodeEngine()
  const counts = new Map<string, number>()
  for (let i = 0; i < 2400; i++) {
    const order = engine['bits/permutation']!({ key: bytes(1, 16), at: 1024 * i, length: 4 } as never) as Uint32Array
    const name = [...order].join('')
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  expect(counts.size).toBe(24)
  // Chi-square with 23 degrees of freedom: above 60 with probability below 5e-5.
  const chi = [...counts.values()].reduce((sum, n) => sum + (n - 100) ** 2 / 100, 0)
  expect(chi).toBeLessThan(60)
})
