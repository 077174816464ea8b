/** What a plan asks for that its tables cannot give. */
import { TallyError } from '@tallystick/core'

/** For a plan, found before anything is shared. */
export const impossible = (message: string, remedy: string): TallyError =>
  new TallyError('terms/unsupported', 'self', message, { remedy })

export const unknownLevel = (column: string, level: string): TallyError =>
  impossible(`column "${column}" has no level "${level}"`, 'name a level of its declaration')

export const binary = (column: string, found: string): TallyError =>
  impossible(
    `"${column}": expected a column of 0 and 1, found one ${found}`,
    'declare it numeric from 0 to 1 with 0 decimals',
  )
