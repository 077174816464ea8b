/**
 * `table.json`: what a version of a table is, for whoever asks it. It holds no row and no secret; its digests bind the
 * files beside it, and the terms of every query name the version by one digest over all of it.
 */
import { TallyError, type Hex } from '@tallystick/core'
import {
  cellBytes,
  cellsFor,
  matrixBytesOf,
  slotOverhead,
  versionDigest,
  type HeldTable,
  type ListParameters,
  tablesOf,
  type HeldMembers,
  type PirParameters,
} from '@tallystick/query'
import { z } from 'zod'
import { readFormat } from '../declaration.ts'

const hex = (bytes: number) => z.templateLiteral(['0x', z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))])

/** 2: slots of 20 bytes beside their value; a table of 1 is built again. */
export const tableFormat = 'tallystick/query-table/2'

const common = {
  format: z.literal(tableFormat),
  /** What the list is, in the holder's words. */
  source: z.string().min(1),
  /** The column of ids, and what counts as equal. */
  column: z.string().min(1),
  normalisation: z.string().min(1),
  /** Names of a row's values. */
  values: z.array(z.string().min(1)),
  publicKey: hex(32),
  salt: hex(12),
  version: z.int().min(1),
  valueBytes: z.int().min(0),
}

const schema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('sealed-list'), ...common, rows: z.int().min(0), list: hex(32) }),
  /** Who is on the list, without values: for questions to several holders that tell one bit. */
  z.strictObject({
    kind: z.literal('members'),
    ...common,
    rows: z.int().min(0),
    cells: hex(32),
    /** The small table of the ids that came or went since; `rows` is what it has room for. */
    changes: z.strictObject({ publicKey: hex(32), salt: hex(12), rows: z.int().min(1), cells: hex(32) }).optional(),
  }),
  z.strictObject({
    kind: z.literal('simplepir'),
    ...common,
    columns: z.int().min(1),
    slots: z.int().min(1),
    seed: hex(32),
    matrix: hex(32),
    hint: hex(32),
    stashRows: z.int().min(0),
    stash: hex(32),
    /** What the holder commits to: the lines of the matrix, or the digest of it, which keeps evidence small. */
    committed: z.literal('digest').optional(),
  }),
])

export type Description = z.infer<typeof schema>
export type PirDescription = Extract<Description, { kind: 'simplepir' }>
export type MembersDescription = Extract<Description, { kind: 'members' }>
/** Of a table that gives rows. */
export type RowsDescription = Exclude<Description, MembersDescription>

export const readDescription = (path: string): Promise<Description> =>
  readFormat(path, schema, 'the description of a table', 'tally query build')

export const shapeOf = ({ columns, slots, valueBytes }: PirDescription) => ({ columns, slots, valueBytes })

export const tableDigest = (description: PirDescription): Hex =>
  versionDigest({ ...description, shape: shapeOf(description) })

/** Parameters of a query against this version, as the terms have them. */
export const parametersFor = (description: RowsDescription, queries: number): ListParameters | PirParameters => {
  const { publicKey, salt, valueBytes } = description
  const each = { queries, publicKey, salt, valueBytes }
  if (description.kind === 'sealed-list') return { ...each, rows: description.rows, list: description.list }
  const { columns, slots, matrix, stashRows, stash, committed } = description
  const table = { columns, slots, table: tableDigest(description), matrix, stashRows, stash }
  return { ...each, ...table, ...(committed === undefined ? {} : { committed }) }
}

/** The table of one holder among several that give rows. */
export const heldBy = (description: RowsDescription): HeldTable => {
  const { queries: _, ...table } = parametersFor(description, 1)
  return { kind: description.kind, ...table } as HeldTable
}

/** What one holder has among several that give a bit. */
export const membersOf = ({ publicKey, salt, rows, cells, changes }: MembersDescription): HeldMembers => ({
  ...{ publicKey, salt, rows, cells },
  ...(changes === undefined ? {} : { changes }),
})

/** Whether terms are about this version. @param parameters of the one holder */
export const isAbout = (parameters: unknown, description: Description): boolean => {
  const { list, table, matrix, cells, changes } = parameters as Readonly<Record<string, unknown>>
  if (description.kind === 'members') {
    const since = (changes as { readonly cells?: unknown } | undefined)?.cells
    return cells === description.cells && since === description.changes?.cells
  }
  if (description.kind === 'sealed-list') return list === description.list
  return table === tableDigest(description) && matrix === description.matrix
}

/** What terms say of the table of one role; of the holder, where there is only one. */
export const tableIn = (parameters: unknown, role: string): unknown => {
  const { holders } = parameters as { readonly holders?: Readonly<Record<string, unknown>> }
  return holders === undefined ? parameters : holders[role]
}

export const otherVersion = (folder: string): TallyError =>
  new TallyError('terms/mismatch', 'self', `${folder} holds no version of the table that the terms name`, {
    remedy: 'fetch that version, or agree on terms for one that is here',
  })

/** Bytes of a query's answer path, for choosing and explaining. */
export const downloadBytes = (description: Description): number =>
  description.kind === 'members'
    ? tablesOf(membersOf(description)).reduce((sum, { rows }) => sum + cellBytes * cellsFor(rows), 0)
    : description.kind === 'sealed-list'
      ? description.rows * (slotOverhead + description.valueBytes)
      : 4096 * Math.ceil(matrixBytesOf(shapeOf(description)) / description.columns)
