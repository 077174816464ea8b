/**
 * `variant/1`: a variant of a genome as one text, `chromosome:position:reference:alternative`. What is common to both
 * alleles is trimmed, last bases first (Tan, Abecasis, Kang, "Unified representation of genetic variants", Bioinformatics
 * 31, 2015: parsimony). The other half of that paper, moving an indel to the left through a repeat, takes the reference
 * sequence, which is not here: both lists must be left-aligned on one and the same assembly before (`bcftools norm -f`).
 */
import type { Unfit } from './normalisation.ts'

/** chromosome, position, reference allele, alternative allele */
export const variantCells = 4

type Refused = Unfit & { readonly column: number }

const chromosome = (text: string): string | undefined => {
  const name = text.trim().replace(/^chr/i, '')
  if (/^0*(?:[1-9]|1[0-9]|2[0-2])$/.test(name)) return String(Number(name))
  const upper = name.toUpperCase()
  if (upper === 'X' || upper === 'Y') return upper
  if (upper === 'M' || upper === 'MT') return 'MT'
  return undefined
}

const allele = (text: string, column: number): string | Refused => {
  const bases = text.trim().toUpperCase()
  if (/^[ACGTN]+$/.test(bases)) return bases
  if (bases === '' || bases === '.') return { problem: 'no allele', column }
  if (bases.includes(',')) return { problem: 'several alleles; one record for each (bcftools norm -m-)', column }
  if (/^<.*>$|^\*$|[[\]]/.test(bases)) return { problem: 'a symbolic allele, whose bases are not told', column }
  return { problem: 'not the bases A, C, G, T, N', column }
}

/** From the four cells of a record. */
export const variantOf = (cells: readonly string[]): string | Refused => {
  const [name = '', place = '', first = '', second = ''] = cells
  const chrom = chromosome(name)
  if (chrom === undefined) return { problem: 'not a chromosome 1 to 22, X, Y or M, with or without "chr"', column: 0 }
  const digits = place.trim()
  if (!/^[1-9][0-9]{0,8}$/.test(digits)) return { problem: 'not a position from 1 on', column: 1 }
  const [reference, alternative] = [allele(first, 2), allele(second, 3)]
  if (typeof reference !== 'string') return reference
  if (typeof alternative !== 'string') return alternative
  if (reference === alternative) return { problem: 'the same as the reference: no variant', column: 3 }
  let [from, ends] = [0, [reference.length, alternative.length] as [number, number]]
  const shorter = (): number => Math.min(...ends) - from
  while (shorter() > 1 && reference[ends[0] - 1] === alternative[ends[1] - 1]) ends = [ends[0] - 1, ends[1] - 1]
  while (shorter() > 1 && reference[from] === alternative[from]) from++
  return `${chrom}:${Number(digits) + from}:${reference.slice(from, ends[0])}:${alternative.slice(from, ends[1])}`
}

/** From one cell: `chr1-12345-A-G`, `1:12345:A>G` and the like. */
export const variantIn = (text: string): string | Unfit => {
  const cells = text.trim().split(/\s*[-:_>\s]\s*/)
  if (text.trim() === '') return { problem: 'empty' }
  if (cells.length !== variantCells) return { problem: 'not chromosome, position and two alleles' }
  return variantOf(cells)
}
