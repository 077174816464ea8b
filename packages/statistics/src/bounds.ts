/** Bit bounds of every value that a plan computes: what could wrap around is refused before anything is shared. */
import { TallyError } from '@tallystick/core'

/** The least b with value < 2^b, for value >= 0. */
export const bitsOf = (value: number): number => (value < 1 ? 0 : Math.floor(Math.log2(value) + 1e-9) + 1)

/** Magnitudes below 2^this are safe in the ring of a comparison or truncation. */
export const safeBits = { 64: 62, 128: 126 } as const

/** @throws TallyError terms/unsupported */
export const requireBits = (bits: number, ring: 64 | 128, what: string, remedy: string): void => {
  if (bits <= safeBits[ring]) return
  throw new TallyError(
    'terms/unsupported',
    'self',
    `${what} may need ${Math.ceil(bits)} bits, ${safeBits[ring]} are there: it could wrap around`,
    { remedy },
  )
}

/** What helps in most cases. */
export const narrower = 'declare a smaller range or fewer decimals for these columns, or use fewer rows'
