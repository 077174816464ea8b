import type { Kernel } from '@tallystick/protocol'
import type { Share } from './messages.ts'

export interface CrossTermsInput {
  readonly x: Share
  readonly y: Share
  /** A share of zero. */
  readonly zero: Uint32Array
}

const slice = ({ own, next }: Share, from: number, to: number): Share => ({
  own: own.subarray(from, to),
  next: next.subarray(from, to),
})

const concatWords = (parts: readonly Uint32Array[]): Uint32Array => {
  const out = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** x_i·y_i + x_i·y_(i+1) + x_(i+1)·y_i + zero_i over Z_2^32, element by element. Constant-time: no secret branches. */
export const crossTerms: Kernel<CrossTermsInput, Uint32Array> = {
  name: 'ring32/cross-terms',
  run({ x, y, zero }) {
    const out = new Uint32Array(zero.length)
    for (let i = 0; i < out.length; i++) {
      const [x0, x1, y0, y1] = [x.own[i]!, x.next[i]!, y.own[i]!, y.next[i]!]
      out[i] = Math.imul(x0, y0) + Math.imul(x0, y1) + Math.imul(x1, y0) + zero[i]!
    }
    return out
  },
  batch: {
    rows: ({ zero }) => zero.length,
    slice: ({ x, y, zero }, from, to) => ({
      x: slice(x, from, to),
      y: slice(y, from, to),
      zero: zero.subarray(from, to),
    }),
    join: concatWords,
  },
}
