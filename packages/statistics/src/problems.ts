/** What a plan asks for that its tables cannot give. */
import { TallyError } from '@tallystick/core'
import type { CategoricalColumn } from './columns.ts'

/** For a plan, found before anything is shared. */
export const impossible = (message: string, remedy: string): TallyError =>
  new TallyError('terms/unsupported', 'self', message, { remedy })

export const unknownLevel = ({ name, levels }: CategoricalColumn, level: string): TallyError =>
  impossible(`column "${name}" has no level "${level}"`, `name one of ${levels.map((each) => `"${each}"`).join(', ')}`)

export const binary = (column: string, found: string): TallyError =>
  impossible(
    `"${column}": expected a column of 0 and 1, found one ${found}`,
    'declare it numeric from 0 to 1 with 0 decimals',
  )
