/**
 * Three exports with the mess of real ones, made from a seed. Nobody in them exists: mobile numbers begin with
 * 154 0000, a block that no operator has been given, and all figures are drawn.
 */
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createRng, readU32 } from '@tallystick/core'
import { stringify } from 'csv-stringify/sync'
import { companies, type Company } from './companies.ts'

/** A customer as the world has it; no company has it whole. */
export type Customer = Readonly<Record<string, number | string>>

type Draw = (below: number) => number

const drawer = (seed: string): Draw => {
  const rng = createRng(createHash('sha256').update(seed).digest())
  return (below) => readU32(rng.bytes(4)) % below
}

/** About normal, mean 0 and deviation 1: a sum of twelve uniform draws. */
const bell = (draw: Draw): number => Array.from({ length: 12 }, () => draw(10_001) / 10_000).reduce((a, b) => a + b) - 6

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value))
const cents = (value: number): number => Math.round(value * 100) / 100

const customer = (serial: number, draw: Draw): Customer => {
  const age = 18 + draw(62)
  const income = cents(clamp(3500 + 18 * (age - 40) + 1100 * bell(draw), 400, 19_000))
  const debt = Math.round(clamp(9000 + 2.2 * income + 9000 * bell(draw), 0, 190_000))
  const claims = cents(clamp(600 + 9 * age + 500 * bell(draw), 0, 40_000))
  const spend = cents(clamp(120 + 0.09 * income - 1.5 * age + 0.02 * claims + 60 * bell(draw), 0, 4900))
  const risk = 1 / (1 + Math.exp(-(0.4 - 0.0009 * income + 0.00011 * debt - 0.012 * age)))
  return {
    mobile: `1540000${String(serial).padStart(4, '0')}`,
    ...{ age, income, debt, claims, spend },
    segment: income > 5200 ? 'private' : income > 3600 ? 'plus' : 'basic',
    channel: draw(100) < 30 + age / 2 ? 'shop' : 'web, app',
    late: draw(1_000_000) < risk * 1_000_000 ? 1 : 0,
  }
}

export const makeCustomers = (count: number, seed = 'joint-statistics'): readonly Customer[] => {
  const draw = drawer(seed)
  return Array.from({ length: count }, (_, serial) => customer(serial, draw))
}

/** The same number as people write it. */
const messyMobile = (mobile: string, draw: Draw): string => {
  const parts = `${mobile.slice(0, 3)}-${mobile.slice(3, 7)}-${mobile.slice(7)}`
  const wide = [...mobile].map((digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)).join('')
  return [mobile, mobile, `+86 ${mobile}`, parts, ` ${mobile} `, wide][draw(6)]!
}

const shuffled = <T>(items: readonly T[], draw: Draw): T[] => {
  const out = [...items]
  for (let i = out.length - 1; i > 0; i--) {
    const j = draw(i + 1)
    ;[out[i], out[j]] = [out[j]!, out[i]!]
  }
  return out
}

/** One company's export: its own columns among others, in an order of its own. */
const exportOf = (company: Company, customers: readonly Customer[], spoiled = false): string => {
  const draw = drawer(`export of ${company.name}`)
  const { columns, delimiter, newline, bom, id } = company
  const header = ['No.', id, ...columns.map(({ name, from }) => from ?? name), 'note']
  const notes = ['', 'called "twice"', 'moved;\nsee file', '']
  const rows = shuffled(customers, draw).map((each, i) => [
    String(i + 1),
    messyMobile(String(each['mobile']), draw),
    ...columns.map((column, c) => {
      const value = each[column.name]!
      const text = column.type === 'numeric' ? Number(value).toFixed(column.decimals) : String(value)
      const cell = draw(8) === 0 ? ` ${text} ` : text
      return spoiled ? hurried(cell, i, c) : cell
    }),
    notes[draw(notes.length)]!,
  ])
  const text = stringify([header, ...rows], { delimiter, record_delimiter: newline, quoted_match: /[\r\n]/ })
  return `${bom ? '\ufeff' : ''}${text}`
}

/** Full-width digits in one cell and a comma between thousands in another, as a hurried export has them. */
const hurried = (text: string, row: number, column: number): string => {
  if (column !== 0 || (row !== 38 && row !== 78)) return text
  if (row === 78) return text.trim().replace(/([0-9]{3}\.)/, ',$1')
  return text.replaceAll(/[0-9]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0))
}

export interface Written {
  readonly company: Company
  readonly table: string
  /** What the columns of the table are: for `tally data declare --table`. */
  readonly format: string
}

/** Writes the three exports, and for the first company a spoiled one beside it. */
export const writeExports = async (
  folder: string,
  customers: readonly Customer[],
): Promise<{ readonly written: readonly Written[]; readonly spoiled: string }> => {
  await mkdir(folder, { recursive: true })
  const written = await Promise.all(
    companies.map(async (company): Promise<Written> => {
      const table = join(folder, `${company.role}.csv`)
      const format = join(folder, `${company.role}-columns.json`)
      const { columns, id } = company
      await writeFile(table, exportOf(company, customers))
      const described = { id: { from: id, normalisation: 'phone/1' }, columns }
      await writeFile(format, `${JSON.stringify(described, undefined, 2)}\n`)
      return { company, table, format }
    }),
  )
  const bad = join(folder, 'p0-spoiled.csv')
  await writeFile(bad, exportOf(companies[0]!, customers, true))
  return { written, spoiled: bad }
}
