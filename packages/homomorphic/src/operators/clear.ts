/** What a program means: its outputs computed in clear, in exact rational arithmetic. The ideal functionality. */
import { decimal, malformed } from './arithmetic.ts'
import type { Finish } from './elaborate.ts'
import { finished, quotient, type Columns } from './columns.ts'
import type { Column, Expression, Operand, Program } from './expression.ts'

/** Integers over one denominator; one place stands for any number of them. */
interface Fractions {
  readonly over: readonly bigint[]
  readonly under: bigint
}
type Argument = Fractions | readonly Argument[]

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? a : gcd(b, a % b))

const fractions = (values: readonly number[]): Fractions => {
  const parts = values.map(decimal)
  const digits = Math.max(0, ...parts.map((part) => part[1]))
  return { over: parts.map(([whole, own]) => whole * 10n ** BigInt(digits - own)), under: 10n ** BigInt(digits) }
}

/** Rounded to the digits that are declared. */
const columnOf = (values: Float64Array, { decimals = 0 }: Column): Fractions => ({
  over: Array.from(values, (value) => BigInt(Math.round(value * 10 ** decimals))),
  under: 10n ** BigInt(decimals),
})

const placed = ({ over }: Fractions, place: number): bigint => over[over.length === 1 ? 0 : place]!

const zipped = (a: Fractions, b: Fractions, under: bigint, f: (x: bigint, y: bigint) => bigint): Fractions => ({
  over: Array.from({ length: Math.max(a.over.length, b.over.length) }, (_, i) => f(placed(a, i), placed(b, i))),
  under,
})

const combined = (a: Fractions, b: Fractions, f: (x: bigint, y: bigint) => bigint, keep = true): Fractions => {
  const under = (a.under / gcd(a.under, b.under)) * b.under
  return zipped(a, b, keep ? under : 1n, (x, y) => f(x * (under / a.under), y * (under / b.under)))
}

const add = (a: Fractions, b: Fractions): Fractions => combined(a, b, (x, y) => x + y)
const subtract = (a: Fractions, b: Fractions): Fractions => combined(a, b, (x, y) => x - y)
const multiply = (a: Fractions, b: Fractions): Fractions => zipped(a, b, a.under * b.under, (x, y) => x * y)
const sum = (a: Fractions): Fractions => ({ over: [a.over.reduce((all, x) => all + x, 0n)], under: a.under })
const scale = (a: Fractions, by: bigint): Fractions => ({ over: a.over.map((x) => x * by), under: a.under })
const divide = (a: Fractions, { over, under }: Fractions): Fractions => {
  const divisor = over[0]!
  const sign = divisor < 0n ? -1n : 1n
  return { over: a.over.map((x) => sign * x * under), under: a.under * sign * divisor }
}
const bits = (a: Fractions, f: (x: bigint) => boolean): Fractions => ({
  over: a.over.map((x) => (f(x) ? 1n : 0n)),
  under: 1n,
})

const covariance = (x: Fractions, y: Fractions): Fractions => {
  const n = BigInt(x.over.length)
  const numerator = subtract(scale(sum(multiply(x, y)), n), multiply(sum(x), sum(y)))
  return { over: numerator.over, under: numerator.under * n * (n - 1n) }
}

const polynomial = (a: Fractions, coefficients: Fractions): Fractions =>
  coefficients.over
    .map((c): Fractions => ({ over: [c], under: coefficients.under }))
    .reduceRight((value, c) => add(multiply(value, a), c))

const rotate = (a: Fractions, steps: Fractions): Fractions => {
  const n = a.over.length
  const by = ((Number(steps.over[0]!) % n) + n) % n
  return { ...a, over: a.over.map((_, i) => a.over[(i + by) % n]!) }
}

const stacked = (parts: readonly Fractions[]): Fractions => {
  const under = parts.reduce((all, part) => (all / gcd(all, part.under)) * part.under, 1n)
  return { over: parts.flatMap((part) => part.over.map((x) => x * (under / part.under))), under }
}

