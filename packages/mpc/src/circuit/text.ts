/** Rows of a dataset as inputs of a circuit: a row is the bytes of an instance in lower-case hex digits. */
import { TallyError } from '@tallystick/core'
import { rowBytesOf, type CircuitInput, type CircuitParameters } from './terms.ts'

const nibble = (code: number): number => {
  if (code >= 48 && code <= 57) return code - 48
  return code >= 97 && code <= 102 ? code - 87 : -1
}

/**
 * Row i is text[offsets[i], offsets[i + 1]), twice as many hex digits as the role's values have bytes.
 * @throws TallyError input/malformed for any other row.
 */
export const circuitInputOf = (
  { bytes, offsets }: { readonly bytes: Uint8Array; readonly offsets: Uint32Array },
  role: string,
  parameters: CircuitParameters,
): CircuitInput => {
  const width = rowBytesOf(parameters, role)
  const count = offsets.length - 1
  const rows = new Uint8Array(width * count)
  for (let row = 0; row < count; row++) {
    const [from, to] = [offsets[row]!, offsets[row + 1]!]
    let bad = to - from !== 2 * width
    for (let i = 0; i < width && !bad; i++) {
      const [high, low] = [nibble(bytes[from + 2 * i]!), nibble(bytes[from + 2 * i + 1]!)]
      bad = high < 0 || low < 0
      rows[width * row + i] = (high << 4) | low
    }
    if (!bad) continue
    const message = `row ${row}: expected ${2 * width} lower-case hex digits, the bytes of this party's values`
    throw new TallyError('input/malformed', 'self', message, {
      remedy: 'write each value in whole bytes, least significant first, one value after the other',
    })
  }
  return { rows }
}
