import { createRng, taggedDigest } from '@tallystick/core'
import { zeroShares, type Input, type Role, type Share } from '@tallystick/mpc'

const words = (label: string, length: number): Uint32Array =>
  new Uint32Array(createRng(taggedDigest('tallystick/test/v1', label)).bytes(4 * length).buffer)

/** The replicated shares of the three parties. */
const share = (value: Uint32Array, label: string): readonly [Share, Share, Share] => {
  const [v0, v1] = [words(`${label}/0`, value.length), words(`${label}/1`, value.length)]
  const v2 = value.map((word, i) => word - v0[i]! - v1[i]!)
  return [
    { own: v0, next: v1 },
    { own: v1, next: v2 },
    { own: v2, next: v0 },
  ]
}

/** Inputs of the three parties: shares of the factors, which are any words. */
export const deal = (
  left: readonly Uint32Array[],
  right: readonly Uint32Array[],
  label = 'deal',
): Record<Role, Input> => {
  const [x, y] = [left, right].map((side, s) => side.map((value, i) => share(value, `${label}/${s}/${i}`)))
  const input = (i: 0 | 1 | 2): Input => ({ left: x!.map((shares) => shares[i]), right: y!.map((shares) => shares[i]) })
  return { p0: input(0), p1: input(1), p2: input(2) }
}

/** Vectors of any words. */
export const vectors = (label: string, products: number, length: number): Uint32Array[] =>
  Array.from({ length: products }, (_, i) => words(`${label}/${i}`, length))

/** The correlation stores of three parties that agreed on their pairwise keys. */
export const reserve = (role: Role, _: string, at: number, count: number): Uint8Array => {
  const key = (i: number) => taggedDigest('tallystick/test/key/v1', String(i % 3))
  const i = Number(role[1])
  return new Uint8Array(zeroShares(key(i), key(i + 1), at, count).buffer)
}
