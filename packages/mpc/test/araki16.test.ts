import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRng } from '@tallystick/core'
import { araki16, crossTerms, type Role } from '@tallystick/mpc'
import { simulate } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import { deal, reserve, vectors } from './samples.ts'

const shapes = [
  [1, 1],
  [2, 3],
  [4, 5],
] as const

const cases = shapes.map(([products, length]) => ({
  name: `${products} products of ${length}`,
  parameters: { products, length },
  inputs: deal(vectors('x', products, length), vectors('y', products, length)),
  alternative: deal(vectors('u', products, length), vectors('v', products, length), 'other'),
  reserve,
}))

conformance(araki16, cases)

describe('mpc/araki16', () => {
  it('multiplies as integers do, modulo 2^32', () => {
    const vector = fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 1, maxLength: 20 })
    const property = fc.property(vector, vector, (a, b) => {
      const length = Math.min(a.length, b.length)
      const [x, y] = [a, b].map((side) => Uint32Array.from(side.slice(0, length)))
      const parameters = { products: 2, length }
      const inputs = deal([x!, x!], [y!, x!])
      const rng = () => createRng(new Uint8Array(32))
      const { outputs } = simulate(araki16, { parameters, inputs, rng, reserve })
      const product = (p: Uint32Array, q: Uint32Array) =>
        Array.from(p, (w, i) => Number((BigInt(w) * BigInt(q[i]!)) % 2n ** 32n))
      expect(outputs.p1!.products.map((vector) => Array.from(vector))).toEqual([product(x!, y!), product(x!, x!)])
    })
    fc.assert(property, { numRuns: 100, seed: 1 })
  })
  it('has zero shares that sum to zero wherever a range starts', () => {
    const roles: Role[] = ['p0', 'p1', 'p2']
    for (const [at, count] of [
      [0, 3000],
      [1023, 2],
      [5000, 1],
    ] as const) {
      const [a, b, c] = roles.map((role) => new Uint32Array(reserve(role, '', at, count).buffer))
      expect(a!.map((word, i) => word + b![i]! + c![i]!)).toEqual(new Uint32Array(count))
      expect(new Set(a).size).toBe(count)
    }
    const whole = reserve('p0', '', 0, 3000)
    expect(reserve('p0', '', 1000, 1100)).toEqual(whole.slice(4000, 8400))
  })
  it('splits a call of its kernel into the same words', () => {
    const [x0, x1, y0, y1, zero] = vectors('kernel', 5, 11) as [
      Uint32Array,
      Uint32Array,
      Uint32Array,
      Uint32Array,
      Uint32Array,
    ]
    const input = { x: { own: x0, next: x1 }, y: { own: y0, next: y1 }, zero }
    const { rows, slice, join } = crossTerms.batch!
    const parts = [
      [0, 4],
      [4, 11],
    ].map(([from, to]) => crossTerms.run(slice(input, from!, to!)))
    expect(rows(input)).toBe(11)
    expect(join(parts, [4, 7])).toEqual(crossTerms.run(input))
  })
  it('refuses shares of another length before anything is sent', () => {
    const inputs = {
      ...deal(vectors('x', 1, 3), vectors('y', 1, 3)),
      p1: deal(vectors('x', 1, 2), vectors('y', 1, 2)).p1,
    }
    const rng = () => createRng(new Uint8Array(32))
    const { errors, trace } = simulate(araki16, { parameters: { products: 1, length: 3 }, inputs, rng, reserve })
    expect(errors.p1).toMatchObject({ code: 'input/malformed', blame: 'self' })
    expect(trace.filter(({ from }) => from === 'p1')).toEqual([])
  })
  it.each([{}, null, { products: 0, length: 1 }, { products: 1, length: 1.5 }, { products: 1, length: 1, more: 1 }])(
    'refuses the parameters %j',
    (parameters) => {
      expect(() => araki16.parameters(parameters)).toThrow('mpc/araki16 parameters')
    },
  )
})
