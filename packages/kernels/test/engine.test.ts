/** Every entry of every engine equals its reference: random, extreme and hostile inputs, all batch shapes. */
import { randomBytes } from 'node:crypto'
import { hexToBytes } from '@noble/hashes/utils.js'
import type { Engine } from '@tallystick/protocol'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { engineOn } from '../src/curve25519/engine.ts'
import { instantiate } from '../src/curve25519/module.ts'
import * as reference from '../src/curve25519/reference.ts'
import { wasmEngine, wasmEngineOf } from '../src/engine.ts'
import type { ScaleInput, ScaleOutput } from '../src/index.ts'
import { cases, dst, expected, hostile, names } from './cases.ts'
import { openssl } from './openssl.ts'
import { bytes, clamp, concat, encode, extremes, messages, P, points } from './samples.ts'
import * as vectors from './vectors/curve25519.ts'

/** Only `fma` may be absent, and only where this machine does not fuse multiply and add: then it shows as skipped. */
const instances = { fma: await instantiate('fma'), integer: await instantiate('integer') }
it('plain SIMD is there', () => expect(instances.integer).toBeDefined())

for (const variant of ['fma', 'integer'] as const) {
  describe.skipIf(!instances[variant])(`engine ${variant}`, () => {
    const exports = instances[variant]!
    let engine: Engine
    const scale = (input: ScaleInput): ScaleOutput => engine['curve25519/scale']!(input as never) as ScaleOutput

    beforeAll(async () => {
      const loaded = await wasmEngineOf(variant)
      if (!loaded) throw new Error(`${variant} can run here, but fails its self-test`)
      engine = loaded
    })

    it.each(names)('%s equals its reference', (name) => {
      cases[name]().forEach((input, i) => {
        expect(engine[name]!(input as never), `case ${i}`).toEqual(expected(name)[i])
      })
    })

    it('refuses the shapes that the reference refuses', () => {
      const misuse = expect.objectContaining({ code: 'api/misuse' })
      expect(() => engine['curve25519/hash']!({ dst, bytes: dst, offsets: Uint32Array.of(0, 99) } as never)).toThrow(
        misuse,
      )
      expect(() => scale({ scalar: dst, points: new Uint8Array(32) })).toThrow(misuse)
    })

    it('equals the 1 and 1000 iterations of RFC 7748', () => {
      let [k, u] = [encode(9n), encode(9n)]
      const iterate = (): void => {
        const masked = Uint8Array.from(u)
        masked[31]! &= 0x7f
        ;[k, u] = [scale({ scalar: clamp(k), points: masked }).points, k]
      }
      iterate()
      expect(k).toEqual(hexToBytes(vectors.iterated[1]))
      for (let i = 2; i <= 1000; i++) iterate()
      expect(k).toEqual(hexToBytes(vectors.iterated[1000]))
    })

    it('equals OpenSSL over blocks, on curve and twist, with bad rows between', () => {
      const n = 2 * 1024 + 3
      const scalar = clamp(randomBytes(32))
      const input = points(11, n)
      const holes = [0, 1, 5, 1023, 1024, 1500, n - 1]
      holes.forEach((row, i) => input.set(hostile[i % hostile.length]!, 32 * row))
      const out = scale({ scalar, points: input })
      expect(out.bad).toBe(0)
      for (let row = 0; row < n; row++) {
        const u = input.slice(32 * row, 32 * row + 32)
        const want = holes.includes(row) ? new Uint8Array(32) : openssl(scalar, u)
        expect(out.points.slice(32 * row, 32 * row + 32), `row ${row}`).toEqual(want)
      }
    })

    it('names the first bad row, wherever it is', () => {
      for (const row of [0, 1, 2, 1022, 1023, 1024, 1025, 1030]) {
        const input = points(12, 1031)
        input.set(encode(P - 1n), 32 * row)
        input.set(encode(P), 32 * 1030)
        expect(scale({ scalar: encode(8n), points: input }).bad).toBe(row)
      }
    })

    it('commutes: 8a(8b P) = 8b(8a P)', () => {
      fc.assert(
        fc.property(fc.bigInt(1n, 2n ** 252n), fc.bigInt(1n, 2n ** 252n), fc.bigInt(2n, P - 2n), (a, b, u) => {
          const times = (k: bigint, input: Uint8Array): Uint8Array =>
            scale({ scalar: encode(8n * k), points: input }).points
          expect(times(a, times(b, encode(u)))).toEqual(times(b, times(a, encode(u))))
        }),
        { numRuns: 50 },
      )
    })

    it('maps every pair of field elements as the reference does, equal and opposite ones too', () => {
      const values = [0n, 1n, 2n, P - 1n, 3n, P - 3n, P - 19n, 5n, ...extremes().slice(0, 8)]
      const pairs = values.flatMap(
        (u0, i) =>
          [
            [u0, u0],
            [u0, P - u0],
            [u0, values[(i + 5) % values.length]!],
          ] as const,
      )
      const wide = (u: bigint, lift: bigint): Uint8Array => {
        const value = u + lift * P
        return Uint8Array.from({ length: 48 }, (_, i) => Number((value >> BigInt(8 * (47 - i))) & 255n))
      }
      const top = (2n ** 384n - 1n) / P - 1n
      for (const lift of [0n, 1n, 2n ** 128n, top]) {
        const uniform = concat(pairs.flatMap(([u0, u1]) => [wide(u0, lift), wide(u1, lift)]))
        new Uint8Array(exports.memory.buffer, exports.UNIFORM.value).set(uniform)
        exports.mapRows(pairs.length)
        exports.normalise(pairs.length)
        exports.write(pairs.length)
        const out = new Uint8Array(exports.memory.buffer, exports.POINTS.value, 32 * pairs.length)
        pairs.forEach(([u0, u1], i) => {
          expect(out.slice(32 * i, 32 * i + 32), `${u0} ${u1}`).toEqual(encode(reference.fromField(u0, u1 % P)))
        })
      }
    })

    it('leaves nothing in its bounded memory that depends on scalars, messages or points', () => {
      const curve = engineOn(exports, variant)
      const residue = (seed: number): Buffer[] => {
        const rows = Array.from({ length: 1100 }, (_, i) => bytes(seed + i, 18))
        const input = { dst, ...messages([...rows, bytes(seed, 70_000)]), scalar: bytes(seed + 1, 32) }
        const runs = [
          () => curve.hashScale(input),
          () => curve.hash(input),
          () => curve.scale({ scalar: input.scalar, points: points(seed + 2, 1101) }),
        ]
        return runs.map((run) => (run(), Buffer.from(exports.memory.buffer.slice(0))))
      }
      const [first, second] = [residue(100), residue(200_000)]
      first.forEach((memory, i) => expect(memory.equals(second[i]!), `run ${i}`).toBe(true))
      expect(exports.memory.buffer.byteLength).toBeLessThan(2 ** 19)
    })
  })
}

it('the default engine is one of the two', async () => {
  const engine = await wasmEngine()
  expect(Object.keys(engine).toSorted()).toEqual(names.toSorted())
})