const one = (value: Argument | undefined): Fractions => {
  if (value !== undefined && 'over' in value) return value
  throw malformed('expected a vector or a number')
}
const many = (value: Argument | undefined): readonly Fractions[] => {
  if (Array.isArray(value)) return (value as readonly Argument[]).map(one)
  throw malformed('expected a list')
}

const apply = (name: string, [a, b, c]: readonly Argument[], least: () => bigint): Fractions => {
  switch (name) {
    case 'add':
      return add(one(a), one(b))
    case 'subtract':
      return subtract(one(a), one(b))
    case 'multiply':
      return multiply(one(a), one(b))
    case 'negate':
      return scale(one(a), -1n)
    case 'divide':
      return divide(one(a), one(b))
    case 'rotate':
      return rotate(one(a), one(b))
    case 'sum':
      return sum(one(a))
    case 'mean':
      return divide(sum(one(a)), { over: [BigInt(one(a).over.length)], under: 1n })
    case 'covariance':
      return covariance(one(a), one(b))
    case 'linear-score':
      return many(a).reduce((all, column, i) => add(all, multiply(column, many(b)[i]!)), one(c))
    case 'polynomial':
      return polynomial(one(a), one(b))
    case 'matrix-vector':
      return stacked(many(a).map((row) => sum(multiply(row, one(b)))))
    case 'matrix-product': {
      const [rows, inner, columns] = one(c).over.map(Number) as [number, number, number]
      const [x, y] = [one(a), one(b)]
      const terms = Array.from({ length: inner }, (_, l) => l)
      const entry = (at: number): bigint =>
        terms.reduce((all, l) => {
          const [i, j] = [Math.floor(at / columns), at % columns]
          return all + x.over[i * inner + l]! * y.over[l * columns + j]!
        }, 0n)
      return { over: Array.from({ length: rows * columns }, (_, at) => entry(at)), under: x.under * y.under }
    }
    case 'equal':
      return combined(one(a), one(b), (x, y) => (x === y ? 1n : 0n), false)
    case 'less':
      return combined(one(a), one(b), (x, y) => (x < y ? 1n : 0n), false)
    case 'between':
      return bits(one(a), (x) => x >= one(b).over[0]! && x <= one(c).over[0]!)
    case 'is-in':
      return bits(one(a), (x) => one(b).over.includes(x))
    case 'lookup': {
      const table = one(b)
      return { over: one(a).over.map((x) => table.over[Number(x - least())]!), under: table.under }
    }
    default:
      throw malformed(`unknown operator ${name}`)
  }
}

/** The outputs of a program on columns of numbers, as an encrypted run gives them. */
export const computeInClear = (program: Program, columns: Columns): Readonly<Record<string, Float64Array>> => {
  const inputs = new Map(
    Object.entries(program.inputs).map(([name, column]) => [name, columnOf(columns[name]!, column)]),
  )
  const valueOf = (value: Operand): Argument => {
    if (typeof value === 'number') return fractions([value])
    if (typeof value === 'string') return inputs.get(value) ?? raise(`there is no column ${value}`)
    if (Array.isArray(value)) return expressionOf(value as Expression)
    if ('list' in value) return value.list.map(valueOf)
    return fractions((value as { numbers: readonly number[] }).numbers)
  }
  const known = new Map<Expression, Fractions>()
  const expressionOf = (expression: Expression): Fractions => {
    if (typeof expression === 'string') return one(valueOf(expression))
    const [name, ...operands] = expression
    // A table starts at the least value that its column, or what is computed from it, can have.
    const least = (): bigint => BigInt(program.inputs[operands[0] as string]?.range[0] ?? 0)
    const made = known.get(expression) ?? apply(name, operands.map(valueOf), least)
    known.set(expression, made)
    return made
  }
  return Object.fromEntries(
    Object.entries(program.outputs).map(([name, expression]) => {
      const logistic = typeof expression !== 'string' && expression[0] === 'logistic'
      const finish: Finish = logistic ? 'logistic' : 'none'
      const { over, under } = expressionOf(logistic ? (expression[1] as Expression) : expression)
      return [name, Float64Array.from(over, (x) => finished({ finish }, quotient(x, under)))]
    }),
  )
}

const raise = (message: string): never => {
  throw malformed(message)
}
