/** `table.json` of a party: who it is, which table it would bring, and how the table is read. */
import { TallyError } from '@tallystick/core'
import type { TableSchema } from '@tallystick/statistics/columns'
import { tableSchema } from '@tallystick/statistics/parameters'
import { partyId, type DataTerms } from '@tallystick/session'
import { z } from 'zod'
import { readFormat, type PublicIdentity } from './declaration.ts'
import { tableFormat, type TableFormat } from './table.ts'

export const tableDeclarationFormat = 'tallystick/table-declaration/1'

export interface TableDeclaration {
  readonly format: typeof tableDeclarationFormat
  readonly identity: PublicIdentity
  /** Null for a party that computes and brings nothing. */
  readonly data: DataTerms | null
  readonly schema: TableSchema | null
  readonly read: TableFormat | null
}

const hex = (bytes: number) => z.templateLiteral(['0x', z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))])
const identity = z.strictObject({ name: z.string().min(1), party: hex(32), signer: hex(20), tls: hex(32) })
const data = z.strictObject({
  source: z.string().min(1),
  column: z.string().min(1),
  normalisation: z.string().min(1),
  duplicates: z.enum(['refuse', 'keep-first']),
  rows: z.int().min(1),
})
const declaration = z.strictObject({
  format: z.literal(tableDeclarationFormat),
  identity,
  data: data.nullable(),
  schema: tableSchema.nullable(),
  read: tableFormat.nullable(),
})

export const readTableDeclaration = async (path: string): Promise<TableDeclaration> => {
  const found = await readFormat(path, declaration, "a party's declaration of a table", 'tally data declare --table')
  const { party, signer, tls } = found.identity
  if (partyId(signer, tls) === party) return found
  throw new TallyError('identity/malformed', 'self', `${path}: the party id is not that of its two keys`, {
    remedy: 'ask the partner for the file again, and compare fingerprints (tally party show)',
  })
}

/** What the terms say of a table: `id` joins, `table/1` is how rows are written (columns.ts of statistics). */
export const dataTermsOf = (source: string, format: TableFormat, rows: number): DataTerms => {
  const filled = ({ fill }: TableFormat['columns'][number]): string => (fill === undefined ? '' : ` (empty: ${fill})`)
  const names = format.columns.map((column) => `${column.name}${filled(column)}`).join(', ')
  return {
    source,
    column: names.length <= 200 ? names : `${names.slice(0, 180)} … (${format.columns.length} columns)`,
    normalisation: format.id === undefined ? 'table/1' : `table/1 joined on ${format.id.normalisation}`,
    duplicates: 'refuse',
    rows,
  }
}
