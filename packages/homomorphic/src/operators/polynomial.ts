/**
 * Polynomials of a node by Paterson and Stockmeyer (SIAM J. Comput. 2, 1973): powers up to k, and products by powers of
 * xᵏ, about 2·√degree products of ciphertexts in depth log₂(degree) + 1. Any function of an integer from a small range is
 * one: interpolated modulo the plain modulus (for comparison: Iliashenko and Zucca, ia.cr/2021/315, who also use that
 * equality is even and order odd, so that a polynomial in the square, of half the degree, is enough).
 */
import { residueConstant, type Constant, type Graph, type Node } from './graph.ts'

type Bounds = { readonly least: number; readonly greatest: number }

/** Coefficients from the constant up; undefined is zero. */
export type Coefficients = readonly (Constant | undefined)[]

/** Powers up to k, then doublings of xᵏ: the k with the fewest products. */
const stepFor = (degree: number): number => {
  let [best, least] = [1, Infinity]
  for (let k = 1; k <= degree + 1; k++) {
    const blocks = Math.ceil((degree + 1) / k)
    const products = k - 1 + Math.max(0, Math.ceil(Math.log2(blocks)) - 1) + blocks - 1
    if (products < least) [best, least] = [k, products]
  }
  return best
}

/** Products of ciphertexts that {@link evaluate} takes. */
export const productsOf = (degree: number): number => {
  const k = stepFor(degree)
  const blocks = Math.ceil((degree + 1) / k)
  return k - 1 + Math.max(0, Math.ceil(Math.log2(blocks)) - 1) + blocks - 1
}

/**
 * `bounds`: of every node on the way, where only residues count, and the caller knows the range of the result. Without,
 * ranges follow from that of x and real coefficients. The unit of x is not looked at: coefficients are of its numbers.
 */
export const evaluate = (graph: Graph, x: Node, coefficients: Coefficients, bounds?: Bounds): Node => {
  const degree = coefficients.length - 1
  const bounded = (node: Node): Node => graph.restated(node, { ...bounds, unit: x.unit, multiple: x.multiple })
  const rangeOf = (constant: Constant): Bounds => bounds ?? { least: constant.real(0), greatest: constant.real(0) }
  const step = stepFor(degree)
  const known = new Map<number, Node>([[1, x]])
  /** Exponents that are halved stay low in depth. */
  const power = (exponent: number): Node => {
    const found = known.get(exponent)
    if (found !== undefined) return found
    const half = exponent % 2 === 0 ? exponent / 2 : largestPowerBelow(exponent)
    const made = bounded(graph.multiply(power(half), power(exponent - half)))
    known.set(exponent, made)
    return made
  }
  type Part = { readonly node: Node | undefined; readonly constant: Constant | undefined }
  const plus = (a: Node | undefined, b: Node | undefined): Node | undefined =>
    a === undefined ? b : b === undefined ? a : bounded(graph.combine('add', a, b))
  const scaled = (node: Node, by: Constant): Node =>
    by.key === '1' ? node : bounded(graph.multiplyPlain(node, by, rangeOf(by)))
  const block = (from: number): Part => {
    let node: Node | undefined
    for (let i = 1; i < step; i++) {
      const coefficient = coefficients[from + i]
      if (coefficient !== undefined) node = plus(node, scaled(power(i), coefficient))
    }
    return { node, constant: coefficients[from] }
  }
  const withConstant = ({ node, constant }: Part): Node | undefined =>
    node === undefined || constant === undefined ? node : bounded(graph.addPlain(node, constant, rangeOf(constant)))
  /** Σ of the coefficients from `from` on, 2^height blocks. */
  const tree = (from: number, height: number): Part => {
    if (height === 0 || from > degree) return block(from)
    const width = step * 2 ** (height - 1)
    const [low, high] = [tree(from, height - 1), tree(from + width, height - 1)]
    const upper = withConstant(high)
    if (upper !== undefined) {
      const product = bounded(graph.multiply(upper, power(width)))
      return { node: plus(low.node, product), constant: low.constant }
    }
    if (high.constant === undefined) return low
    return { node: plus(low.node, scaled(power(width), high.constant)), constant: low.constant }
  }
  const height = Math.ceil(Math.log2(Math.ceil((degree + 1) / step)))
  const whole = tree(0, height)
  const constant = whole.constant ?? residueConstant('0', () => 0n)
  return withConstant(whole) ?? bounded(graph.addPlain(graph.combine('subtract', x, x), constant, rangeOf(constant)))
}

const largestPowerBelow = (n: number): number => 2 ** (31 - Math.clz32(n - 1))

export const inverseModulo = (value: bigint, t: bigint): bigint => {
  let [result, square] = [1n, ((value % t) + t) % t]
  for (let e = t - 2n; e > 0n; e >>= 1n) {
    if ((e & 1n) === 1n) result = (result * square) % t
    square = (square * square) % t
  }
  return result
}

/**
 * Coefficients modulo t of the polynomial of degree below `xs.length` with p(xs[i]) = ys[i], by Lagrange: O(n²) products.
 * The xs are distinct modulo the prime t.
 */
export const interpolate = (xs: readonly bigint[], ys: readonly bigint[], t: bigint): readonly bigint[] => {
  const n = xs.length
  const mod = (value: bigint): bigint => ((value % t) + t) % t
  // Π (x - xs[i]), from the constant up.
  const master: bigint[] = [1n]
  for (const x of xs) {
    master.push(0n)
    for (let i = master.length - 1; i >= 0; i--) master[i] = mod((i > 0 ? master[i - 1]! : 0n) - x * master[i]!)
  }
  const out = xs.map(() => 0n)
  for (const [i, x] of xs.entries()) {
    if (mod(ys[i]!) === 0n) continue
    // master / (x - xs[i]) by synthetic division, and its value there.
    const quotient = xs.map(() => 0n)
    let carry = 0n
    for (let j = n - 1; j >= 0; j--) quotient[j] = carry = mod(master[j + 1]! + x * carry)
    const value = quotient.reduceRight((sum, coefficient) => mod(sum * x + coefficient), 0n)
    const weight = mod(ys[i]! * inverseModulo(value, t))
    for (let j = 0; j < n; j++) out[j] = mod(out[j]! + weight * quotient[j]!)
  }
  return out
}

/** {@link interpolate} as constants, solved for a plain modulus when it is asked for. `name` tells the function. */
export const interpolated = (
  name: string,
  xs: readonly number[],
  ys: (t: bigint) => readonly bigint[],
): Coefficients => {
  const solved = new Map<bigint, readonly bigint[]>()
  const places = xs.map(BigInt)
  const at = (t: bigint): readonly bigint[] => {
    const found = solved.get(t) ?? interpolate(places, ys(t), t)
    solved.set(t, found)
    return found
  }
  return xs.map((_, i) => residueConstant(`${name}#${i}`, (t) => at(t)[i]!))
}
