/** Parameters as the parts of a plan look at them: which column is whose, how many rows there are. */
import { TallyError } from '@tallystick/core'
import { largestCode, maxLevels, unitsOf, type Column, type NumericColumn } from './columns.ts'
import { rolesOf, type Parameters, type Role } from './plan.ts'
import { unknownLevel } from './problems.ts'

/** A column where it is. */
export interface Place {
  readonly column: Column
  /** Place in the schema of its table. */
  readonly index: number
  /** Who holds it: everybody with rows in horizontal tables. */
  readonly owners: readonly Role[]
  /** Of a column of 0 and 1 that is made of a categorical one: the code of the level that is 1. */
  readonly level?: number
}

export interface Scope {
  readonly parameters: Parameters
  readonly vertical: boolean
  /** Rows of the joint table. */
  readonly rows: number
  /** Roles with rows, in order. */
  readonly owners: readonly Role[]
  rowsOf(role: Role): number
  place(name: string): Place
  numeric(name: string): NumericColumn
  /** Of a categorical column, or the whole numbers of a numeric one with few of them. */
  levels(name: string): readonly string[]
}

const malformed = (message: string, remedy: string): TallyError =>
  new TallyError('terms/malformed', 'self', message, { remedy })

export const scopeOf = (parameters: Parameters): Scope => {
  const { tables, sizes, layout } = parameters
  const vertical = layout === 'vertical'
  const owners = rolesOf(parameters).filter((role) => tables[role] !== undefined)
  const rowsOf = (role: Role): number => sizes[role] ?? 0
  const declaredPlace = (name: string): Place | undefined => {
    for (const role of owners) {
      const index = tables[role]!.columns.findIndex((column) => column.name === name)
      if (index >= 0) return { column: tables[role]!.columns[index]!, index, owners: vertical ? [role] : owners }
    }
    return undefined
  }
  /** "segment=plus": 1 where the column "segment" has the level "plus". */
  const levelPlace = (name: string): Place | undefined => {
    for (let at = name.indexOf('='); at > 0; at = name.indexOf('=', at + 1)) {
      const of = declaredPlace(name.slice(0, at))
      if (of?.column.type !== 'categorical') continue
      const level = of.column.levels.indexOf(name.slice(at + 1))
      if (level < 0) throw unknownLevel(of.column, name.slice(at + 1))
      return { ...of, column: { name, type: 'numeric', minimum: 0, maximum: 1, decimals: 0 }, level }
    }
    return undefined
  }
  const place = (name: string): Place => {
    const found = declaredPlace(name) ?? levelPlace(name)
    if (found !== undefined) return found
    const known = [...new Set(owners.flatMap((role) => tables[role]!.columns.map((column) => column.name)))]
    throw malformed(`no table has a column "${name}"`, `name one of ${known.map((each) => `"${each}"`).join(', ')}`)
  }
  const levels = (name: string): readonly string[] => {
    const { column } = place(name)
    if (column.type === 'categorical') return column.levels
    const count = largestCode(column) + 1
    if (column.decimals === 0 && count <= maxLevels) {
      return Array.from({ length: count }, (_, code) => String(column.minimum + code))
    }
    throw malformed(
      `expected groups in "${name}", found a numeric column`,
      'choose a categorical column, or a histogram',
    )
  }
  return {
    parameters,
    vertical,
    rows: vertical ? rowsOf(owners[0]!) : owners.reduce((sum, role) => sum + rowsOf(role), 0),
    owners,
    rowsOf,
    place,
    numeric(name) {
      const { column } = place(name)
      if (column.type === 'numeric') return column
      const each = `level(${name}, '${column.levels[1]!}')`
      throw malformed(
        `expected a numeric column, "${name}" is categorical`,
        `choose another column or statistic, or columns of 0 and 1 for all its levels but one: ${each}`,
      )
    },
    levels,
  }
}

/** Whether several owners have rows of each column. */
export const isSpread = (scope: Scope): boolean => !scope.vertical && scope.owners.length > 1

/** The largest code of a column: its range in units. */
export const rangeOf = (scope: Scope, name: string): number => largestCode(scope.place(name).column)

/** The least unit that a numeric column may have. */
export const originOf = (scope: Scope, name: string): number => {
  const column = scope.numeric(name)
  return unitsOf(column, column.minimum)
}

export const unitOf = (scope: Scope, name: string): number => 10 ** -scope.numeric(name).decimals

export const unitsPerOne = (scope: Scope, name: string): bigint => 10n ** BigInt(scope.numeric(name).decimals)

/** Edges of bins as codes: the bin of a code is the number of edges at or below it. */
export const edgeCodes = (scope: Scope, name: string, edges: readonly number[]): readonly number[] => {
  const column = scope.numeric(name)
  const codes = edges.map((edge) => {
    const units = unitsOf(column, edge)
    if (units / 10 ** column.decimals !== edge) {
      throw malformed(`bins of "${name}": ${edge} has more than ${column.decimals} decimals`, 'round the edges')
    }
    return units - unitsOf(column, column.minimum)
  })
  const inside = codes.every((code, i) => code > (codes[i - 1] ?? 0) && code <= largestCode(column))
  if (codes.length >= 1 && inside) return codes
  throw malformed(
    `bins of "${name}": expected one or more edges, ascending, inside the declared range`,
    `choose edges above ${column.minimum} and not above ${column.maximum}`,
  )
}
