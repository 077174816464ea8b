/**
 * Programs over encrypted columns, as a person writes them: `program({ income: vector(1_000_000, { range: [0, 1e6] }) },
 * ({ income }) => variance(income))`. A program is plain JSON, so that it can stand in signed terms; what it means is in
 * `elaborate.ts`, and `plan/` finds a ring for it.
 */

/** What the owner of a column declares, before anything is encrypted. */
export interface Column {
  readonly length: number
  /** Least and greatest value; encryption refuses any other. */
  readonly range: readonly [least: number, greatest: number]
  /** Digits after the point that are exact, 0 unless told. Results of exact plans are as if computed without rounding. */
  readonly decimals?: number
}

/** An operator and its operands. */
export interface Application extends ReadonlyArray<Operand> {
  readonly 0: string
}
/** An input by its name, or what an operator makes. */
export type Expression = string | Application
/** Numbers are meant in decimal: 0.1 is a tenth, not the double next to it. */
export type Operand = Expression | number | Numbered | Listed
export interface Numbered {
  readonly numbers: readonly number[]
}
export interface Listed {
  readonly list: readonly Operand[]
}

export interface Program {
  readonly inputs: Readonly<Record<string, Column>>
  readonly outputs: Readonly<Record<string, Expression>>
}

type Handles<I extends Readonly<Record<string, Column>>> = { readonly [K in keyof I]: Expression }

export const vector = (length: number, options: Omit<Column, 'length'>): Column => ({ length, ...options })

/** Columns `name/0` … `name/(columns - 1)` of one matrix, a row a place. */
export const matrix = (
  name: string,
  [rows, columns]: readonly [rows: number, columns: number],
  options: Omit<Column, 'length'>,
): Readonly<Record<string, Column>> =>
  Object.fromEntries(Array.from({ length: columns }, (_, j) => [`${name}/${j}`, vector(rows, options)]))

/** The columns of a matrix of {@link matrix}, for operators that take lists. */
export const columnsOf = (name: string, columns: number): readonly Expression[] =>
  Array.from({ length: columns }, (_, j) => `${name}/${j}`)

const isExpression = (value: unknown): value is Expression => typeof value === 'string' || Array.isArray(value)

/** One expression is the output `result`; a record of them is outputs by name; a list is `0`, `1`, … */
export const program = <const I extends Readonly<Record<string, Column>>>(
  inputs: I,
  body: (
    inputs: Handles<I>,
  ) => Expression | Readonly<Record<string, Expression>> | { readonly each: readonly Expression[] },
): Program => {
  const handles = Object.fromEntries(Object.keys(inputs).map((name) => [name, name])) as Handles<I>
  const made = body(handles)
  if (isExpression(made)) return { inputs, outputs: { result: made } }
  const { each } = made as { each?: unknown }
  if (Array.isArray(each))
    return { inputs, outputs: Object.fromEntries(each.map((value: Expression, i) => [`${i}`, value])) }
  return { inputs, outputs: made as Readonly<Record<string, Expression>> }
}

type Value = Expression | number
type Numbers = readonly number[]

