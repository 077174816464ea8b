/** Operators over whole vectors: units and ranges, statistics, predicates, for exact and for approximate plans. */
import { TallyError } from '@tallystick/core'
import {
  realConstant,
  refuse,
  residueConstant,
  shortKey,
  vectorConstant,
  wholeConstant,
  type Graph,
  type Node,
} from './graph.ts'
import { productOf } from './matrices.ts'
import { evaluate, interpolated, inverseModulo } from './polynomial.ts'

/** Exact plans compute integers modulo primes, approximate ones reals. */
export interface Mode {
  readonly exact: boolean
  /** The plain modulus is 65537, and what is not zero is found by Fermat's little theorem: x^65536 = 1. */
  readonly fermat: boolean
}

/** Points that an interpolation takes at most: solving for it is quadratic. */
const mostPoints = 2048
export const fermatModulus = 65_537n

export const malformed = (message: string): TallyError =>
  new TallyError('terms/malformed', 'self', `program: ${message}`)

/** A decimal as an integer and how many digits it has after the point. */
export const decimal = (value: number): readonly [whole: bigint, decimals: number] => {
  if (!Number.isFinite(value)) throw malformed(`expected numbers, found ${value}`)
  const [mantissa = '', exponent = '0'] = String(value).split('e')
  const [before = '', after = ''] = mantissa.split('.')
  const decimals = after.length - Number(exponent)
  const digits = BigInt(before + after)
  return decimals >= 0 ? [digits, decimals] : [digits * 10n ** BigInt(-decimals), 0]
}

export const tenTo = (decimals: number): bigint => 10n ** BigInt(decimals)
const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b))
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'operation' in value

export type Value = Node | number | readonly number[]

