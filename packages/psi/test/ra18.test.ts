/** `psi/ra18`: the protocol against its ideal, the filter against sets, and its rate of false positives by experiment. */
import { ristretto255_oprf } from '@noble/curves/ed25519.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { compareBytes, concatBytes, toHex, type TallyError } from '@tallystick/core'
import { oprfEvaluate, oprfScale } from '@tallystick/kernels'
import { wasmEngine } from '@tallystick/kernels/engine'
import { runKernel, simulate } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import { ra18, type UnbalancedParameters } from '@tallystick/psi'
import * as lists from '@tallystick/psi/unbalanced'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ids, itemsOf, seededRng } from './samples.ts'

const engine = await wasmEngine()
const key = lists.scalarsFromCoins(new Uint8Array(64).fill(7))
const publicKey = runKernel(engine, oprfScale, { scalars: key, points: lists.generator }).points
const tagsOf = (rows: readonly string[]): Uint8Array =>
  lists.tagsOf(runKernel(engine, oprfEvaluate, { dst: lists.groupTag, ...itemsOf(rows), scalars: key }))
const keyItems = { bytes: key, offsets: Uint32Array.of(0, 32) }

const parametersOf = (receiver: number, chunkRows: number): UnbalancedParameters => ({
  sizes: { receiver, sender: 1 },
  list: { rows: 9, digest: toHex(new Uint8Array(32)), version: 1, key: toHex(publicKey), fingerprint: 32 },
  output: 'intersection',
  to: 'receiver',
  chunkRows,
})

const cases = [0, 1, 3, 4].map((rows) => ({
  name: `${rows} queries`,
  parameters: parametersOf(rows, 2),
  inputs: { receiver: itemsOf(ids(0, rows)), sender: keyItems },
  ...(rows > 0 && { alternative: { receiver: itemsOf(ids(500, rows)), sender: keyItems } }),
}))
conformance(ra18, cases, { engine })

const run = (queries: readonly string[], change: Partial<Parameters<typeof simulate>[1]> = {}) =>
  simulate(ra18, {
    parameters: parametersOf(queries.length, 64),
    inputs: { receiver: itemsOf(queries), sender: keyItems },
    rng: seededRng('ra18'),
    engine,
    ...(change as object),
  })

