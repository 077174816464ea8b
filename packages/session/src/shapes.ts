/** Building blocks of the strict shapes of terms and control messages; messages say what was expected. */
import type { Hex, Json } from '@tallystick/core'
import { z } from 'zod'

/** 0x and exactly `bytes` bytes in lower-case hex digits. */
export const hex = (bytes: number): z.ZodType<Hex> =>
  z.string().regex(new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`), {
    error: `expected 0x and ${bytes} bytes in lower-case hex digits`,
  }) as unknown as z.ZodType<Hex>

/** A role as protocols name them; it becomes part of journal keys and link names, so nothing else is let in. */
export const role = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, { error: 'expected a role: a-z, 0-9 and -' })

/** One line that a person reads: no control characters that could dress the text up. */
export const line = (longest: number): z.ZodType<string> =>
  z
    .string()
    .refine(
      (text) => text.length > 0 && text.length <= longest && !/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/u.test(text),
      {
        error: `expected one line of 1 to ${longest} printable characters`,
      },
    )

export const integer = (least: number, most: number): z.ZodType<number> =>
  z.number({ error: 'expected a number' }).refine((n) => Number.isInteger(n) && n >= least && n <= most, {
    error: `expected an integer from ${least} to ${most}`,
  })

/** An instant in UTC, as `Date.prototype.toISOString` writes it, milliseconds optional. */
export const instant = z
  .string()
  .refine((text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/.test(text) && !Number.isNaN(Date.parse(text)), {
    error: 'expected a UTC time such as 2026-05-04T03:02:01Z',
  })

export const date = z.string().refine((text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)), {
  error: 'expected a date such as 2026-05-04',
})

export const json = z.json() as unknown as z.ZodType<Json>

/** The first complaint about a value: where, what was expected, and the value there (shortened). */
export const complaint = (root: string, error: z.ZodError, value: unknown): string => {
  const issue = error.issues[0]!
  let found = value
  let path = root
  for (const part of issue.path) {
    path += typeof part === 'number' ? `[${part}]` : `.${String(part)}`
    found = typeof found === 'object' && found !== null ? (found as Record<PropertyKey, unknown>)[part] : undefined
  }
  const text = found === undefined ? 'nothing' : JSON.stringify(found)
  return `${path}: ${issue.message}, found ${text.length > 80 ? `${text.slice(0, 77)}...` : text}`
}
