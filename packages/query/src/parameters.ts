/** Checks of what terms say, shared by the protocols of this package. */
import { TallyError, type Hex } from '@tallystick/core'

/** 1 to 10,000 ids in one job. */
export const maxQueries = 10_000

export const malformed = (id: string, message: string): TallyError =>
  new TallyError('terms/malformed', 'self', `${id} parameters: ${message}`, {
    remedy: 'make new terms from the description of the table, as its holder gives it',
  })

type Fields = Readonly<Record<string, unknown>>

/** An object with exactly these fields. */
export const fieldsOf = (id: string, value: unknown, names: readonly string[]): Fields => {
  if (typeof value !== 'object' || value === null) throw malformed(id, 'expected an object')
  const stranger = Object.keys(value).find((key) => !names.includes(key))
  if (stranger !== undefined) throw malformed(id, `there is no parameter "${stranger}"`)
  return value as Fields
}

export const wholeIn = (id: string, fields: Fields, name: string, least: number, most: number): number => {
  const value = fields[name]
  if (
    typeof value === 'number' &&
    Number.isInteger(value) &&
    value >= least &&
    value <= most &&
    !Object.is(value, -0)
  ) {
    return value
  }
  throw malformed(id, `expected ${name} to be a whole number from ${least} to ${most}`)
}

export const hexIn = (id: string, fields: Fields, name: string, bytes: number): Hex => {
  const value = fields[name]
  if (typeof value === 'string' && new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`).test(value)) return value as Hex
  throw malformed(id, `expected ${name} to be 0x and ${bytes} bytes in lower-case hex digits`)
}
