/** What the three parties of `mpc/araki16` agree on, hold and send. */
import { flatWords32, TallyError } from '@tallystick/core'
import { message, opening } from '@tallystick/protocol'

export const roles = ['p0', 'p1', 'p2'] as const
export type Role = (typeof roles)[number]

/** Public parameters. */
export interface Parameters {
  /** Number of independent products, each of two vectors, element by element. */
  readonly products: number
  /** Elements a vector. */
  readonly length: number
}

/** Party i's replicated share of v = v_0 + v_1 + v_2 over Z_2^32. */
export interface Share {
  /** v_i */
  readonly own: Uint32Array
  /** v_(i+1) */
  readonly next: Uint32Array
}

/** One pair of factors for each product. */
export interface Input {
  readonly left: readonly Share[]
  readonly right: readonly Share[]
}

/** All products in clear. */
export interface Output {
  readonly products: readonly Uint32Array[]
}

/** 4 MiB a frame. */
export const maxLength = 2 ** 20
export const maxProducts = 1024

const vector = flatWords32(maxLength)

export const messages = {
  /** z_i, to the previous party. */
  product: message('each', 'each', vector),
  /** z_i, to the next party, which lacks it. */
  share: opening('each', 'each', vector),
} as const

/** @throws TallyError terms/malformed for anything that this protocol cannot run. */
export const parseParameters = (value: unknown): Parameters => {
  const { products, length, ...rest } = (value ?? {}) as Readonly<Record<string, unknown>>
  const within = (n: unknown, most: number): n is number => Number.isInteger(n) && Number(n) >= 1 && Number(n) <= most
  if (within(products, maxProducts) && within(length, maxLength) && Object.keys(rest).length === 0) {
    return { products, length }
  }
  const expected = `{ products: 1 to ${maxProducts}, length: 1 to ${maxLength} } and nothing else`
  throw new TallyError('terms/malformed', 'self', `mpc/araki16 parameters: expected ${expected}`)
}

/** @throws TallyError input/malformed unless the input has the shape that the parameters say. */
export const checkInput = (input: Input, { products, length }: Parameters): void => {
  for (const side of ['left', 'right'] as const) {
    if (input[side].length !== products) {
      const found = `found ${input[side].length}`
      throw new TallyError('input/malformed', 'self', `expected ${products} shares of ${side} factors, ${found}`)
    }
    for (const [i, { own, next }] of input[side].entries()) {
      if (own.length === length && next.length === length) continue
      const found = `found ${own.length} and ${next.length}`
      throw new TallyError('input/malformed', 'self', `${side} factor ${i}: expected ${length} elements, ${found}`)
    }
  }
}