it('finds what is common, through the filter, after updates too', () => {
  const [list, queries] = [ids(0, 400), ids(390, 120)]
  const { receiver } = run(queries).outputs
  if (receiver?.kind !== 'tags') throw new Error('expected tags')
  const first = lists.prepareList(tagsOf(list), 32)
  expect([...lists.commonRows(first, receiver.tags)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  const second = lists.changeList(first, { added: tagsOf(['id-450', 'id-2000']), removed: tagsOf(['id-391', 'id-3']) })
  expect([...lists.commonRows(second, receiver.tags)]).toEqual([0, 2, 3, 4, 5, 6, 7, 8, 9, 60])
  expect(lists.listRows(second)).toBe(400)
})

it('is the OPRF of RFC 9497 as noble has it', () => {
  const found = tagsOf(['a', 'bc'])
  const { receiver } = run(['a', 'bc']).outputs
  expect(receiver).toEqual({ kind: 'tags', tags: found })
  const rows = ['a', 'bc'].map((row) => new TextEncoder().encode(row))
  const { oprf } = ristretto255_oprf
  const wanted = rows.map((row) => {
    const { blind, blinded } = oprf.blind(row)
    return oprf.finalize(row, blind, oprf.blindEvaluate(key, blinded)).subarray(0, 16)
  })
  expect(found).toEqual(concatBytes(...wanted))
})

it('stops a sender whose key is not that of the terms, or none', () => {
  for (const bytes of [
    lists.scalarsFromCoins(new Uint8Array(64).fill(8)),
    new Uint8Array(32),
    new Uint8Array(31).fill(1),
  ]) {
    const inputs = { receiver: itemsOf(['a']), sender: { bytes, offsets: Uint32Array.of(0, bytes.length) } }
    const { errors, outputs } = run(['a'], { inputs })
    expect((errors.sender as TallyError).code).toMatch(/^input\/(?:changed|malformed)$/)
    expect(outputs).toEqual({})
  }
})

it('refuses elements that are none, with the blame on their sender', () => {
  for (const [step, role, peer] of [
    ['blinded', 'sender', 'receiver'],
    ['evaluated', 'receiver', 'sender'],
  ] as const) {
    const fault = {
      mutate: (frame: { readonly step: string; readonly body: Uint8Array }) => [
        frame.step.endsWith(step) ? frame.body.slice().fill(255, 32, 64) : frame.body,
      ],
    }
    const { errors } = run(['a', 'b'], { fault })
    expect(errors[role]).toMatchObject({ code: 'peer/misbehaved', blame: { peer } })
  }
})

/** Pseudorandom tags of 16 bytes. */
const randomTags = (seed: number, count: number): Uint8Array => {
  const words = new Uint32Array(4 * count)
  let state = seed
  for (let i = 0; i < words.length; i++) {
    state = (state + 0x9e3779b9) | 0
    let h = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    h = Math.imul(h ^ (h >>> 15), 0x735a2d97)
    words[i] = (h ^ (h >>> 15)) >>> 0
  }
  return new Uint8Array(words.buffer)
}

describe('the filter', () => {
  it('has every tag, for any number of them', () => {
    const sizes = fc.oneof(fc.nat(40), fc.nat(4000))
    fc.assert(
      fc.property(sizes, fc.nat(2 ** 31), fc.constantFrom<32 | 64>(32, 64), (count, seed, fingerprint) => {
        const tags = randomTags(seed, count)
        const list = lists.decodeList(lists.encodeList(lists.prepareList(tags, fingerprint)))
        expect(lists.commonRows(list, tags)).toHaveLength(count)
        expect(lists.commonRows(list, randomTags(seed + 1, 500))).toHaveLength(0)
      }),
      { numRuns: 40 },
    )
  })

  it('lets strangers pass at the rate of its bits: 12 of them here, so that it can be counted', () => {
    const short = (tags: Uint8Array): Uint8Array => {
      const words = new Uint32Array(tags.buffer)
      for (let i = 2; i < words.length; i += 4) words[i]! &= 0xfff
      return tags
    }
    const list = lists.prepareList(short(randomTags(1, 50_000)), 32)
    const found = lists.commonRows(list, short(randomTags(99, 400_000))).length
    const expected = 400_000 / 2 ** 12
    expect(Math.abs(found - expected)).toBeLessThan(5 * Math.sqrt(expected))
  })

  it('is read from a Node Buffer as from any bytes', () => {
    const tags = randomTags(4, 300)
    const bytes = lists.encodeList(lists.prepareList(tags, 32))
    const list = lists.decodeList(Buffer.concat([Buffer.alloc(3), bytes]).subarray(3))
    expect(lists.commonRows(list, tags)).toHaveLength(300)
  })

  it('takes at most 9 bytes an id', () => {
    const size = (fingerprint: 32 | 64) =>
      lists.encodeList(lists.prepareList(randomTags(3, 200_000), fingerprint)).length
    expect(size(32) / 200_000).toBeLessThan(4.7)
    expect(size(64) / 200_000).toBeLessThan(9.4)
  })

  it('is not made of equal tags', () => {
    const tags = concatBytes(randomTags(5, 3), randomTags(5, 3))
    expect(() => lists.prepareList(tags, 32)).toThrow(expect.objectContaining({ code: 'input/duplicate' }))
  })
})

describe('updates', () => {
  const rows = (tags: Uint8Array, from: number, to: number): Uint8Array => tags.slice(16 * from, 16 * to)
  const all = randomTags(11, 60)

  it('equal the list as a set, in any order of additions and removals', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(59), { maxLength: 8 }), { maxLength: 6 }), (batches) => {
        const present = new Set(Array.from({ length: 40 }, (_, i) => i))
        let bytes = lists.encodeList(lists.prepareList(rows(all, 0, 40), 64))
        for (const batch of batches) {
          const toggled = [...new Set(batch)]
          const pick = (rowsOfBatch: readonly number[]) => concatBytes(...rowsOfBatch.map((i) => rows(all, i, i + 1)))
          const change = {
            added: pick(toggled.filter((i) => !present.has(i))),
            removed: pick(toggled.filter((i) => present.has(i))),
          }
          for (const i of toggled) if (!present.delete(i)) present.add(i)
          const next = lists.changeList(lists.decodeList(bytes), change)
          const [from, to] = [bytes, lists.encodeList(next)].map((each) => lists.filterDigest(each, sha256))
          const update = lists.decodeUpdate(
            lists.encodeUpdate({ version: next.version, from: from!, to: to!, ...change }),
          )
          const applied = lists.applyUpdate(bytes, update, sha256)
          expect(lists.filterDigest(applied, sha256)).toBe(to)
          expect(() => lists.applyUpdate(applied, update, sha256)).toThrow(expect.objectContaining({ area: 'input' }))
          bytes = applied
        }
        const list = lists.decodeList(bytes)
        expect([...lists.commonRows(list, all)]).toEqual([...present].sort((a, b) => a - b))
        expect(lists.listRows(list)).toBe(present.size)
      }),
      { numRuns: 40 },
    )
  })

  it('are refused where they do not fit, and files where they are none', () => {
    const list = lists.prepareList(rows(all, 0, 9), 32)
    const malformed = expect.objectContaining({ code: 'input/malformed' })
    const gone = lists.changeList(list, { added: rows(all, 20, 21), removed: rows(all, 0, 1) })
    expect(() => lists.changeList(gone, { added: new Uint8Array(), removed: rows(all, 0, 1) })).toThrow(malformed)
    expect(() => lists.changeList(gone, { added: rows(all, 20, 21), removed: new Uint8Array() })).toThrow(malformed)
    const bytes = lists.encodeList(gone)
    expect(lists.encodeList(lists.decodeList(bytes))).toEqual(bytes)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(31), fc.integer({ min: 1, max: 255 }), (length, at, flip) => {
        expect(() => lists.decodeList(bytes.slice(0, length))).toThrow(malformed)
        const changed = bytes.map((byte, i) => (i === at ? byte ^ flip : byte))
        try {
          expect(compareBytes(lists.encodeList(lists.decodeList(changed)), changed)).toBe(0)
        } catch (error) {
          expect(error).toEqual(malformed)
        }
      }),
      { numRuns: 100 },
    )
  })
})
