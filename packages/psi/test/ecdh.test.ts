import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TallyError } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { simulate } from '@tallystick/protocol'
import { ecdh, type Outcome, type Parameters } from '@tallystick/psi'
import { ids, itemsOf, seededRng } from './samples.ts'

const engine = await wasmEngine()

const run = (x: readonly string[], y: readonly string[], rest: Partial<Parameters> = {}) => {
  const sizes = { receiver: x.length, sender: y.length }
  const parameters: Parameters = { sizes, output: 'intersection', to: 'receiver', chunkRows: 4, ...rest }
  const inputs = { receiver: itemsOf(x), sender: itemsOf(y) }
  return simulate(ecdh, { parameters, inputs, rng: seededRng('run'), engine })
}

const rows = (...indices: number[]): Outcome => ({ kind: 'intersection', rows: Uint32Array.from(indices) })

describe('psi/ecdh', () => {
  it('gives the receiver its common rows and the sender nothing', () => {
    const { outputs, errors } = run(ids(0, 6), ids(4, 9))
    expect(errors).toEqual({})
    expect(outputs).toEqual({ receiver: rows(4, 5), sender: { kind: 'none' } })
  })
  it('gives both their own rows', () => {
    expect(run(ids(0, 6), ids(4, 9), { to: 'both' }).outputs).toEqual({ receiver: rows(4, 5), sender: rows(0, 1) })
  })
  it('gives only the number', () => {
    const size: Outcome = { kind: 'cardinality', size: 2 }
    const { outputs } = run(ids(0, 6), ids(4, 9), { output: 'cardinality' })
    expect(outputs).toEqual({ receiver: size, sender: { kind: 'none' } })
    expect(run(ids(0, 6), ids(4, 9), { output: 'cardinality', to: 'both' }).outputs).toEqual({
      receiver: size,
      sender: size,
    })
  })
  it('equals the plain intersection of any two sets', () => {
    const set = fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 3 }), { maxLength: 12 })
    const mode = fc.record({
      output: fc.constantFrom('intersection', 'cardinality'),
      to: fc.constantFrom('receiver', 'both'),
      chunkRows: fc.integer({ min: 1, max: 5 }),
    })
    const property = fc.property(set, set, mode, (x, y, rest) => {
      const theirs = new Set(y)
      const common = new Set(x.filter((row) => theirs.has(row)))
      const expected = (own: readonly string[]): Outcome =>
        rest.output === 'cardinality'
          ? { kind: 'cardinality', size: common.size }
          : rows(...own.flatMap((row, i) => (common.has(row) ? [i] : [])))
      const { outputs } = run(x, y, rest)
      expect(outputs.receiver).toEqual(expected(x))
      expect(outputs.sender).toEqual(rest.to === 'both' ? expected(y) : { kind: 'none' })
    })
    fc.assert(property, { numRuns: 40, seed: 1 })
  })
  it.each([
    ['another number of rows than the terms say', ids(0, 3), 'input/changed'],
    ['a duplicate', ['a', 'b', 'a', 'c'], 'input/duplicate'],
  ])('refuses %s before anything is sent', (_, x, code) => {
    const { errors, trace } = run(x, ids(0, 2), { sizes: { receiver: 4, sender: 2 }, chunkRows: 1 })
    expect(errors.receiver).toMatchObject({ code, blame: 'self' })
    expect(trace.filter((frame) => frame.from === 'receiver')).toEqual([])
  })
  it('names the row of an element that is none, and the peer that sent it', () => {
    const sizes = { receiver: 3, sender: 5 }
    const parameters: Parameters = { sizes, output: 'intersection', to: 'receiver', chunkRows: 2 }
    const inputs = { receiver: itemsOf(ids(0, 3)), sender: itemsOf(ids(0, 5)) }
    const mutate = ({ step, ordinal, body }: { step: string; ordinal: number; body: Uint8Array }) => {
      if (step.endsWith('senderMasked') && ordinal === 1) body.fill(0, 32, 64)
      return [body]
    }
    const { errors } = simulate(ecdh, { parameters, inputs, rng: seededRng('bad'), fault: { mutate } })
    expect(errors.receiver).toBeInstanceOf(TallyError)
    expect(errors.receiver).toMatchObject({ code: 'peer/misbehaved', blame: { peer: 'sender' } })
    expect(String(errors.receiver)).toContain('row 3')
  })
})
