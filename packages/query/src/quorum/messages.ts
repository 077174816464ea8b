/** What the parties of `query/quorum-n` agree on before they start, and what they send. */
import { flatRows, flatWords32, type Hex } from '@tallystick/core'
import { tripleMessages } from '@tallystick/ot'
import { message, opening } from '@tallystick/protocol'
import { chunkRows } from '../evaluation.ts'
import { fieldsOf, hexIn, malformed, maxQueries, wholeIn } from '../parameters.ts'
import type { Items } from '../rfc9497/suite.ts'
import { saltBytes } from '../sealed/row.ts'
import { askerRole, byHolder, holderRoles } from '../several.ts'
import type { Mode, Question } from './circuit.ts'
import { maxMembers } from './table.ts'

/** Computes with the asker; the one holder with which it must not collude. */
export const partnerRole = 'holder-1'

/** The table of a holder. */
export interface MembersTable {
  readonly publicKey: Hex
  /** 12 bytes. */
  readonly salt: Hex
  readonly rows: number
  /** The root of {@link makeTree}. */
  readonly cells: Hex
}

/** What a holder has: a table, and where its list has changed since, a small one of the ids that came or went. */
export interface HeldMembers extends MembersTable {
  /** Who is in one of the two tables, and not in both, is on the list. */
  readonly changes?: MembersTable
}

/** Tables of a holder, one or two. */
export const tablesOf = ({ changes, ...table }: HeldMembers): readonly MembersTable[] =>
  changes === undefined ? [table] : [table, changes]

/** Public parameters, as they stand in the signed terms. */
export interface QuorumParameters {
  readonly queries: number
  readonly mode: Mode
  /** Of `at-least`, 2 to the number of holders; else absent. */
  readonly threshold?: number
  readonly holders: Readonly<Record<string, HeldMembers>>
}

export interface QuorumAskerInput {
  readonly ids: Items
  /** By holder, what its tables have at the cells of the ids, table by table: {@link pickCells}. */
  readonly cells: Readonly<Record<string, Uint8Array>>
}

export interface QuorumHolderInput {
  /** 32 bytes for each of its tables. */
  readonly secretKey: Uint8Array
}

export type QuorumInputs = Record<string, QuorumAskerInput | QuorumHolderInput>

/** What the asker learns, for each id: 0 or 1, or by mode `count` how many holders have it. */
export interface QuorumAnswers {
  readonly kind: 'quorum'
  readonly values: Uint8Array
}

export const elementBytes = 32
/** Bytes of an evaluation on its way to the partner. */
export const wordBytes = 8

export const messages = {
  ...tripleMessages,
  /** ρ_i · H(x_i), the same for all holders. */
  blinded: message(askerRole, 'each', flatRows(elementBytes, chunkRows)),
  /** 64 bits of a digest of k_j ρ_i H(x_i), for each table of the holder. */
  words: message('each', partnerRole, flatRows(wordBytes, 2 * maxQueries)),
  /** The partner's shares of the answers: at most 4 bits an id. */
  answers: opening(partnerRole, askerRole, flatWords32(4 * (maxQueries / 32 + 4))),
} as const

export const questionOf = ({ queries, mode, threshold = 1, holders }: QuorumParameters): Question => ({
  ...{ queries, mode, threshold },
  holders: Object.keys(holders).length,
  tables: Object.values(holders).flatMap((held, holder) => tablesOf(held).map(() => holder)),
})

const modeIn = (id: string, value: unknown): Mode => {
  if (value === 'any' || value === 'at-least' || value === 'count') return value
  throw malformed(id, 'expected mode to be any, at-least or count')
}

export const parserFor = (id: string, holders: number) => {
  const tableIn = (value: unknown, ...more: readonly string[]) => {
    const fields = fieldsOf(id, value, ['publicKey', 'salt', 'rows', 'cells', ...more])
    const table: MembersTable = {
      publicKey: hexIn(id, fields, 'publicKey', 32),
      salt: hexIn(id, fields, 'salt', saltBytes),
      rows: wholeIn(id, fields, 'rows', 0, maxMembers),
      cells: hexIn(id, fields, 'cells', 32),
    }
    return { table, changes: fields['changes'] }
  }
  const heldIn = (value: unknown): HeldMembers => {
    const { table, changes } = tableIn(value, 'changes')
    return changes === undefined ? table : { ...table, changes: tableIn(changes).table }
  }
  return (value: unknown): QuorumParameters => {
    const fields = fieldsOf(id, value, ['queries', 'mode', 'threshold', 'holders'])
    const mode = modeIn(id, fields['mode'])
    if (mode !== 'at-least' && fields['threshold'] !== undefined) {
      throw malformed(id, `there is no threshold in mode ${mode}`)
    }
    return {
      queries: wholeIn(id, fields, 'queries', 1, maxQueries),
      mode,
      ...(mode === 'at-least' ? { threshold: wholeIn(id, fields, 'threshold', 2, holders) } : {}),
      holders: byHolder(id, holderRoles(holders), fields['holders'], heldIn),
    }
  }
}
