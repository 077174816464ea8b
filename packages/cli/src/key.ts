/**
 * What of a record is its id: the normal form of one cell, or of several. Several become a netstring each (D. J. Bernstein,
 * 1997: the number of bytes in decimal, a colon, the bytes, a comma), one after the other, so that no two different rows
 * of cells have the same id: ("ab", "c") is not ("a", "bc").
 *
 * In the terms one column stands by its name and several as a JSON array of names; their normalisations, one for each or
 * one for all, are joined by " + ". A normalisation that takes several cells together (variant/1) gives one form of all.
 */
import { TallyError } from '@tallystick/core'
import { normalisationOf, type Normalisation, type Unfit } from './normalisation.ts'

export interface Key {
  readonly columns: readonly string[]
  /** As many as columns. */
  readonly normalisations: readonly Normalisation[]
  /** The id of the cells of these columns, or why there is none and in which of them. */
  readonly idOf: (cells: readonly string[]) => string | (Unfit & { readonly column: number })
}

const joint = ' + '

/** The text of several columns in the terms. */
export const columnText = (columns: readonly string[]): string =>
  columns.length === 1 ? columns[0]! : JSON.stringify(columns)

export const normalisationsOf = (text: string): readonly string[] => text.split(joint)

export const normalisationText = (names: readonly string[]): string => names.join(joint)

export const columnsOf = (text: string): readonly string[] => {
  if (!text.startsWith('["')) return [text]
  try {
    const columns: unknown = JSON.parse(text)
    if (Array.isArray(columns) && columns.length > 0 && columns.every((name) => typeof name === 'string'))
      return columns
  } catch {
    // A name that begins like this.
  }
  return [text]
}

const bytesOf = (text: string): number => Buffer.byteLength(text, 'utf8')

/**
 * From what stands in the terms.
 * @throws TallyError terms/unsupported for an unknown normalisation, input/column for a number of them that does not fit
 */
export const keyOf = (column: string, normalisation: string): Key => {
  const columns = columnsOf(column)
  const names = normalisationsOf(normalisation)
  if (names.length !== 1 && names.length !== columns.length) {
    const message = `expected one normalisation, or one for each of the ${columns.length} columns, found ${names.length}`
    throw new TallyError('input/column', 'self', message, { remedy: 'name them in the order of the columns' })
  }
  if (new Set(columns).size !== columns.length) {
    throw new TallyError('input/column', 'self', 'expected each column of the id once, found one twice')
  }
  const normalisations = columns.map((_, i) => normalisationOf(names[names.length === 1 ? 0 : i]!))
  const [only] = normalisations
  const together = names.length === 1 && only?.together?.cells === columns.length ? only.together : undefined
  return {
    columns,
    normalisations,
    idOf(cells) {
      if (together) return together.apply(cells)
      if (cells.length === 1) {
        const id = only!.apply(cells[0]!)
        return typeof id === 'string' ? id : { ...id, column: 0 }
      }
      let text = ''
      for (const [column, cell] of cells.entries()) {
        const part = normalisations[column]!.apply(cell)
        if (typeof part !== 'string') return { ...part, column }
        text += `${bytesOf(part)}:${part},`
      }
      return text
    },
  }
}
