/**
 * Normalisations: how the text of a cell becomes the bytes that are compared. The terms name one for each party by its
 * versioned name; what a name means never changes, a better rule gets a new version. `docs/data.md` is their reference.
 */
import { TallyError } from '@tallystick/core'
import { variantCells, variantIn, variantOf } from './variant.ts'

/** Why a cell has no normal form. Never holds the cell's text. */
export interface Unfit {
  readonly problem: string
}

export interface Normalisation {
  /** `name/version`, as the terms have it. */
  readonly name: string
  /** One sentence for whoever approves the terms. */
  readonly summary: string
  readonly apply: (text: string) => string | Unfit
  /** For what stands in several cells of a record and has one form together: how many, and its form. */
  readonly together?: {
    readonly cells: number
    readonly apply: (cells: readonly string[]) => string | (Unfit & { readonly column: number })
  }
}

const unfit = (problem: string): Unfit => ({ problem })
const empty = unfit('empty')

/** Full-width forms U+FF01 to U+FF5E to their ASCII twins: the part of NFKC that such numbers need, and no more. */
const narrow = (text: string): string =>
  text.replace(/[\uff01-\uff5e]/g, (char) => String.fromCharCode(char.charCodeAt(0) - 0xfee0))

/** White space, zero-width characters and what spreadsheets and people put between, before and after digits. */
const decoration = /[\s\u200b-\u200f\u2060\ufeff'"`=_.·()\-\u2010-\u2015]+/g
const bare = (text: string): string => (/^[0-9]+$/.test(text) ? text : narrow(text).replace(decoration, ''))

const spreadsheetNumber = /^\s*\d(?:\.\d+)?E\+?\d+\s*$/i
const rounded = unfit('a spreadsheet has turned it into a rounded number; export the column as text')

const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]

/** Check character of a resident id (GB 11643-1999, ISO 7064 MOD 11-2) for its first 17 digits. */
export const residentIdCheck = (digits: string): string => {
  let sum = 0
  for (let i = 0; i < 17; i++) sum += weights[i]! * (digits.charCodeAt(i) - 48)
  return '10X98765432'.charAt(sum % 11)
}

const residentId =
  (checked: boolean) =>
  (text: string): string | Unfit => {
    const id = bare(text).replace(/x$/, 'X')
    if (/^[0-9]{17}[0-9X]$/.test(id)) {
      return !checked || residentIdCheck(id) === id.charAt(17) ? id : unfit('the check character is wrong')
    }
    if (id === '') return empty
    if (spreadsheetNumber.test(text)) return rounded
    if (/^[0-9]{15}$/.test(id)) return unfit('an old number of 15 digits; use the 18 characters that replaced it')
    return id.length === 18
      ? unfit('not 17 digits and a digit or X')
      : unfit(`length ${id.length} where a resident id has 18 characters`)
  }

const phone = (text: string): string | Unfit => {
  const digits = bare(text).replace(/^(?:\+86|0086|86(?=1[0-9]{10}$))/, '')
  if (/^1[3-9][0-9]{9}$/.test(digits)) return digits
  if (digits === '') return empty
  if (spreadsheetNumber.test(text)) return rounded
  return unfit('not a mainland mobile number (11 digits from 13 to 19, after +86 where given)')
}

const fold = (text: string): string => text.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC')

/** Compatibility forms and case. Folding can uncover a form to fold again, so until nothing changes. */
const folded = (text: string): string => {
  for (let before = text; ;) {
    const after = fold(before).replace(/\s+/g, ' ').trim()
    if (after === before) return after
    before = after
  }
}

const email = (text: string): string | Unfit => {
  const address = folded(text)
  if (address === '') return empty
  return /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/.test(address) ? address : unfit('not name@domain')
}

const orEmpty = (text: string): string | Unfit => (text === '' ? empty : text)

const all: readonly Normalisation[] = [
  { name: 'exact/1', summary: 'every character counts, spaces and case too', apply: orEmpty },
  { name: 'trim/1', summary: 'white space before and after is dropped', apply: (text) => orEmpty(text.trim()) },
  {
    name: 'text/1',
    summary: 'Unicode NFKC, upper and lower case alike, runs of white space as one space',
    apply: (text) => orEmpty(folded(text)),
  },
  {
    name: 'resident-id/1',
    summary: 'Chinese resident id of 18 characters: full-width as ASCII, no spaces or separators, x as X, checked',
    apply: residentId(true),
  },
  {
    name: 'resident-id-unchecked/1',
    summary: 'as resident-id/1, but a wrong check character is let through and compared as it stands',
    apply: residentId(false),
  },
  {
    name: 'phone/1',
    summary: 'mainland mobile number of 11 digits: full-width as ASCII, no +86, 0086, spaces or separators',
    apply: phone,
  },
  { name: 'email/1', summary: 'name@domain as in text/1; dots and tags of the name count', apply: email },
  {
    name: 'variant/1',
    summary:
      'variant as chromosome, position and alleles: no "chr", capitals, common bases trimmed; left-aligned before',
    apply: variantIn,
    together: { cells: variantCells, apply: variantOf },
  },
]

export const normalisations: ReadonlyMap<string, Normalisation> = new Map(all.map((each) => [each.name, each]))

/** @throws TallyError terms/unsupported for a name that this version does not know */
export const normalisationOf = (name: string): Normalisation => {
  const found = normalisations.get(name)
  if (found !== undefined) return found
  throw new TallyError('terms/unsupported', 'self', `this version knows no normalisation "${name}"`, {
    remedy: `use one of ${[...normalisations.keys()].join(', ')}, or a version of Tallystick that knows it`,
  })
}
