/** One query and its answer: SimplePIR (ia.cr/2022/949), figure 2, with bytes centred and answers rounded to 16 bits. */
import type { Unit } from './prepare.ts'
import { centre, scaleFactor } from './shape.ts'

/** q = b + Δ·u_c: a change of one word, made by passing over all of them. */
export const queryFor = ({ mask }: Unit, column: number): Uint32Array => {
  const out = new Uint32Array(mask.length)
  for (let j = 0; j < mask.length; j++) {
    const apart = j ^ column
    // All ones where j = column.
    const here = ~((apart | -apart) >> 31)
    out[j] = mask[j]! + (scaleFactor & here)
  }
  return out
}

/** The upper 16 bits of each word, rounded; little-endian. */
export const roundAnswers = (answers: Uint32Array): Uint8Array => {
  const out = new Uint8Array(2 * answers.length)
  for (let r = 0; r < answers.length; r++) {
    const high = (answers[r]! + 0x8000) >>> 16
    out[2 * r] = high
    out[2 * r + 1] = high >> 8
  }
  return out
}

/** The bytes of the column: `answer` is 2 bytes a line. */
export const decodeColumn = ({ share }: Unit, query: Uint32Array, answer: Uint8Array): Uint8Array => {
  let sum = 0
  for (let j = 0; j < query.length; j++) sum = (sum + query[j]!) | 0
  const shift = Math.imul(centre, sum)
  const column = new Uint8Array(share.length)
  for (let r = 0; r < share.length; r++) {
    const word = ((answer[2 * r]! | (answer[2 * r + 1]! << 8)) << 16) - shift - share[r]!
    column[r] = ((word + scaleFactor / 2) >>> 24) + centre
  }
  return column
}
