/**
 * What is to be computed, as data: the plan stands in the signed terms. A script builds it in the words of the analysis:
 *
 *   export default analyse({ layout: 'vertical', columns: ['income', 'balance', 'default'] },
 *     ({ income, balance, default: y }) => ({ r: correlation([income, balance]), model: logistic(y, [income, balance]) }))
 */
import type { TableSchema } from './columns.ts'

/** `horizontal`: the same columns, other rows; `vertical`: the same rows (joined on an id), other columns. */
export type Layout = 'horizontal' | 'vertical'

/** One figure, or one family of figures, by the names of columns. */
export type Statistic =
  | { readonly kind: 'count'; readonly weight?: string | undefined }
  | {
      readonly kind: 'sum' | 'mean' | 'variance' | 'std'
      readonly x: string
      readonly weight?: string | undefined
    }
  | { readonly kind: 'covariance'; readonly x: readonly string[]; readonly weight?: string | undefined }
  | {
      readonly kind: 'correlation'
      readonly x: readonly string[]
      readonly method: 'pearson' | 'spearman'
      readonly weight?: string | undefined
    }
  /** Levels from 0 to 1; type 7 of Hyndman and Fan (1996). 0 is the minimum, 1 the maximum. */
  | { readonly kind: 'quantiles'; readonly x: string; readonly levels: readonly number[] }
  /** Bins are below edges[0], from edges[i] to below edges[i + 1], from the last edge on. */
  | { readonly kind: 'histogram'; readonly x: string; readonly edges: readonly number[] }
  | { readonly kind: 'crosstab' | 'chi-square'; readonly rows: string; readonly columns: string }
  /** Count, sum, mean and variance of x in each group. */
  | { readonly kind: 'group-by'; readonly by: string; readonly x: string }
  | { readonly kind: 'welch'; readonly by: string; readonly x: string; readonly one: string; readonly other: string }
  | { readonly kind: 'anova'; readonly by: string; readonly x: string }
  /** Least squares with an intercept; `penalty` > 0: ridge on columns standardised by their population deviation. */
  | {
      readonly kind: 'linear'
      readonly y: string
      readonly x: readonly string[]
      readonly penalty: number
      readonly weight?: string | undefined
    }
  | {
      readonly kind: 'logistic'
      readonly y: string
      readonly x: readonly string[]
      /** On columns standardised by their population deviation; the intercept is not penalised. */
      readonly penalty: number
      readonly iterations: number
      readonly method: 'fixed-hessian' | 'newton'
      readonly weight?: string | undefined
    }
  | {
      readonly kind: 'k-means'
      readonly x: readonly string[]
      /** Public, one point a cluster, in the units of the columns. */
      readonly starts: readonly (readonly number[])[]
      readonly iterations: number
    }
  | { readonly kind: 'components'; readonly x: readonly string[]; readonly standardised: boolean }
  | ({
      readonly kind: 'woe'
      readonly y: string
      readonly x: string
      /** ChiMerge of bins. */
      readonly merge?: { readonly to: number; readonly threshold: number } | undefined
    } & Cuts)
  | ({ readonly kind: 'importance'; readonly y: string; readonly x: readonly string[] } & Cuts)
  | TreesStatistic
  | {
      readonly kind: 'scorecard'
      readonly y: string
      readonly x: readonly ({ readonly column: string } & Cuts)[]
      readonly penalty: number
      readonly iterations: number
      /** The score `base` stands for odds of `odds` rows of y = 0 to one of y = 1, which `double` points more double. */
      readonly points: { readonly base: number; readonly odds: number; readonly double: number }
    }

/** Trees on columns cut in bins (figures/trees.ts). */
interface TreesStatistic {
  readonly kind: 'trees'
  readonly y: string
  readonly x: readonly ({ readonly column: string } & Cuts)[]
  readonly depth: number
  readonly trees: number
  readonly rate: number
  readonly objective: 'squares' | 'logistic'
}

/** One of the two: public edges, or a number of bins of equal frequency. */
export interface Cuts {
  readonly edges?: readonly number[] | undefined
  readonly bins?: number | undefined
}

/** Noise of a figure, for differential privacy (privacy.ts): the discrete Laplace or the discrete Gaussian distribution. */
export type Privacy =
  | { readonly mechanism: 'laplace'; readonly epsilon: number }
  /** Zero-concentrated differential privacy. */
  | { readonly mechanism: 'gaussian'; readonly rho: number }

