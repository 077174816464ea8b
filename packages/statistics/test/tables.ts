/** Data sets as the tables of parties, and plans over them, run in clear or by three simulated parties. */
import { createRng, taggedDigest } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { simulate, type SimulationResult } from '@tallystick/protocol'
import {
  idBytes,
  roles,
  statistics,
  summarise,
  unitsOf,
  type Column,
  type Parameters,
  type Plan,
  type Computing as Role,
  type StatisticsOutput,
  type Table,
} from '@tallystick/statistics'
import { dataSet, declared } from './reference.ts'

export interface Setting {
  readonly parameters: Parameters
  readonly inputs: Readonly<Record<Role, Table>>
}

const codesOf = (column: Column, cells: readonly string[]): Float64Array =>
  column.type === 'categorical'
    ? Float64Array.from(cells, (cell) => column.levels.indexOf(cell))
    : Float64Array.from(cells, (cell) => unitsOf(column, Number(cell)) - unitsOf(column, column.minimum))

/** Columns named so weigh rows: their declared minimum is 1. */
const weights = ['age']

const idsOf = (rows: number): Uint8Array => {
  const ids = new Uint8Array(idBytes * rows)
  for (let row = 0; row < rows; row++)
    ids.set(taggedDigest('tallystick/test/v1', `row ${row}`).subarray(0, idBytes), idBytes * row)
  return ids
}

const nobody: Table = { rows: 0, codes: [], ids: new Uint8Array(0) }

/** Rows dealt to the three parties in turn by unequal blocks. */
export const horizontal = (name: string, columns: readonly string[], plan: Plan): Setting => {
  const data = dataSet(name)
  const schema = { columns: columns.map((column) => declared(data, column, weights.includes(column))) }
  const bounds = [0, Math.floor(data.rows / 5), Math.floor((3 * data.rows) / 5), data.rows]
  const tables = roles.map((_, i): Table => {
    const codes = schema.columns.map((column) =>
      codesOf(column, data.cells[column.name]!.slice(bounds[i], bounds[i + 1])),
    )
    return { rows: bounds[i + 1]! - bounds[i]!, codes, ids: new Uint8Array(0) }
  })
  const byRole = <T>(of: (i: number) => T) =>
    Object.fromEntries(roles.map((role, i) => [role, of(i)])) as Record<Role, T>
  return {
    parameters: { ...plan, sizes: byRole((i) => tables[i]!.rows), tables: byRole(() => schema) },
    inputs: byRole((i) => tables[i]!),
  }
}

/** Columns dealt to the three parties in turn. */
export const vertical = (name: string, columns: readonly string[], plan: Plan): Setting => {
  const data = dataSet(name)
  const owners = roles.slice(0, Math.min(3, columns.length))
  const mine = (i: number) =>
    columns.filter((_, c) => c % 3 === i).map((column) => declared(data, column, weights.includes(column)))
  const ids = idsOf(data.rows)
  const table = (i: number): Table =>
    i < owners.length
      ? { rows: data.rows, codes: mine(i).map((column) => codesOf(column, data.cells[column.name]!)), ids }
      : nobody
  return {
    parameters: {
      ...plan,
      sizes: Object.fromEntries(owners.map((role) => [role, data.rows])),
      tables: Object.fromEntries(owners.map((role, i) => [role, { columns: mine(i) }])),
    },
    inputs: Object.fromEntries(roles.map((role, i) => [role, table(i)])) as Record<Role, Table>,
  }
}

/** The figures as the ideal functionality gives them. */
export const ideal = ({ parameters, inputs }: Setting) => {
  const checked = statistics.parameters(parameters)
  const output = statistics.ideal(checked, inputs)['p0'] as StatisticsOutput
  return summarise(checked, output) as Readonly<Record<string, any>>
}

const engine = await wasmEngine()

export const simulated = ({ parameters, inputs }: Setting, seed = 'statistics') =>
  simulate(statistics, {
    parameters: statistics.parameters(parameters),
    inputs,
    rng: (role) => createRng(taggedDigest('tallystick/test/v1', seed, role)),
    engine,
  }) as SimulationResult<Role, Record<Role, StatisticsOutput>>

/** The figures as three parties compute them. */
export const figures = (setting: Setting, role: Role = 'p0') => {
  const { outputs, errors } = simulated(setting)
  const failed = Object.values(errors)[0]
  if (failed !== undefined) throw failed
  return summarise(statistics.parameters(setting.parameters), outputs[role]!) as Readonly<Record<string, any>>
}
