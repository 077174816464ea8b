/**
 * An analysis as a script that names parties and their tables:
 *
 *     const bankA = party('Bank A', { customers: { columns: [numeric('income', 0, 20_000)], id: 'id', rows } })
 *     const joined = join(bankA.table('customers'), bankB.table('loans'), { on: 'id' })
 *     const result = joined.run(({ income, balance, late }) => ({ r: correlation([income, balance]) }))
 *
 * `run` plays all parties in this process, over the protocol itself: a rehearsal, with rows that its caller may see. It
 * protects nothing. `plan` makes what `tally stats plan` turns to terms, which the parties then run each on its machine.
 */
import { createRng, taggedDigest, TallyError, type Json } from '@tallystick/core'
import { referenceEngine, simulate, type Engine } from '@tallystick/protocol'
import {
  checkSchema,
  idBytes,
  largestCode,
  unitsOf,
  type CategoricalColumn,
  type Column,
  type NumericColumn,
  type Table,
} from './columns.ts'
import { parseParameters } from './parameters.ts'
import {
  analyse,
  rolesOf,
  roles,
  type Directed,
  type Layout,
  type Parameters,
  type Plan,
  type Reference,
  type Role,
  type Statistic,
} from './plan.ts'
import { statisticsWith, summarise } from './program.ts'

export const numeric = <const Name extends string>(
  name: Name,
  minimum: number,
  maximum: number,
  decimals = 0,
): NumericColumn & { readonly name: Name } => ({ name, type: 'numeric', minimum, maximum, decimals })

export const categorical = <const Name extends string>(
  name: Name,
  levels: readonly string[],
): CategoricalColumn & { readonly name: Name } => ({ name, type: 'categorical', levels })

/** A table of a party; without rows it can be planned and not rehearsed. */
export interface TableSource<Name extends string = string> {
  readonly columns: readonly (Column & { readonly name: Name })[]
  /** By name of the column (and of the id). */
  readonly rows?: readonly Readonly<Record<string, string | number>>[]
}

/** A table with whose it is. */
export interface PartyTable<Name extends string = string> extends TableSource<Name> {
  readonly party: string
}

type NameOf<T> = T extends { readonly columns: readonly { readonly name: infer Name extends string }[] } ? Name : never

export const party = <const Tables extends Readonly<Record<string, TableSource>>>(name: string, tables: Tables) => ({
  name,
  table: <Key extends keyof Tables & string>(table: Key): PartyTable<NameOf<Tables[Key]>> => ({
    ...(tables[table] as unknown as TableSource<NameOf<Tables[Key]>>),
    party: name,
  }),
})

export interface AnalysisOptions {
  readonly minimumCount?: number
  readonly roundTo?: number
  readonly to?: Role
}

export interface RunOptions extends AnalysisOptions {
  /** Fast kernels; the reference ones unless told. */
  readonly engine?: Engine
}

type Write<Name extends string> = (
  columns: Readonly<Record<Name, Reference>>,
) => Readonly<Record<string, Statistic | Directed>>

export interface Joint<Name extends string> {
  /** For `tally stats plan`: export it as default. */
  plan(write: Write<Name>, options?: AnalysisOptions): Plan
  /** The figures by name, of all parties played here; each as whoever learns it would see it. */
  run(write: Write<Name>, options?: RunOptions): Readonly<Record<string, Json>>
}

const malformed = (message: string, remedy: string): TallyError =>
  new TallyError('input/malformed', 'self', message, { remedy })

const codeOf = (column: Column, cell: string | number | undefined, row: number): number => {
  const code =
    column.type === 'categorical'
      ? column.levels.indexOf(String(cell))
      : unitsOf(column, Number(cell)) - unitsOf(column, column.minimum)
  if (cell !== undefined && code >= 0 && code <= largestCode(column)) return code
  throw malformed(`row ${row}, column "${column.name}": the cell is not as declared`, 'correct the row or the column')
}

const rowsOf = ({ party: name, rows }: PartyTable): NonNullable<TableSource['rows']> => {
  if (rows !== undefined) return rows
  throw malformed(`the table of ${name} has no rows to rehearse with`, 'give rows, or plan and run with "tally stats"')
}