export interface Output {
  readonly name: string
  readonly statistic: Statistic
  /** Roles that learn it; all that the plan names unless told. */
  readonly to?: readonly Role[] | undefined
  readonly privacy?: Privacy | undefined
}

/** What a script makes. */
export interface Plan {
  readonly layout: Layout
  readonly outputs: readonly Output[]
  /**
   * Counts from 1 to below it are withheld, with all that is computed from them, and further ones that would tell them
   * (figures/withhold.ts); 0 or 1 withholds nothing.
   */
  readonly minimumCount: number
  /** Counts of histograms and contingency tables are rounded to multiples of it; exact unless told. */
  readonly roundTo?: number | undefined
  /** Who learns outputs: `all`, one role, or several. */
  readonly to: Role | readonly Role[]
}

/** The parties that compute; each may bring a table as well. */
export const roles = ['p0', 'p1', 'p2'] as const
export type Computing = (typeof roles)[number]
/** The party that deals where two compute: it brings nothing and learns nothing. */
export const helperRole = 'helper'
/** `p0`, `p1`, `p2`, or `owner-1` and so on: who brings a table, or learns figures, and does not compute. */
export type Role = string
/** The most owners beside the computing parties. */
export const mostOwners = 8

export const ownerRoles = (count: number): readonly Role[] => Array.from({ length: count }, (_, i) => `owner-${i + 1}`)

/** The public parameters: the plan with the tables that it is for. */
export interface Parameters extends Plan {
  /** Two parties compute, `p0` and `p1`, and a helper deals (`statistics/semi2k`); three compute unless told. */
  readonly helper?: true | undefined
  /** Two parties compute, `p0` and `p1`, and nobody deals: triples come from BGV ciphertexts (`statistics/semi2k-bgv`). */
  readonly triples?: 'bgv' | undefined
  /** Roles beside the computing ones; none unless told. */
  readonly owners?: number | undefined
  /** Rows by role. */
  readonly sizes: Readonly<Partial<Record<Role, number>>>
  /** Horizontal tables have the same columns. */
  readonly tables: Readonly<Partial<Record<Role, TableSchema>>>
}

/** A column in a script. */
export interface Reference {
  readonly column: string
}

/** A column of 0 and 1: whether a categorical one has this level. Regressions take all levels but one. */
export const level = ({ column }: Reference, of: string): Reference => ({ column: `${column}=${of}` })
/** Several of them: all levels but the one that the others are compared with. */
export const levels = (column: Reference, ...of: readonly string[]): readonly Reference[] =>
  of.map((each) => level(column, each))

const names = (references: readonly Reference[]): readonly string[] => references.map(({ column }) => column)

/** A numeric column, not negative, by which rows count; the same for all units that it may be measured in. */
export interface Weighted {
  readonly weight?: Reference
}

const weighing = ({ weight }: Weighted) => (weight === undefined ? {} : { weight: weight.column })

/** How many rows there are, or the sum of their weights. */
export const count = (options: Weighted = {}): Statistic => ({ kind: 'count', ...weighing(options) })
const ofColumn =
  (kind: 'sum' | 'mean' | 'variance' | 'std') =>
  ({ column }: Reference, options: Weighted = {}): Statistic => ({ kind, x: column, ...weighing(options) })
