/** Building blocks of the strict shapes of records and evidence. */
import { TallyError, type ErrorCode, type Hex, type Json } from '@tallystick/core'
import { z } from 'zod'
import { printable } from './text.ts'

/** 0x and lower-case hex digits, of exactly `bytes` bytes where given. */
export const hex = (bytes?: number): z.ZodType<Hex> =>
  z.string().regex(new RegExp(`^0x(?:[0-9a-f]{2})${bytes === undefined ? '*' : `{${bytes}}`}$`), {
    error: `expected 0x and ${bytes ?? 'whole'} bytes in lower-case hex digits`,
  }) as unknown as z.ZodType<Hex>

export const count = z.number().refine((n) => Number.isSafeInteger(n) && n >= 0 && !Object.is(n, -0), {
  error: 'expected an integer of 0 or more',
})

/** Terms allow 1000 attempts at most: a larger number is no record of ours, and nothing may be counted up to it. */
export const attemptNumber = z.number().refine((n) => Number.isInteger(n) && n >= 0 && n < 1000 && !Object.is(n, -0), {
  error: 'expected the number of an attempt, 0 to 999',
})

export const role = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, { error: 'expected a role: a-z, 0-9 and -' })

/** A time as `Date.prototype.toISOString` writes it, milliseconds optional. */
export const instant = z
  .string()
  .refine((text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/.test(text) && !Number.isNaN(Date.parse(text)), {
    error: 'expected a UTC time such as 2026-05-04T03:02:01.000Z',
  })

/** @throws TallyError `code`: where, and what was expected; never the value that was found, which may be secret */
export const parseShape = <T>(code: ErrorCode, what: string, shape: z.ZodType<T>, value: Json): T => {
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const { path, message } = parsed.error.issues[0]!
  const where = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
  throw new TallyError(code, 'none', printable(`${what}${where}: ${message}`), {
    remedy: 'ask whoever made the file for it again, made by this version of Tallystick',
  })
}