export const createOperators = (graph: Graph, { exact, fermat }: Mode, differ: (magnitude: number) => void) => {
  const { restated } = graph
  /** a times a number. */
  const times = (a: Node, value: number): Node => {
    if (!exact) {
      if (value !== 0) return restated(a, { multiple: a.multiple * value })
      return graph.multiplyPlain(a, realConstant(0), { least: 0, greatest: 0 })
    }
    const [whole, decimals] = decimal(value)
    const bound = Number(whole)
    if (whole === 1n) return restated(a, { unit: a.unit * tenTo(decimals) })
    return graph.multiplyPlain(a, wholeConstant(whole), { least: bound, greatest: bound }, tenTo(decimals))
  }
  const dividedBy = (a: Node, value: number): Node => {
    if (value === 0) throw malformed('expected a divisor other than 0')
    if (!exact) return restated(a, { multiple: a.multiple / value })
    const [whole, decimals] = decimal(value)
    const unit = a.unit * (whole < 0n ? -whole : whole)
    return times(restated(a, { unit }), (whole < 0n ? -1 : 1) * Number(tenTo(decimals)))
  }
  /** The same value, in a unit that the other has too. */
  const inUnit = (a: Node, unit: bigint, multiple: number): Node => {
    if (exact) {
      const factor = unit / a.unit
      const bound = Number(factor)
      return factor === 1n
        ? a
        : graph.multiplyPlain(a, wholeConstant(factor), { least: bound, greatest: bound }, factor)
    }
    const ratio = a.multiple / multiple
    if (ratio === 1) return a
    return graph.multiplyPlain(a, realConstant(ratio), { least: ratio, greatest: ratio }, 1n, 1 / ratio)
  }
  const combine = (operation: 'add' | 'subtract', a: Node, b: Node): Node => {
    const unit = (a.unit / gcd(a.unit, b.unit)) * b.unit
    const multiple = Math.abs(a.multiple) >= Math.abs(b.multiple) ? a.multiple : b.multiple
    return graph.combine(operation, inUnit(a, unit, multiple), inUnit(b, unit, multiple))
  }
  const numbersOf = (value: number | readonly number[]): readonly number[] =>
    typeof value === 'number' ? [value] : value
  const checkLength = (a: Node, numbers: readonly number[]): number => {
    if (numbers.length === 1 || a.length === numbers.length) return a.length
    if (a.length === 1) return numbers.length
    throw malformed(`expected ${a.length} numbers, found ${numbers.length}`)
  }
  const plus = (a: Node, value: number | readonly number[]): Node => {
    const numbers = numbersOf(value)
    const length = checkLength(a, numbers)
    if (!exact) {
      const scaled = numbers.map((x) => x / a.multiple)
      const constant = scaled.length === 1 ? realConstant(scaled[0]!) : vectorConstant(scaled)
      return graph.addPlain(a, constant, { least: Math.min(...scaled), greatest: Math.max(...scaled) }, length)
    }
    const parts = numbers.map(decimal)
    const most = tenTo(Math.max(...parts.map(([, decimals]) => decimals)))
    const unit = (a.unit / gcd(a.unit, most)) * most
    const whole = parts.map(([digits, decimals]) => digits * (unit / tenTo(decimals)))
    const reals = whole.map(Number)
    const constant = whole.length === 1 ? wholeConstant(whole[0]!) : vectorConstant(whole)
    return graph.addPlain(
      inUnit(a, unit, 1),
      constant,
      { least: Math.min(...reals), greatest: Math.max(...reals) },
      length,
    )
  }
  const multiplyNumbers = (a: Node, value: number | readonly number[]): Node => {
    const numbers = numbersOf(value)
    if (numbers.length === 1) return times(a, numbers[0]!)
    const length = checkLength(a, numbers)
    if (!exact) {
      const range = { least: Math.min(...numbers), greatest: Math.max(...numbers) }
      return graph.multiplyPlain(a, vectorConstant(numbers), range, 1n, 1, length)
    }
    const parts = numbers.map(decimal)
    const decimals = Math.max(...parts.map((part) => part[1]))
    const whole = parts.map(([digits, own]) => digits * tenTo(decimals - own))
    const reals = whole.map(Number)
    const range = { least: Math.min(...reals), greatest: Math.max(...reals) }
    return graph.multiplyPlain(a, vectorConstant(whole), range, tenTo(decimals), 1, length)
  }
  const add = (a: Value, b: Value): Node => {
    if (isNode(a)) return isNode(b) ? combine('add', a, b) : plus(a, b)
    if (isNode(b)) return plus(b, a)
    throw malformed('expected an encrypted operand')
  }
  const subtract = (a: Value, b: Value): Node => {
    if (isNode(a))
      return isNode(b)
        ? combine('subtract', a, b)
        : plus(
            a,
            numbersOf(b).map((x) => -x),
          )
    return add(graph.negate(node(b)), a)
  }
  const multiply = (a: Value, b: Value): Node => {
    if (isNode(a)) return isNode(b) ? graph.multiply(a, b) : multiplyNumbers(a, b)
    return multiplyNumbers(node(b), a)
  }
  const node = (value: Value): Node => {
    if (isNode(value)) return value
    throw malformed('expected an encrypted operand')
  }

  /** Raw values times 1/size, so that they stay near 1; the value is the same. */
  const shrunk = (a: Node, size: number): Node =>
    exact ? a : graph.multiplyPlain(a, realConstant(1 / size), { least: 1 / size, greatest: 1 / size }, 1n, size)

  const covariance = (x: Node, y: Node): Node => {
    const n = x.length
    if (n < 2) throw refuse('expected at least 2 rows for a covariance', 'declare more rows')
    const [products, sumOfX, sumOfY] = [graph.total(graph.multiply(x, y)), graph.total(x), graph.total(y)]
    if (exact) return dividedBy(subtract(times(products, n), graph.multiply(sumOfX, sumOfY)), n * (n - 1))
    const means = graph.multiply(dividedBy(shrunk(sumOfX, n), n), dividedBy(shrunk(sumOfY, n), n))
    return times(subtract(dividedBy(shrunk(products, n), n), means), n / (n - 1))
  }

  const bit = { least: 0, greatest: 1 }
  const requireIntegers = (what: string, a: Node): void => {
    if (!exact) throw refuse(`expected an exact plan for ${what}`, 'ask for no precision: comparisons are of integers')
    if (a.unit !== 1n)
      throw refuse(`expected integers for ${what}, found decimals`, 'declare the column in whole units')
  }
  const points = (least: number, greatest: number): readonly number[] =>
    Array.from({ length: greatest - least + 1 }, (_, i) => least + i)
  const requireFew = (a: Node): void => {
    const found = a.greatest - a.least + 1
    if (found <= mostPoints) return
    throw refuse(
      `expected a range of at most ${mostPoints} integers, found ${found}`,
      'declare a narrower range, or split the column into digits',
    )
  }
  /** f of every integer of a's range. */
  const mapped = (
    name: string,
    a: Node,
    f: (x: number) => number,
    bounds: { least: number; greatest: number },
  ): Node => {
    requireIntegers(name, a)
    requireFew(a)
    differ(Math.max(Math.abs(a.least), Math.abs(a.greatest)))
    const xs = points(a.least, a.greatest)
    const ys = xs.map((x) => BigInt(f(x)))
    const all = interpolated(`${name}(${ys.join('')})from${a.least}`, xs, () => ys)
    return restated(evaluate(graph, a, all, bounds), bounds)
  }
  /** Of a difference z in [-most, most]: polynomials in z². */
  const evenly = (name: string, z: Node, most: number, f: (x: number, t: bigint) => bigint): Node => {
    const xs = points(0, most)
    const all = interpolated(
      `${name}${most}`,
      xs.map((x) => x * x),
      (t) => xs.map((x) => f(x, t)),
    )
    return evaluate(graph, restated(graph.multiply(z, z), { least: 0, greatest: most * most }), all, bit)
  }
  const differenceOf = (what: string, a: Value, b: Value): { z: Node; most: number } => {
    const z = subtract(a, b)
    requireIntegers(what, z)
    const most = Math.max(Math.abs(z.least), Math.abs(z.greatest))
    return { z, most }
  }
  const isZero = (z: Node, most: number): Node => {
    if (!fermat) {
      if (most >= mostPoints) requireFew(z)
      differ(most * 2)
      return evenly('zero', z, most, (x) => (x === 0 ? 1n : 0n))
    }
    differ(most)
    let power = z
    for (let i = 0; i < 16; i++) power = restated(graph.multiply(power, power), bit)
    return restated(subtract(1, power), bit)
  }
  const equal = (a: Value, b: Value): Node => {
    if (!fermat && isNode(a) && typeof b === 'number') return mapped(`is ${b}`, a, (x) => (x === b ? 1 : 0), bit)
    if (!fermat && isNode(b) && typeof a === 'number') return equal(b, a)
    const { z, most } = differenceOf('equality', a, b)
    return isZero(z, most)
  }
  /** [z < 0] = (1 - [z = 0] - sign(z))/2, sign(z) = z·g(z²) with g(i²) = 1/i. */
  const less = (a: Value, b: Value): Node => {
    if (isNode(a) && typeof b === 'number') return mapped(`below ${b}`, a, (x) => (x < b ? 1 : 0), bit)
    if (isNode(b) && typeof a === 'number') return mapped(`above ${a}`, b, (x) => (a < x ? 1 : 0), bit)
    const { z, most } = differenceOf('order', a, b)
    if (most >= mostPoints) requireFew(z)
    differ(most * 2)
    const zero = evenly('zero', z, most, (x) => (x === 0 ? 1n : 0n))
    const slope = evenly('sign', z, most, (x, t) => (x === 0 ? 0n : inverseModulo(BigInt(x), t)))
    const sign = restated(graph.multiply(z, slope), bit)
    const half = residueConstant('1/2', (t) => inverseModulo(2n, t))
    const doubled = restated(graph.negate(restated(graph.combine('add', zero, sign), bit)), bit)
    const shifted = restated(graph.addPlain(doubled, wholeConstant(1n), bit), bit)
    return restated(graph.multiplyPlain(shifted, half, bit), bit)
  }
  /** Σ c_i·(x/u)^i over one unit in an exact plan; over numbers near 1 in an approximate one. */
  const power = (a: Node, coefficients: readonly number[]): Node => {
    if (coefficients.length === 0) throw malformed('expected coefficients')
    const last = coefficients.length - 1
    const most = Math.max(Math.abs(a.least), Math.abs(a.greatest))
    if (!exact) {
      const inRaw = coefficients.map((c, i) => c * a.multiple ** i)
      const bound = inRaw.reduce((sum, c, i) => sum + Math.abs(c) * most ** i, 0) || 1
      const constants = inRaw.map((c) => (c === 0 ? undefined : realConstant(c / bound)))
      return restated(evaluate(graph, restated(a, { multiple: 1 }), constants), { multiple: bound })
    }
    const parts = coefficients.map(decimal)
    const digits = Math.max(...parts.map((part) => part[1]))
    const whole = parts.map(([c, own], i) => c * tenTo(digits - own) * a.unit ** BigInt(last - i))
    const bound = whole.reduce((sum, c, i) => sum + Math.abs(Number(c)) * most ** i, 0) * (1 + 2 ** -40)
    const bounds = { least: -bound, greatest: bound }
    const constants = whole.map((c) => (c === 0n ? undefined : wholeConstant(c)))
    return restated(evaluate(graph, a, constants, bounds), { ...bounds, unit: a.unit ** BigInt(last) * tenTo(digits) })
  }
  const rotate = (a: Node, steps: number): Node => {
    const n = a.length
    const shift = ((steps % n) + n) % n
    if (shift === 0) return a
    const entries = Array.from({ length: n }, (_, to) => [to, (to + shift) % n, 1] as const)
    return graph.linear(a, { key: `rotate ${shift} of ${n}`, length: n, entries })
  }
  const matrixVector = (rows: readonly (readonly number[])[], a: Node): Node => {
    if (rows.some((row) => row.length !== a.length)) throw malformed(`expected rows of ${a.length} numbers`)
    const digits = exact ? Math.max(0, ...rows.flat().map((x) => decimal(x)[1])) : 0
    const whole = (x: number): number => {
      if (!exact) return x
      const [value, own] = decimal(x)
      return Number(value * tenTo(digits - own))
    }
    const entries = rows.flatMap((row, to) => row.map((x, from) => [to, from, whole(x)] as const))
    const used = entries.filter(([, , value]) => value !== 0)
    const key = `matrix ${shortKey(JSON.stringify(rows))}`
    return restated(graph.linear(a, { key, length: rows.length, entries: used }), { unit: a.unit * tenTo(digits) })
  }
  const matrixProduct = (a: Node, b: Node, dimensions: readonly number[]): Node => productOf(graph, a, b, dimensions)
  const linearScore = (columns: readonly Node[], weights: readonly Value[], intercept: Value): Node => {
    if (columns.length !== weights.length || columns.length === 0) {
      throw malformed(`expected a weight for each of ${columns.length} columns, found ${weights.length}`)
    }
    const terms = columns.map((column, i) => multiply(column, weights[i]!))
    const sum = terms.reduce((all, term) => combine('add', all, term))
    return intercept === 0 ? sum : add(sum, intercept)
  }
  return {
    ...{
      add,
      subtract,
      multiply,
      times,
      dividedBy,
      covariance,
      mapped,
      equal,
      less,
      power,
      rotate,
      matrixVector,
      matrixProduct,
      linearScore,
    },
    negate: graph.negate,
    sum: graph.total,
    node,
    bit,
  }
}
