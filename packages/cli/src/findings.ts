/** What is wrong with the records of a file: counted whole, the first few told by line, never by value. */
import { TallyError, type ErrorCode } from '@tallystick/core'
import { count, plural } from './text.ts'

const examples = 5

/** Where something is wrong: all are counted, the first few are kept. */
export interface Findings {
  total: number
  readonly lines: string[]
}
export const findings = (): Findings => ({ total: 0, lines: [] })
export const note = (found: Findings, text: () => string): void => {
  if (found.total++ < examples) found.lines.push(text())
}
const listed = ({ total, lines }: Findings): string => {
  const more = total > lines.length ? [`and ${count(total - lines.length)} more`] : []
  return [...lines, ...more].map((line) => `\n      ${line}`).join('')
}

const foldName = (name: string): string =>
  name
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s_.-]+/g, '')

/**
 * Index of the column. Names of columns are told only where they resemble the one asked for: in a file without a
 * header the first record is somebody's.
 */
export const columnIndex = (path: string, header: readonly string[], column: string): number => {
  const at = header.indexOf(column)
  if (at !== -1 && header.indexOf(column, at + 1) === -1) return at
  const places = header.flatMap((name, i) => (name === column ? [i + 1] : []))
  if (places.length > 1) {
    const message = `${path}: ${places.length} columns are named "${column}": columns ${places.join(', ')}`
    throw new TallyError('input/column', 'self', message, { remedy: 'rename all but one of them' })
  }
  const similar = header.find((name) => foldName(name) === foldName(column))
  const found = plural(header.length, 'column', 'columns')
  throw new TallyError('input/column', 'self', `${path}: none of the ${found} of line 1 is named "${column}"`, {
    remedy:
      similar === undefined
        ? 'name a column as line 1 has it; if the list has no header, add one'
        : `did you mean "${similar}"? Names are compared letter by letter`,
  })
}

export interface Problem {
  readonly code: ErrorCode
  readonly found: Findings
  readonly what: string
  readonly remedy: string
}

/** One error for all that is wrong with the records, so that a list is mended once. */
export const problemError = (path: string, problems: readonly Problem[]): TallyError => {
  const message = problems.map(({ what, found }) => `${what}${listed(found)}`).join('\n    also ')
  const remedy = problems.map((problem) => problem.remedy).join('; ')
  return new TallyError(problems[0]!.code, 'self', `${path}: ${message}`, { remedy })
}
