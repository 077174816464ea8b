/** Which results of kernels go to the journal. */
import { encodeValue, type Value } from '@tallystick/core'

/**
 * Kernel results are kept where writing them and reading them back is surely cheaper than making them again, also on a
 * busy machine: the time is of the clock, so that fast kernels look slower there. Group operations make about 1 MB/s,
 * hashing and sorting some 100 MB/s.
 */
const slowMilliseconds = 20
const keptBytesPerMillisecond = 5000
const mostKeptBytes = 64 * 1024 * 1024

/** Whether the tables of a result alone are too large: before a copy of them is made. */
const largerThan = (output: unknown, most: number): boolean => {
  const fields: unknown[] = ArrayBuffer.isView(output) ? [output] : Object.values(output ?? {})
  return fields.reduce<number>((sum, field) => sum + (ArrayBuffer.isView(field) ? field.byteLength : 0), 0) > most
}

/** The bytes of a result that is worth keeping. */
export const worthKeeping = (output: unknown, milliseconds: number): Uint8Array | undefined => {
  const most = Math.min(mostKeptBytes, milliseconds * keptBytesPerMillisecond)
  if (milliseconds < slowMilliseconds || largerThan(output, most)) return undefined
  try {
    const bytes = encodeValue(output as Value)
    return bytes.length <= most ? bytes : undefined
  } catch {
    return undefined // a result that is no plain value is computed again
  }
}