const tableOf = ({ columns }: PartyTable, rows: NonNullable<TableSource['rows']>, ids: readonly string[]): Table => {
  checkSchema({ columns })
  const bytes = new Uint8Array(idBytes * ids.length)
  ids.forEach((id, i) => bytes.set(taggedDigest('tallystick/rehearsal-id/v1', id).subarray(0, idBytes), idBytes * i))
  return {
    rows: rows.length,
    codes: columns.map((column) => Float64Array.from(rows, (row, i) => codeOf(column, row[column.name], i))),
    ids: bytes,
  }
}

/** Rows that all tables have, in one order. */
const joinedRows = (tables: readonly PartyTable[], on: string): readonly Table[] => {
  const indices = tables.map((table) => new Map(rowsOf(table).map((row) => [String(row[on]), row])))
  tables.forEach((table, t) => {
    if (indices[t]!.size === rowsOf(table).length && !indices[t]!.has('undefined')) return
    throw malformed(`the ids "${on}" of ${table.party} are missing or repeat`, 'give each row an id of its own')
  })
  const common = [...indices[0]!.keys()].filter((id) => indices.every((index) => index.has(id))).sort()
  return tables.map((table, t) =>
    tableOf(
      table,
      common.map((id) => indices[t]!.get(id)!),
      common,
    ),
  )
}

const nobody: Table = { rows: 0, codes: [], ids: new Uint8Array(0) }

const joint = <Name extends string>(
  layout: Layout,
  tables: readonly PartyTable<Name>[],
  rows: () => readonly Table[],
): Joint<Name> => {
  const owners = Math.max(0, tables.length - roles.length)
  const all = rolesOf({ owners })
  const names = layout === 'vertical' ? tables.flatMap(({ columns }) => columns) : tables[0]!.columns
  const columns = names.map(({ name }) => name)
  const plan: Joint<Name>['plan'] = (write, { minimumCount = 0, roundTo, to = 'all' } = {}) =>
    analyse({ layout, columns, minimumCount, ...(roundTo !== undefined && { roundTo }), to }, write)
  return {
    plan,
    run(write, { engine = referenceEngine, ...options } = {}) {
      const found = rows()
      const byRole = <T>(of: (i: number) => T) => Object.fromEntries(tables.map((_, i) => [all[i]!, of(i)]))
      const parameters: Parameters = parseParameters({
        ...plan(write, options),
        ...(owners > 0 && { owners }),
        sizes: byRole((i) => found[i]!.rows),
        tables: byRole((i) => ({ columns: tables[i]!.columns })),
      })
      const protocol = statisticsWith(owners)
      const { outputs, errors } = simulate(protocol, {
        parameters: protocol.parameters(parameters),
        inputs: Object.fromEntries(all.map((role, i) => [role, found[i] ?? nobody])),
        rng: (role) => createRng(taggedDigest('tallystick/rehearsal/v1', role)),
        engine,
      })
      const failed = Object.values(errors)[0]
      if (failed !== undefined) throw failed
      const told = all.flatMap((role) => (outputs[role] === undefined ? [] : [summarise(parameters, outputs[role])]))
      return Object.assign({}, ...told) as Readonly<Record<string, Json>>
    },
  }
}

/** Tables with the same rows and other columns, joined on an id; the first three parties compute. */
export const join = <const Tables extends readonly PartyTable[]>(
  ...parts: readonly [...Tables, { readonly on: string }]
): Joint<NameOf<Tables[number]>> => {
  const { on } = parts.at(-1) as { readonly on: string }
  const tables = parts.slice(0, -1) as unknown as readonly PartyTable<NameOf<Tables[number]>>[]
  return joint('vertical', tables, () => joinedRows(tables, on))
}

/** Tables with the same columns and other rows; the first three parties compute. */
export const stack = <const Tables extends readonly PartyTable[]>(...parts: Tables): Joint<NameOf<Tables[number]>> => {
  const tables = parts as unknown as readonly PartyTable<NameOf<Tables[number]>>[]
  return joint('horizontal', tables, () => tables.map((table) => tableOf(table, rowsOf(table), [])))
}
