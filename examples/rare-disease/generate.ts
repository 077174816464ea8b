/**
 * A provider's table of variants and the variants of one patient, with the mess of real exports, made from a seed. Nobody
 * in them exists: positions, alleles and counts are drawn, and gene names only look like such.
 */
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createRng, readU32 } from '@tallystick/core'

/** A variant in its one form: left-aligned, no bases in common but one. */
export interface Variant {
  readonly chromosome: string
  readonly position: number
  readonly reference: string
  readonly alternative: string
}

export interface Row extends Variant {
  readonly alleleCount: number
  readonly alleleNumber: number
  readonly homozygotes: number
  readonly gene: string
  readonly consequence: string
}

type Draw = (below: number) => number

const drawer = (seed: string): Draw => {
  const rng = createRng(createHash('sha256').update(seed).digest())
  return (below) => readU32(rng.bytes(4)) % below
}

const chromosomes = [...Array.from({ length: 22 }, (_, i) => String(i + 1)), 'X', 'Y', 'MT']
const consequences = ['missense', 'synonymous', 'frameshift', 'stop gained', 'splice donor']

const bases = (draw: Draw, count: number): string => Array.from({ length: count }, () => 'ACGT'[draw(4)]!).join('')

/**
 * A substitution, or bases put in or left out after the first. The last of those is not the first: else they could be
 * moved to the left, and the same variant would have two forms.
 */
const variant = (serial: number, draw: Draw): Variant => {
  const first = bases(draw, 1)
  const other = 'ACGT'.replace(first, '')[draw(3)]!
  const kind = draw(8)
  return {
    chromosome: chromosomes[draw(chromosomes.length)]!,
    // Far enough apart that no two are the same.
    position: 1000 + 40 * serial + draw(30),
    reference: kind === 1 ? first + bases(draw, draw(4)) + other : first,
    alternative: kind === 0 ? first + bases(draw, draw(4)) + other : kind === 1 ? first : other,
  }
}

export const makeTable = (count: number, seed = 'rare-disease'): readonly Row[] => {
  const draw = drawer(seed)
  return Array.from({ length: count }, (_, serial) => {
    const alleleNumber = 20_000 - 2 * draw(500)
    const common = draw(10) === 0
    const alleleCount = common ? 200 + draw(4000) : 1 + draw(6)
    return {
      ...variant(serial, draw),
      ...{ alleleCount, alleleNumber, homozygotes: common ? draw(Math.ceil(alleleCount / 4)) : 0 },
      gene: `GENE${1 + draw(900)}`,
      consequence: consequences[draw(consequences.length)]!,
    }
  })
}

/** Some of the table, rare ones among them, and some that nobody has seen before. */
export const makePatient = (
  table: readonly Row[],
  known: number,
  unknown: number,
  seed = 'patient',
): readonly Variant[] => {
  const draw = drawer(seed)
  const held = Array.from(
    { length: known },
    (_, i) => table[(i * Math.floor(table.length / known) + draw(7)) % table.length]!,
  )
  const strangers = Array.from({ length: unknown }, (_, i) => variant(table.length + 10 + i, draw))
  return [...held, ...strangers].toSorted((a, b) => a.position - b.position)
}

/** The same variant as programs and people write it: prefixes, small letters, bases in common at either end. */
const messy = ({ chromosome, position, reference, alternative }: Variant, draw: Draw): readonly string[] => {
  const name = [chromosome, `chr${chromosome}`, `Chr${chromosome}`, chromosome === 'MT' ? 'chrM' : ` ${chromosome} `][
    draw(4)
  ]!
  const tail = draw(3) === 0 ? bases(draw, 1 + draw(3)) : ''
  const head = draw(5) === 0 ? bases(draw, 1) : ''
  const written = [head + reference + tail, head + alternative + tail]
  const cased = draw(4) === 0 ? written.map((allele) => allele.toLowerCase()) : written
  return [name, String(position - head.length), ...cased]
}

const lines = (header: readonly string[], records: readonly (readonly string[])[], newline: string): string =>
  [header, ...records].map((cells) => cells.join('\t')).join(newline) + newline

export interface Written {
  readonly table: string
  readonly patient: string
  /** The patient's variants as a caller of structural variants would add one: refused. */
  readonly spoiled: string
}

export const writeFiles = async (
  folder: string,
  table: readonly Row[],
  patient: readonly Variant[],
): Promise<Written> => {
  await mkdir(folder, { recursive: true })
  const draw = drawer('mess')
  const rows = table.map((row) => [
    ...messy(row, draw),
    ...[row.alleleCount, row.alleleNumber, row.homozygotes].map(String),
    ...[row.gene, row.consequence],
  ])
  const asked = patient.map((each, i) => [...messy(each, draw), `sample-${1 + (i % 2)}`])
  const written = {
    table: join(folder, 'table.tsv'),
    patient: join(folder, 'patient.tsv'),
    spoiled: join(folder, 'patient-with-deletion.tsv'),
  }
  const header = ['#CHROM', 'POS', 'REF', 'ALT', 'SAMPLE']
  await writeFile(
    written.table,
    lines(['chrom', 'pos', 'ref', 'alt', 'AC', 'AN', 'nhomalt', 'gene', 'consequence'], rows, '\n'),
  )
  await writeFile(written.patient, lines(header, asked, '\r\n'))
  await writeFile(written.spoiled, lines(header, [...asked, ['chr2', '5000', 'A', '<DEL>', 'sample-1']], '\r\n'))
  return written
}
