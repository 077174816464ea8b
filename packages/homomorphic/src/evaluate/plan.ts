/** What the terms of `homomorphic/evaluate` say, and the plan that follows. */
import { TallyError } from '@tallystick/core'
import type { Program } from '../operators/expression.ts'
import { planOf, type Plan } from '../plan/index.ts'

/** Public parameters, as they stand in the signed terms. */
export interface Parameters {
  /** Rows by owner: the length of each of its columns. */
  readonly sizes: Readonly<Record<string, number>>
  /** Names of each owner's columns, in the order of its table. */
  readonly columns: Readonly<Record<string, readonly string[]>>
  /** Outputs and the columns that they are computed from. */
  readonly program: Program
  /** The most that a number of an output may be off; exact unless told. */
  readonly precision?: number
}

const maxColumns = 256
/** Characters of a program: all of it is signed, read by people and planned for by every party. */
const maxProgram = 100_000

const malformed = (id: string, message: string): TallyError =>
  new TallyError('terms/malformed', 'self', `${id} parameters: ${message}`)

const object = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {}

/** Values travel as 32-bit integers in their last decimal. */
const inWords = (column: unknown): boolean => {
  const { range, decimals = 0 } = object(column)
  const unit = 10 ** Number(decimals)
  return Array.isArray(range) && range.length === 2 && range.every((end) => Math.abs(Number(end)) * unit < 2 ** 31)
}

/** @throws TallyError terms/malformed, terms/unsupported */
export const parserFor =
  (id: string, owners: readonly string[]) =>
  (value: unknown): Parameters => {
    const { sizes, columns, program, precision, ...rest } = object(value)
    const { inputs, outputs, ...more } = object(program)
    const [rows, names] = [object(sizes), object(columns)]
    const listed = owners.flatMap((owner) => (Array.isArray(names[owner]) ? (names[owner] as unknown[]) : []))
    const declared = object(inputs)
    const exact =
      Object.keys({ ...rest, ...more }).length === 0 &&
      [rows, names].every((record) => Object.keys(record).length === owners.length) &&
      owners.every((owner) => Number.isSafeInteger(rows[owner]) && Array.isArray(names[owner]))
    if (!exact)
      throw malformed(id, `expected { sizes, columns: of ${owners.join(', ')}; program: { inputs, outputs } }`)
    const distinct = new Set(listed).size === listed.length && listed.length <= maxColumns && listed.length > 0
    const known = listed.every((name) => typeof name === 'string' && Object.hasOwn(declared, name))
    if (!distinct || !known || Object.keys(declared).length !== listed.length) {
      throw malformed(id, `expected each of at most ${maxColumns} inputs of the program to be a column of one owner`)
    }
    for (const owner of owners) {
      for (const name of names[owner] as readonly string[]) {
        if (object(declared[name])['length'] === rows[owner] && inWords(declared[name])) continue
        throw malformed(id, `expected ${name} with ${String(rows[owner])} rows and a range of 32-bit integers`)
      }
    }
    if (JSON.stringify(program).length > maxProgram)
      throw malformed(id, `expected a program of ${maxProgram} characters`)
    const precise = precision === undefined || (typeof precision === 'number' && precision > 0 && precision < 2 ** 100)
    if (!precise) throw malformed(id, 'expected a precision above 0, or none for exact results')
    const asked = precision === undefined ? {} : { precision }
    const parsed = { sizes: rows, columns: names, program: { inputs, outputs }, ...asked } as unknown as Parameters
    programPlan(parsed)
    return parsed
  }

const plans = new Map<string, Plan>()
const keptPlans = 8

/** Planning takes up to seconds, and everything about a protocol asks for the plan. */
export const programPlan = ({ program, precision }: Parameters): Plan => {
  const key = JSON.stringify([program, precision])
  const options = { parties: true, ...(precision === undefined ? {} : { precision }) }
  const plan = plans.get(key) ?? planOf(program, options)
  plans.delete(key)
  plans.set(key, plan)
  const [oldest] = plans.keys()
  if (plans.size > keptPlans && oldest !== undefined) plans.delete(oldest)
  return plan
}

/** Which owner a column is of. */
export const ownerOf = ({ columns }: Parameters, name: string): string =>
  Object.entries(columns).find(([, names]) => names.includes(name))![0]
