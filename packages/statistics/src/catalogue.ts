/** The figure of each kind of statistic. */
import { TallyError } from '@tallystick/core'
import { bitsOf, requireBits } from './bounds.ts'
import type { Figure, NoisePart } from './figure.ts'
import { clustersFigure } from './figures/clusters.ts'
import { componentsFigure } from './figures/components.ts'
import { correlationFigure } from './figures/correlation.ts'
import { guarded } from './figures/guard.ts'
import { evidenceFigure, importanceFigure } from './figures/evidence.ts'
import { linearFigure } from './figures/linear.ts'
import { logisticFigure } from './figures/logistic.ts'
import { countFigure, covarianceFigure, sumFigure } from './figures/moments.ts'
import { quantilesFigure } from './figures/quantiles.ts'
import { treesFigure } from './figures/trees.ts'
import {
  anovaFigure,
  chiSquareFigure,
  crosstabFigure,
  groupByFigure,
  histogramFigure,
  welchFigure,
} from './figures/tables.ts'
import { computingOf, type Output, type Privacy, type Statistic } from './plan.ts'
import { deviationOf, partOf } from './privacy/index.ts'
import { impossible } from './problems.ts'
import { scorecardFigure } from './figures/scorecard.ts'
import { binningOf } from './bins.ts'
import type { Scope } from './scope.ts'

const unknown = (statistic: never): TallyError =>
  new TallyError('invariant/broken', 'self', `statistics are a closed union, found ${JSON.stringify(statistic)}`)

/** Whose counts are not rounded. */
const tellsCounts = new Set<Statistic['kind']>([
  ...(['chi-square', 'group-by', 'welch', 'anova'] as const),
  ...(['woe', 'importance', 'scorecard', 'k-means'] as const),
])

/** The figure of an output: one with noise is not withheld where it is small, which would tell that it is. */
export const outputFigure = (scope: Scope, { name, statistic, privacy }: Output): Figure => {
  const { roundTo = 1 } = scope.parameters
  if (roundTo > 1 && tellsCounts.has(statistic.kind)) {
    throw impossible(`counts rounded to ${roundTo}, and "${name}", which tells exact ones`, 'leave out one of them')
  }
  if (privacy === undefined) return figureOf(scope, statistic)
  const { parameters } = scope
  const figure = figureOf({ ...scope, parameters: { ...parameters, minimumCount: 0, roundTo: 1 } }, statistic)
  if (figure.noise === undefined) throw withoutNoise(name, statistic)
  return { ...figure, learns: `${figure.learns}, with ${noiseText(scope, figure.noise, privacy)}` }
}

const withoutNoise = (name: string, statistic: Statistic): TallyError =>
  statistic.kind === 'count'
    ? impossible(`noise for "${name}": the number of rows stands in the terms`, 'leave out the noise, or the figure')
    : impossible(
        `noise for "${name}", a figure of the kind ${statistic.kind}`,
        'use a count with weights, sum, mean, variance, std, histogram, crosstab or group-by',
      )

/** Deviations of noise beyond which it never is: once in e^90. */
const furthest = 64

const noiseText = (scope: Scope, noise: readonly NoisePart[], privacy: Privacy): string => {
  const computing = computingOf(scope.parameters)
  const each = partOf(privacy, noise.length)
  const digits = (value: number): string => value.toPrecision(3)
  const parts = noise.map(({ sensitivity, unit, what }) => {
    const one = deviationOf(each, sensitivity)
    requireBits(
      bitsOf(computing.length * furthest * one),
      128,
      'the noise',
      'ask for less of it, or declare a smaller range',
    )
    const together = digits(one * unit * Math.sqrt(computing.length))
    return `${what === undefined ? '' : `of ${what} `}${digits(one * unit)} each, ${together} together`
  })
  const kind =
    privacy.mechanism === 'laplace'
      ? `discrete Laplace noise of epsilon ${privacy.epsilon}`
      : `discrete Gaussian noise of rho ${privacy.rho}`
  return (
    `${kind} from each of ${computing.slice(0, -1).join(', ')} and ${computing.at(-1)} ` +
    `(standard deviation ${parts.join(', ')}; a receiver that computes can take off its own)`
  )
}

/** Whose sum is a count where a column has two values. */
const sums = new Set<Statistic['kind']>(['sum', 'mean', 'variance', 'std'])

/** @throws TallyError terms/malformed, terms/unsupported for what the tables do not have or what could wrap around */
const figureOf = (scope: Scope, statistic: Statistic): Figure => {
  const weight = 'weight' in statistic ? statistic.weight : undefined
  const counted = sums.has(statistic.kind) ? (statistic as { readonly x: string }).x : undefined
  return guarded(scope, { weight, counted }, plainFigure(scope, statistic))
}

const plainFigure = (scope: Scope, statistic: Statistic): Figure => {
  switch (statistic.kind) {
    case 'count':
      return countFigure(scope, statistic.weight)
    case 'sum':
    case 'mean':
      return sumFigure(scope, statistic.kind, statistic.x, statistic.weight)
    case 'variance':
      return covarianceFigure(scope, [statistic.x], (matrix) => matrix[0]![0]!, statistic.weight)
    case 'std':
      return covarianceFigure(
        scope,
        [statistic.x],
        (matrix) => Math.sqrt(Math.max(0, matrix[0]![0]!)),
        statistic.weight,
      )
    case 'covariance':
      return covarianceFigure(scope, statistic.x, (matrix) => matrix, statistic.weight)
    case 'correlation':
      return correlationFigure(scope, statistic.x, statistic.method, statistic.weight)
    case 'histogram':
      return histogramFigure(scope, statistic.x, statistic.edges)
    case 'crosstab':
      return crosstabFigure(scope, statistic.rows, statistic.columns)
    case 'chi-square':
      return chiSquareFigure(scope, statistic.rows, statistic.columns)
    case 'group-by':
      return groupByFigure(scope, statistic.by, statistic.x)
    case 'welch':
      return welchFigure(scope, statistic.by, statistic.x, statistic.one, statistic.other)
    case 'anova':
      return anovaFigure(scope, statistic.by, statistic.x)
    case 'linear':
      return linearFigure(scope, statistic)
    case 'woe':
      return evidenceFigure(scope, { ...statistic, x: [statistic.x], binning: binningOf(statistic) })
    case 'importance':
      return importanceFigure(scope, { ...statistic, binning: binningOf(statistic) })
    case 'trees':
      return treesFigure(scope, statistic)
    case 'scorecard':
      return scorecardFigure(scope, statistic)
    case 'quantiles':
      return quantilesFigure(scope, statistic.x, statistic.levels)
    case 'logistic':
      return logisticFigure(scope, statistic)
    case 'k-means':
      return clustersFigure(scope, statistic)
    case 'components':
      return componentsFigure(scope, statistic.x, statistic.standardised)
    default:
      throw unknown(statistic)
  }
}
