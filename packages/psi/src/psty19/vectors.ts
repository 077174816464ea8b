/** Vectors of a role, one after the other, and the payloads in the blocks of the bins. */
import { ownSums, slotsOf, type Parameters } from './messages.ts'

/** The halves of the bins' blocks that hold payloads. */
export const payloadsOf = (parameters: Parameters, slots: Uint8Array): Uint32Array[] => {
  const words = new Uint32Array(slots.buffer, slots.byteOffset, slots.length / 4)
  const count = slotsOf(parameters)
  return Array.from({ length: ownSums(parameters, 'sender') }, (_, i) => {
    const from = 4 * count * ((i + 1) >> 1) + 2 * ((i + 1) & 1)
    const out = new Uint32Array(2 * count)
    for (let slot = 0; slot < count; slot++) {
      out[2 * slot] = words[from + 4 * slot]!
      out[2 * slot + 1] = words[from + 4 * slot + 1]!
    }
    return out
  })
}

export const concat = (parts: readonly Uint32Array[]): Uint32Array => {
  const out = new Uint32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** Vectors of so many elements. */
export const cut = (elements: Uint32Array, slots: number): Uint32Array[] =>
  Array.from({ length: elements.length / (2 * slots) }, (_, i) => elements.subarray(2 * slots * i, 2 * slots * (i + 1)))
