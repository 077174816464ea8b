/** Parsers of JSON shapes: exactly the stated members, nothing missing and nothing besides. */
import { TallyError, type ErrorCode, type Hex, type Json } from '@tallystick/core'

/** @param path where the value stands, for the message */
export type Parse<T> = (value: Json, path: string) => T
export type Parsed<P> = P extends Parse<infer T> ? T : never

const expected = (path: string, what: string): never => {
  throw new TallyError('decode/malformed', 'none', `${path}: expected ${what}`)
}

export const hexOf =
  (bytes?: number): Parse<Hex> =>
  (value, path) => {
    const digits = bytes === undefined ? '*' : `{${bytes}}`
    const fits = typeof value === 'string' && new RegExp(`^0x(?:[0-9a-f]{2})${digits}$`).test(value)
    return fits ? (value as Hex) : expected(path, `${bytes ?? 'whole'} bytes as 0x and lower-case hex digits`)
  }

export const text: Parse<string> = (value, path) => (typeof value === 'string' ? value : expected(path, 'a string'))

export const literal =
  <const T extends string>(...allowed: readonly T[]): Parse<T> =>
  (value, path) =>
    allowed.includes(value as T) ? (value as T) : expected(path, allowed.map((one) => `"${one}"`).join(' or '))

export const count: Parse<number> = (value, path) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : expected(path, 'an integer of 0 or more')

/** A time in UTC to the millisecond: the one way that ISO 8601 is written here. */
export const instant: Parse<string> = (value, path) => {
  const canonical = typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)
  return canonical && !Number.isNaN(Date.parse(value)) ? value : expected(path, 'a time like 2026-01-31T09:30:00.000Z')
}

export const any: Parse<Json> = (value) => value

export const listOf =
  <T>(item: Parse<T>): Parse<readonly T[]> =>
  (value, path) =>
    Array.isArray(value) ? value.map((one: Json, i) => item(one, `${path}[${i}]`)) : expected(path, 'a list')

const membersOf = (value: Json, path: string): Readonly<Record<string, Json>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, Json>>)
    : expected(path, 'an object')

export const recordOf =
  <T>(item: Parse<T>): Parse<Readonly<Record<string, T>>> =>
  (value, path) =>
    Object.fromEntries(Object.entries(membersOf(value, path)).map(([key, one]) => [key, item(one, `${path}.${key}`)]))

export const nullable =
  <T>(item: Parse<T>): Parse<T | null> =>
  (value, path) =>
    value === null ? null : item(value, path)

export const shapeOf =
  <const F extends Readonly<Record<string, Parse<unknown>>>>(
    fields: F,
  ): Parse<{ readonly [K in keyof F]: Parsed<F[K]> }> =>
  (value, path) => {
    const members = membersOf(value, path)
    const unknown = Object.keys(members).find((key) => !Object.hasOwn(fields, key))
    if (unknown !== undefined) expected(path, `no member "${unknown}"`)
    const entries = Object.entries(fields).map(([key, parse]) => {
      if (!Object.hasOwn(members, key)) expected(path, `a member "${key}"`)
      return [key, parse(members[key]!, `${path}.${key}`)]
    })
    return Object.fromEntries(entries) as { readonly [K in keyof F]: Parsed<F[K]> }
  }

/** Runs `work`; what does not decode becomes an error of `code` about `what`. */
export const withCode = <T>(code: ErrorCode, what: string, work: () => T): T => {
  try {
    return work()
  } catch (cause) {
    if (!(cause instanceof TallyError) || cause.area !== 'decode') throw cause
    throw new TallyError(code, 'none', `${what}: ${cause.message}`, {
      cause,
      remedy: 'ask whoever made the file for it again, made by this version of Tallystick',
    })
  }
}
