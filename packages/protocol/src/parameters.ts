/** Reading the public parameters of a protocol, as they stand in signed terms: what is not known is refused. */
import { TallyError } from '@tallystick/core'

/** Each throws TallyError terms/malformed, blaming oneself: terms that cannot be run are not to be signed. */
export interface ParameterReader {
  readonly malformed: (message: string) => TallyError
  /** A whole number from `least` to `most`; minus zero is none. */
  readonly integer: (value: unknown, name: string, least: number, most: number) => number
  readonly oneOf: <const T extends string>(value: unknown, name: string, choices: readonly T[]) => T
  /** An object with no fields but the known ones; what they hold is for the caller to check. */
  readonly fields: (value: unknown, name: string, known: readonly string[]) => Readonly<Record<string, unknown>>
}

/** For the protocol `id`; `remedy` says which parameters it takes. */
export const parameterReader = (id: string, remedy: string): ParameterReader => {
  const malformed = (message: string): TallyError =>
    new TallyError('terms/malformed', 'self', `${id} parameters: ${message}`, { remedy })
  return {
    malformed,
    integer(value, name, least, most) {
      const whole = typeof value === 'number' && Number.isInteger(value) && !Object.is(value, -0)
      if (whole && value >= least && value <= most) return value
      throw malformed(`expected ${name} to be a whole number from ${least} to ${most}`)
    },
    oneOf(value, name, choices) {
      const choice = choices.find((each) => each === value)
      if (choice === undefined) throw malformed(`expected ${name} to be one of ${choices.join(', ')}`)
      return choice
    },
    fields(value, name, known) {
      if (typeof value !== 'object' || value === null) throw malformed(`expected ${name} to be an object`)
      const stranger = Object.keys(value).find((key) => !known.includes(key))
      if (stranger !== undefined) throw malformed(`${name} has no field "${stranger}"`)
      return value as Readonly<Record<string, unknown>>
    },
  }
}
