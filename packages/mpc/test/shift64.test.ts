/** The one-pass steps of a truncation are those of the text over whole vectors. */
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { dealt64, opened64 } from '../src/rep3/shift64.ts'
import { dealt, openedShare } from '../src/rep3/truncate.ts'

const limb = fc.oneof(fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff), fc.nat(0xffff_ffff))
const size = 4
const vector = fc.array(limb, { minLength: size, maxLength: size }).map((limbs) => Uint32Array.from(limbs))
const shift = fc.oneof(fc.constantFrom(0, 1, 16, 31, 32, 33, 61, 62), fc.nat(62))
const shape = (by: number) => ({ from: 64, to: 64, by }) as const

it('deals the same', () => {
  fc.assert(
    fc.property(vector, vector, vector, vector, shift, (toA, toB, s, t, by) => {
      const expected = dealt(shape(by), toA, toB, s, t)
      expect(dealt64(toA, toB, s, t, by)).toEqual(expected)
    }),
    { numRuns: 300 },
  )
})

it('opens the same, of a share and of a product, at either opener', () => {
  fc.assert(
    fc.property(
      fc.array(vector, { minLength: 6, maxLength: 6 }),
      shift,
      fc.boolean(),
      fc.boolean(),
      (v, by, first, three) => {
        const opening = {
          masked: v[0]!,
          theirs: v[1]!,
          dealt: three ? v[2] : undefined,
          t: v[3]!,
          s: v[4]!,
          mask: v[5]!,
          first,
        }
        expect(opened64({ ...opening, by })).toEqual(openedShare(shape(by), opening))
      },
    ),
    { numRuns: 300 },
  )
})
