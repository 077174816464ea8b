/** Public arithmetic by limbs against bigints: what every local step of every backend rests on. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addWords,
  integersOfWords,
  multiplyWords,
  negateWords,
  subtractFrom,
  subtractWords,
  wordsOfIntegers,
} from '../src/words.ts'

const operations = {
  add: [addWords, (x: bigint, y: bigint) => x + y],
  subtract: [subtractWords, (x: bigint, y: bigint) => x - y],
  multiply: [multiplyWords, (x: bigint, y: bigint) => x * y],
} as const

describe.each([64, 128] as const)('over Z_2^%d', (ring) => {
  /** Limbs of all zeros and all ones are where carries run. */
  const limb = fc.oneof(fc.constantFrom(0, 1, 0xffff, 0x1_0000, 0x8000_0000, 0xffff_ffff), fc.nat(0xffff_ffff))
  const element = fc
    .array(limb, { minLength: ring / 32, maxLength: ring / 32 })
    .map((limbs) => integersOfWords(ring, Uint32Array.from(limbs))[0]!)
  const vector = fc.array(element, { minLength: 1, maxLength: 6 })
  const reduced = (values: readonly bigint[]): bigint[] => values.map((value) => BigInt.asIntN(ring, value))

  it.each(Object.keys(operations) as (keyof typeof operations)[])('%s is that of integers, broadcast too', (name) => {
    const [words, integers] = operations[name]
    fc.assert(
      fc.property(vector, element, fc.boolean(), (x, y, first) => {
        const [all, one] = [wordsOfIntegers(ring, x), wordsOfIntegers(ring, [y])]
        const broadcast = first ? words(ring, one, all) : words(ring, all, one)
        expect(integersOfWords(ring, broadcast)).toEqual(
          reduced(x.map((value) => (first ? integers(y, value) : integers(value, y)))),
        )
        const turned = x.toReversed()
        expect(integersOfWords(ring, words(ring, all, wordsOfIntegers(ring, turned)))).toEqual(
          reduced(x.map((value, i) => integers(value, turned[i]!))),
        )
      }),
      { numRuns: 200 },
    )
  })

  it('subtracts in place', () => {
    fc.assert(
      fc.property(vector, (x) => {
        const [target, y] = [wordsOfIntegers(ring, x), wordsOfIntegers(ring, x.toReversed())]
        const expected = subtractWords(ring, target, y)
        subtractFrom(ring, target, y)
        expect(target).toEqual(expected)
      }),
      { numRuns: 100 },
    )
  })

  it('negates', () => {
    fc.assert(
      fc.property(vector, (x) => {
        expect(integersOfWords(ring, negateWords(ring, wordsOfIntegers(ring, x)))).toEqual(
          reduced(x.map((value) => -value)),
        )
      }),
      { numRuns: 100 },
    )
  })

  it('takes no elements, and refuses lengths that do not fit', () => {
    const none = new Uint32Array(0)
    expect(addWords(ring, none, wordsOfIntegers(ring, [5]))).toEqual(none)
    const [two, three] = [wordsOfIntegers(ring, [1, 2]), wordsOfIntegers(ring, [1, 2, 3])]
    expect(() => multiplyWords(ring, two, three)).toThrow(expect.objectContaining({ code: 'api/misuse' }))
  })
})