export const sum = ofColumn('sum')
export const mean = ofColumn('mean')
/** With the divisor n - 1; of weights w with Σ w - Σ w² / Σ w, as numpy's `cov` with `aweights`. */
export const variance = ofColumn('variance')
export const std = ofColumn('std')
export const covariance = (x: readonly Reference[], options: Weighted = {}): Statistic => ({
  ...{ kind: 'covariance', x: names(x) },
  ...weighing(options),
})
export const correlation = (
  x: readonly Reference[],
  method: 'pearson' | 'spearman' = 'pearson',
  options: Weighted = {},
): Statistic => ({ kind: 'correlation', x: names(x), method, ...weighing(options) })
export const quantiles = ({ column }: Reference, levels: readonly number[]): Statistic => ({
  kind: 'quantiles',
  x: column,
  levels,
})
export const median = (x: Reference): Statistic => quantiles(x, [0.5])
export const minimum = (x: Reference): Statistic => quantiles(x, [0])
export const maximum = (x: Reference): Statistic => quantiles(x, [1])
export const histogram = ({ column }: Reference, edges: readonly number[]): Statistic => ({
  kind: 'histogram',
  x: column,
  edges,
})
export const crosstab = (rows: Reference, columns: Reference): Statistic => ({
  kind: 'crosstab',
  rows: rows.column,
  columns: columns.column,
})
/** Pearson's test of independence, without a continuity correction. */
export const chiSquare = (rows: Reference, columns: Reference): Statistic => ({
  kind: 'chi-square',
  rows: rows.column,
  columns: columns.column,
})
export const groupBy = (by: Reference, x: Reference): Statistic => ({ kind: 'group-by', by: by.column, x: x.column })
/** Welch's t-test of x between two levels of `by`. */
export const welch = (x: Reference, by: Reference, one: string, other: string): Statistic => ({
  kind: 'welch',
  by: by.column,
  x: x.column,
  one,
  other,
})
/** One-way analysis of variance of x between the levels of `by`. */
export const anova = (x: Reference, by: Reference): Statistic => ({ kind: 'anova', by: by.column, x: x.column })
export const linear = (
  y: Reference,
  x: readonly Reference[],
  options: { penalty?: number } & Weighted = {},
): Statistic => ({ kind: 'linear', y: y.column, x: names(x), penalty: options.penalty ?? 0, ...weighing(options) })
export const logistic = (
  y: Reference,
  x: readonly Reference[],
  options: { penalty?: number; iterations?: number; method?: 'fixed-hessian' | 'newton' } & Weighted = {},
): Statistic => {
  const { penalty = 0, method = 'newton', iterations = method === 'newton' ? 10 : 15 } = options
  return { kind: 'logistic', y: y.column, x: names(x), penalty, iterations, method, ...weighing(options) }
}
export const kMeans = (
  x: readonly Reference[],
  starts: readonly (readonly number[])[],
  options: { iterations?: number } = {},
): Statistic => ({ kind: 'k-means', x: names(x), starts, iterations: options.iterations ?? 10 })
/** Principal components of the covariance matrix, or of the correlation matrix. */
export const principalComponents = (x: readonly Reference[], options: { standardised?: boolean } = {}): Statistic => ({
  kind: 'components',
  x: names(x),
  standardised: options.standardised ?? false,
})
const cutsOf = (cuts: readonly number[] | Cuts): Cuts => ('length' in cuts ? { edges: cuts } : cuts)

/**
 * Weight of evidence of each bin of x and information value, for the 0/1 column y (Siddiqi 2006). Bins by edges, or so many
 * of equal frequency; with `merge` those are merged by ChiMerge (Kerber 1992) to so many at most, and on while two
 * differ by less than `threshold` (3.84).
 */
export const weightOfEvidence = (
  y: Reference,
  x: Reference,
  cuts: readonly number[] | (Cuts & { readonly merge?: { readonly to: number; readonly threshold?: number } }),
): Statistic => {
  const merge = 'merge' in cuts && cuts.merge !== undefined ? { threshold: 3.84, ...cuts.merge } : undefined
  const { edges, bins } = cutsOf(cuts)
  const base = { kind: 'woe', y: y.column, x: x.column } as const
  return {
    ...base,
    ...(edges !== undefined && { edges }),
    ...(bins !== undefined && { bins }),
    ...(merge !== undefined && { merge }),
  }
}

/** Columns in the order of their information value for the 0/1 column y: without a model, and without Shapley values. */
export const importance = (y: Reference, x: readonly Reference[], options: { bins?: number } = {}): Statistic => ({
  ...{ kind: 'importance', y: y.column, x: names(x) },
  bins: options.bins ?? 10,
})

interface CutColumn {
  readonly column: Reference
  readonly cuts: readonly number[] | Cuts
}

const cutColumns = (x: readonly CutColumn[]) => x.map(({ column: { column }, cuts }) => ({ column, ...cutsOf(cuts) }))

/** A regression tree of y (of 0 and 1: of its share of ones), every level full. */
export const decisionTree = (y: Reference, x: readonly CutColumn[], options: { depth?: number } = {}): Statistic => ({
  ...{ kind: 'trees', y: y.column, x: cutColumns(x) },
  ...{ depth: options.depth ?? 2, trees: 1, rate: 1, objective: 'squares' },
})

