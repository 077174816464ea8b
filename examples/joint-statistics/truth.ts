/** The same figures in the clear, by textbook formulas over all customers: what no company could compute alone. */
import type { Customer } from './generate.ts'

const column = (customers: readonly Customer[], name: string): number[] => customers.map((each) => Number(each[name]))

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length

const correlation = (x: readonly number[], y: readonly number[]): number => {
  const [mx, my] = [mean(x), mean(y)]
  const dot = (a: readonly number[], ma: number, b: readonly number[], mb: number): number =>
    a.reduce((sum, v, i) => sum + (v - ma) * (b[i]! - mb), 0)
  return dot(x, mx, y, my) / Math.sqrt(dot(x, mx, x, mx) * dot(y, my, y, my))
}

/** Solves a x = b by Gaussian elimination with pivots. */
const solve = (a: readonly (readonly number[])[], b: readonly number[]): number[] => {
  const rows = a.map((row, i) => [...row, b[i]!])
  for (let c = 0; c < rows.length; c++) {
    const pivot = rows.findIndex(
      (row, r) => r >= c && rows.slice(c).every((other) => Math.abs(other[c]!) <= Math.abs(row[c]!)),
    )
    ;[rows[c], rows[pivot]] = [rows[pivot]!, rows[c]!]
    for (let r = 0; r < rows.length; r++) {
      if (r === c) continue
      const factor = rows[r]![c]! / rows[c]![c]!
      rows[r] = rows[r]!.map((v, k) => v - factor * rows[c]![k]!)
    }
  }
  return rows.map((row, i) => row.at(-1) / row[i]!)
}

/** Weighted normal equations of a design with an intercept. */
const normal = (x: readonly (readonly number[])[], y: readonly number[], w: readonly number[]): number[] => {
  const q = x[0]!.length
  const a = Array.from({ length: q }, (_, i) =>
    Array.from({ length: q }, (_v, j) => x.reduce((sum, row, r) => sum + w[r]! * row[i]! * row[j]!, 0)),
  )
  const b = Array.from({ length: q }, (_, i) => x.reduce((sum, row, r) => sum + w[r]! * row[i]! * y[r]!, 0))
  return solve(a, b)
}

const design = (customers: readonly Customer[], names: readonly string[]): number[][] =>
  customers.map((each) => [1, ...names.map((name) => Number(each[name]))])

const linear = (customers: readonly Customer[], y: string, names: readonly string[]): number[] =>
  normal(
    design(customers, names),
    column(customers, y),
    customers.map(() => 1),
  )

/** Iteratively reweighted least squares. */
const logistic = (customers: readonly Customer[], y: string, names: readonly string[]): number[] => {
  const x = design(customers, names)
  const target = column(customers, y)
  let b = x[0]!.map(() => 0)
  for (let step = 0; step < 30; step++) {
    const eta = x.map((row) => row.reduce((sum, v, j) => sum + v * b[j]!, 0))
    const p = eta.map((v) => 1 / (1 + Math.exp(-v)))
    const w = p.map((v) => v * (1 - v))
    b = normal(
      x,
      eta.map((v, i) => v + (target[i]! - p[i]!) / w[i]!),
      w,
    )
  }
  return b
}

export interface Truth {
  readonly meanIncome: number
  readonly medianAge: number
  readonly correlations: readonly (readonly number[])[]
  readonly spending: readonly number[]
  readonly risk: readonly number[]
  /** Spending by segment. */
  readonly segments: Readonly<Record<string, { readonly count: number; readonly mean: number }>>
}

export const truthOf = (customers: readonly Customer[]): Truth => {
  const numbers = ['income', 'debt', 'age', 'claims', 'spend'].map((name) => column(customers, name))
  const ages = column(customers, 'age').sort((a, b) => a - b)
  const middle = ages.length / 2
  const segments = [...new Set(customers.map((each) => String(each['segment'])))].map((segment) => {
    const spend = column(
      customers.filter((each) => each['segment'] === segment),
      'spend',
    )
    return [segment, { count: spend.length, mean: mean(spend) }] as const
  })
  return {
    meanIncome: mean(numbers[0]!),
    medianAge: (ages[Math.ceil(middle) - 1]! + ages[Math.floor(middle)]!) / 2,
    correlations: numbers.map((x) => numbers.map((y) => correlation(x, y))),
    spending: linear(customers, 'spend', ['income', 'age', 'claims']),
    risk: logistic(customers, 'late', ['income', 'debt', 'age']),
    segments: Object.fromEntries(segments),
  }
}
