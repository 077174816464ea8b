import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalisationOf, normalisations, residentIdCheck } from '../src/normalisation.ts'

const apply = (name: string, text: string): string => {
  const result = normalisationOf(name).apply(text)
  return typeof result === 'string' ? result : `! ${result.problem}`
}
const wide = (text: string): string =>
  text.replace(/[!-~]/g, (char) => String.fromCharCode(char.charCodeAt(0) + 0xfee0))

/** Ids of a region that no authority may assign, with a right check character. */
const residentIds = fc
  .tuple(fc.constant('99'), fc.integer({ min: 0, max: 10 ** 15 - 1 }))
  .map(([region, rest]) => region + String(rest).padStart(15, '0'))
  .map((digits) => digits + residentIdCheck(digits))
const mess = fc.constantFrom('', ' ', '\u3000', '\t', '-', '\u200b', '\ufeff', '\u00a0', '\u2013', '.')

describe('all normalisations', () => {
  it('are idempotent, on any text', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }), residentIds)
    const check = () =>
      fc.assert(
        fc.property(fc.constantFrom(...normalisations.keys()), text, (name, raw) => {
          const once = normalisationOf(name).apply(raw)
          return typeof once !== 'string' || apply(name, once) === once
        }),
        { numRuns: 2000 },
      )
    expect(check).not.toThrow()
  })

  it('never let an empty cell through', () => {
    for (const name of normalisations.keys()) expect(apply(name, '')).toBe('! empty')
    for (const name of ['trim/1', 'text/1', 'resident-id/1', 'phone/1', 'email/1']) {
      expect(apply(name, ' \u3000\t')).toBe('! empty')
    }
  })

  it('are refused by an unknown name with the known ones', () => {
    expect(() => normalisationOf('resident-id/9')).toThrow(/knows no normalisation "resident-id\/9"/)
  })
})

describe('resident-id/1', () => {
  it('gives one form to what people and spreadsheets write', () => {
    fc.assert(
      fc.property(residentIds, fc.array(mess, { minLength: 19, maxLength: 19 }), fc.boolean(), (id, marks, full) => {
        const written = id.toLowerCase().replace(/./g, (char, at: number) => marks[at] + char) + marks[18]
        expect(apply('resident-id/1', full ? wide(written) : written)).toBe(id)
      }),
    )
  })

  it('computes the check character of the standard’s own example', () => {
    expect(apply('resident-id/1', '11010519491231002x')).toBe('11010519491231002X')
    expect(apply('resident-id/1', '440524188001010014')).toBe('440524188001010014')
  })

  it('finds every wrong digit and every swap of neighbours', () => {
    const id = '11010519491231002X'
    for (let i = 0; i < 17; i++) {
      for (const digit of '0123456789') {
        const other = id.slice(0, i) + digit + id.slice(i + 1)
        if (other === id) continue
        expect(apply('resident-id/1', other)).toMatch(/^! the check character/)
        expect(apply('resident-id-unchecked/1', other)).toBe(other)
      }
      const swapped = id.slice(0, i) + id[i + 1] + id[i] + id.slice(i + 2)
      if (i === 16 || swapped === id) continue
      expect(apply('resident-id/1', swapped)).toMatch(/^! the check/)
    }
  })

  it.each([
    ['110105491231002', /old number of 15 digits/],
    ['1.10105E+17', /rounded number/],
    ['1101051949123100', /length 16 where/],
    ['11010519491231O02X', /not 17 digits/],
    ['X1010519491231002X', /not 17 digits/],
  ])('refuses %s', (text, reason) => {
    expect(apply('resident-id/1', text)).toMatch(reason)
    expect(apply('resident-id-unchecked/1', text)).toMatch(reason)
  })
})

describe('the other normalisations', () => {
  it.each([
    ['exact/1', ' a', ' a'],
    ['trim/1', '\u3000 a b ', 'a b'],
    ['text/1', ' Ｓtraße  Ω ', 'strasse ω'],
    ['text/1', 'ΟΔΟΣ', 'οδος'],
    ['phone/1', '+86 154-0000-1234', '15400001234'],
    ['phone/1', '00８６１５４００００１２３４', '15400001234'],
    ['phone/1', '8615400001234', '15400001234'],
    ['phone/1', '(154) 0000 1234', '15400001234'],
    ['phone/1', '010-12345678', '! not a mainland mobile number (11 digits from 13 to 19, after +86 where given)'],
    ['email/1', ' Some.Body+tag@Example.COM ', 'some.body+tag@example.com'],
    ['email/1', 'nobody', '! not name@domain'],
  ])('%s: "%s"', (name, raw, normal) => expect(apply(name, raw)).toBe(normal))
})