/** Trees boosted by gradients, for numbers (`squares`) or for log odds of a 0/1 column (`logistic`). */
export const boostedTrees = (
  y: Reference,
  x: readonly CutColumn[],
  options: { depth?: number; trees?: number; rate?: number; objective?: 'squares' | 'logistic' } = {},
): Statistic => {
  const { depth = 2, trees = 5, rate = 0.3, objective = 'squares' } = options
  return { kind: 'trees', y: y.column, x: cutColumns(x), depth, trees, rate, objective }
}

/** Points of each bin, by a logistic regression of y on the weights of evidence (Siddiqi 2006, chapter 6). */
export const scorecard = (
  y: Reference,
  x: readonly CutColumn[],
  options: {
    penalty?: number
    iterations?: number
    points?: { readonly base: number; readonly odds: number; readonly double: number }
  } = {},
): Statistic => {
  const { penalty = 0, iterations = 8, points = { base: 600, odds: 50, double: 20 } } = options
  return { kind: 'scorecard', y: y.column, x: cutColumns(x), penalty, iterations, points }
}

/** Whether two parties compute, on additive shares. */
export const twoCompute = ({ helper, triples }: Pick<Parameters, 'helper' | 'triples'>): boolean =>
  helper === true || triples === 'bgv'

/** Who computes. */
export const computingOf = (parameters: Pick<Parameters, 'helper' | 'triples'>): readonly Computing[] =>
  twoCompute(parameters) ? roles.slice(0, 2) : roles

/** All roles of a job that may bring tables or learn figures. */
export const rolesOf = ({ owners = 0, helper, triples }: Pick<Parameters, 'owners' | 'helper' | 'triples'>) => [
  ...computingOf({ helper, triples }),
  ...ownerRoles(owners),
]

/** Who learns any output. */
export const receiversOf = (parameters: Parameters): readonly Role[] => {
  const { to } = parameters
  if (to === 'all') return rolesOf(parameters)
  return typeof to === 'string' ? [to] : to
}

/** A figure with what the script says of it. */
export interface Directed {
  readonly statistic: Statistic
  readonly to?: readonly Role[]
  readonly privacy?: Privacy
}

const directed = (written: Statistic | Directed): Directed =>
  'statistic' in written ? written : { statistic: written }

/** A figure that these roles learn, and nobody else. */
export const only = (written: Statistic | Directed, ...to: readonly Role[]): Directed => ({ ...directed(written), to })

/** A figure with noise: of epsilon (discrete Laplace), or of rho (discrete Gaussian). See privacy.ts. */
export const noisy = (
  written: Statistic | Directed,
  noise: { readonly epsilon: number } | { readonly rho: number },
): Directed => ({
  ...directed(written),
  privacy:
    'rho' in noise ? { mechanism: 'gaussian', rho: noise.rho } : { mechanism: 'laplace', epsilon: noise.epsilon },
})

export interface Analysis<Name extends string> {
  readonly layout: Layout
  readonly columns: readonly Name[]
  readonly minimumCount?: number
  readonly roundTo?: number
  /** Who learns what the script does not direct by {@link only}; default `all`. */
  readonly to?: Role
}

/** Who learns something, of outputs with receivers of their own. */
const unionOf = (to: Role, outputs: readonly Output[]): Plan['to'] => {
  if (outputs.every((output) => output.to === undefined)) return to
  if (to === 'all' && outputs.some((output) => output.to === undefined)) return to
  const others = outputs.some((output) => output.to === undefined) ? [to] : []
  return [...new Set([...others, ...outputs.flatMap((output) => output.to ?? [])])].sort()
}

/** A plan, by the words of a script; the names of its outputs are the keys of what `write` returns. */
export const analyse = <const Name extends string>(
  { layout, columns, minimumCount = 0, roundTo, to = 'all' }: Analysis<Name>,
  write: (columns: Readonly<Record<Name, Reference>>) => Readonly<Record<string, Statistic | Directed>>,
): Plan => {
  const references = Object.fromEntries(columns.map((column) => [column, { column }])) as unknown as Record<
    Name,
    Reference
  >
  const outputs = Object.entries(write(references)).map(([name, written]): Output => ({ name, ...directed(written) }))
  const own = (output: Output): Output =>
    output.to === undefined && to !== 'all' && outputs.some((each) => each.to !== undefined)
      ? { ...output, to: [to] }
      : output
  const rounding = roundTo === undefined ? {} : { roundTo }
  return { layout, outputs: outputs.map(own), minimumCount, ...rounding, to: unionOf(to, outputs) }
}