export const add = (a: Value, b: Value | Numbers): Expression => ['add', a, operand(b)]
export const subtract = (a: Value, b: Value | Numbers): Expression => ['subtract', a, operand(b)]
export const negate = (a: Expression): Expression => ['negate', a]
/** Place by place; with a number or plain numbers, no ciphertext is multiplied by another. */
export const multiply = (a: Value, b: Value | Numbers): Expression => ['multiply', a, operand(b)]
/** By a number that both know. */
export const divide = (a: Expression, divisor: number): Expression => ['divide', a, divisor]
/** The place i becomes what stood at i + steps, around the end. */
export const rotate = (a: Expression, steps: number): Expression => ['rotate', a, steps]
/** The sum of all places, as a vector of one place, which meets vectors of any length. */
export const sum = (a: Expression): Expression => ['sum', a]
export const dot = (a: Expression, b: Value | Numbers): Expression => ['sum', ['multiply', a, operand(b)]]
export const mean = (a: Expression): Expression => ['mean', a]
/** Of a sample: the sum of squared deviations over length - 1. Nothing else of the column is told. */
export const variance = (a: Expression): Expression => ['covariance', a, a]
/** Of a sample. */
export const covariance = (a: Expression, b: Expression): Expression => ['covariance', a, b]
/** intercept + Σ weights · columns, place by place. */
export const linearScore = (
  columns: readonly Expression[],
  weights: readonly Value[],
  intercept: Value = 0,
): Expression => ['linear-score', { list: columns }, { list: weights }, intercept]
/** The logistic function of a linear score. An exact plan tells the score and the receiver applies the function in clear. */
export const logisticScore = (
  columns: readonly Expression[],
  weights: readonly Value[],
  intercept: Value = 0,
): Expression => ['logistic', linearScore(columns, weights, intercept)]
/** Σ coefficients[i] · aⁱ. */
export const polynomial = (a: Expression, coefficients: Numbers): Expression => [
  'polynomial',
  a,
  { numbers: coefficients },
]
/** Plain rows × plain columns, times an encrypted vector of so many places as the matrix has columns. */
export const matrixVector = (rows: readonly Numbers[], a: Expression): Expression => [
  'matrix-vector',
  { list: rows.map((numbers) => ({ numbers })) },
  a,
]
/**
 * Two encrypted matrices, each a vector of its rows one after the other: rows × inner places times inner × columns places.
 * One product of ciphertexts deep (Jiang, Kim, Lauter, Song, ia.cr/2018/1041); dimensions of at most 64.
 */
export const matrixProduct = (
  a: Expression,
  b: Expression,
  [rows, inner, columns]: readonly [rows: number, inner: number, columns: number],
): Expression => ['matrix-product', a, b, { numbers: [rows, inner, columns] }]
/** Of integers in small ranges: 1 where equal, 0 elsewhere. */
export const equal = (a: Value, b: Value): Expression => ['equal', a, b]
export const less = (a: Value, b: Value): Expression => ['less', a, b]
/** 1 where least ≤ a ≤ greatest. */
export const between = (a: Expression, least: number, greatest: number): Expression => ['between', a, least, greatest]
/** 1 where a is one of some integers. */
export const isIn = (a: Expression, members: Numbers): Expression => ['is-in', a, { numbers: members }]
/** table[a - least of a's range]; one entry for each integer of the range. */
export const applyTable = (a: Expression, table: Numbers): Expression => ['lookup', a, { numbers: table }]
/** How many places hold 1, of an encrypted or computed predicate; of `values`, those where it holds 1. */
export const count = (predicate: Expression): Expression => ['sum', predicate]
export const sumWhere = (values: Expression, predicate: Expression): Expression => [
  'sum',
  ['multiply', values, predicate],
]
/** How many places hold each of some integers: an expression each. */
export const histogram = (a: Expression, bins: Numbers): readonly Expression[] =>
  bins.map((bin) => ['sum', ['equal', a, bin]])
/** How many places hold edges[i] ≤ a < edges[i + 1], of rising integers: an expression for each bin. */
export const histogramBetween = (a: Expression, edges: Numbers): readonly Expression[] =>
  edges.slice(1).map((end, i) => ['sum', ['between', a, edges[i]!, end - 1]])
export const logicalAnd = (a: Expression, b: Expression): Expression => ['multiply', a, b]
export const logicalNot = (a: Expression): Expression => ['subtract', 1, a]
/** a + b - a·b */
export const logicalOr = (a: Expression, b: Expression): Expression => ['subtract', ['add', a, b], ['multiply', a, b]]

const isNumbers = (value: Value | Numbers): value is Numbers =>
  Array.isArray(value) && value.every((entry) => typeof entry === 'number')

const operand = (value: Value | Numbers): Operand => (isNumbers(value) ? { numbers: value } : value)
