/** Data sets as the tables of parties, and plans over them, run in clear or by three simulated parties. */
import { createRng, taggedDigest } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { simulate, type AnyProtocol, type SimulationResult } from '@tallystick/protocol'
import {
  idBytes,
  roles,
  statisticsFor,
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
const nobodies = { p0: nobody, p1: nobody, p2: nobody }

/** Who has tables: three who compute, or two that a helper deals to. */
const ownersOf = (helper: boolean): readonly Role[] => (helper ? roles.slice(0, 2) : roles)

/** Rows dealt to the parties in turn by unequal blocks. */
export const horizontal = (name: string, columns: readonly string[], plan: Plan, helper = false): Setting => {
  const data = dataSet(name)
  const schema = { columns: columns.map((column) => declared(data, column, weights.includes(column))) }
  const owners = ownersOf(helper)
  const middle = helper ? [] : [Math.floor((3 * data.rows) / 5)]
  const bounds = [0, Math.floor(data.rows / 5), ...middle, data.rows]
  const tables = owners.map((_, i): Table => {
    const codes = schema.columns.map((column) =>
      codesOf(column, data.cells[column.name]!.slice(bounds[i], bounds[i + 1])),
    )
    return { rows: bounds[i + 1]! - bounds[i]!, codes, ids: new Uint8Array(0) }
  })
  const byRole = <T>(of: (i: number) => T) => Object.fromEntries(owners.map((role, i) => [role, of(i)]))
  return {
    parameters: {
      ...plan,
      ...(helper && { helper }),
      sizes: byRole((i) => tables[i]!.rows),
      tables: byRole(() => schema),
    },
    inputs: { ...nobodies, ...byRole((i) => tables[i]!) },
  }
}

/** Columns dealt to the parties in turn. */
export const vertical = (name: string, columns: readonly string[], plan: Plan, helper = false): Setting => {
  const data = dataSet(name)
  const computing = ownersOf(helper)
  const owners = computing.slice(0, columns.length)
  const mine = (i: number) =>
    columns
      .filter((_, c) => c % computing.length === i)
      .map((column) => declared(data, column, weights.includes(column)))
  const ids = idsOf(data.rows)
  const table = (i: number): Table => ({
    rows: data.rows,
    codes: mine(i).map((column) => codesOf(column, data.cells[column.name]!)),
    ids,
  })
  return {
    parameters: {
      ...plan,
      ...(helper && { helper }),
      sizes: Object.fromEntries(owners.map((role) => [role, data.rows])),
      tables: Object.fromEntries(owners.map((role, i) => [role, { columns: mine(i) }])),
    },
    inputs: { ...nobodies, ...Object.fromEntries(owners.map((role, i) => [role, table(i)])) },
  }
}

/** The figures as the ideal functionality gives them. */
export const ideal = ({ parameters, inputs }: Setting) => {
  const protocol = statisticsFor(parameters)
  const checked = protocol.parameters(parameters)
  const output = protocol.ideal(checked, inputs)['p0'] as StatisticsOutput
  return summarise(checked, output) as Readonly<Record<string, any>>
}

const engine = await wasmEngine()

/** @param changed a role with other coins */
export const simulated = ({ parameters, inputs }: Setting, seed = 'statistics', changed?: string) => {
  const protocol = statisticsFor(parameters)
  return simulate(protocol as AnyProtocol, {
    parameters: protocol.parameters(parameters),
    inputs: Object.fromEntries(protocol.roles.map((role) => [role, inputs[role as Role] ?? nobody])),
    rng: (role) => createRng(taggedDigest('tallystick/test/v1', role === changed ? `${seed}, changed` : seed, role)),
    engine,
  }) as SimulationResult<Role | 'helper', Record<Role | 'helper', StatisticsOutput>>
}

/** The figures as the parties compute them. */
export const figures = (setting: Setting, role: Role = 'p0') => {
  const { outputs, errors } = simulated(setting)
  const failed = Object.values(errors)[0]
  if (failed !== undefined) throw failed
  return summarise(setting.parameters, outputs[role]!) as Readonly<Record<string, any>>
}
