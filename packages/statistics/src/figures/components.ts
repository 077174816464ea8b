/**
 * Principal components. All variances with all directions are the matrix that they are made of, and the other way
 * round: so the covariance (or correlation) matrix is opened, which tells the receivers nothing more than the answer,
 * and is decomposed in clear.
 */
import type { Json } from '@tallystick/core'
import { eigenOf } from '../eigen.ts'
import type { Figure } from '../figure.ts'
import type { Scope } from '../scope.ts'
import { correlationFigure } from './correlation.ts'
import { covarianceFigure } from './moments.ts'

const decomposed = (matrix: readonly (readonly number[])[]): Json => {
  const { values, vectors } = eigenOf(matrix)
  const total = values.reduce((sum, value) => sum + value, 0)
  return {
    variances: [...values],
    ratios: values.map((value) => value / total),
    components: vectors.map((vector) => [...vector]),
  }
}

const quoted = (columns: readonly string[]): string => columns.map((column) => `"${column}"`).join(', ')

export const componentsFigure = (scope: Scope, columns: readonly string[], standardised: boolean): Figure => {
  const kind = standardised ? 'correlation' : 'covariance'
  const learns = `the principal components of ${quoted(columns)}, which are as good as their ${kind} matrix`
  if (!standardised) return { ...covarianceFigure(scope, columns, decomposed), learns }
  const figure = correlationFigure(scope, columns, 'pearson')
  return {
    ...figure,
    learns: `${learns}, and which of them are constant`,
    read: (opened) => {
      const matrix = figure.read(opened) as (number | null)[][]
      return matrix.flat().includes(null) ? { constant: true, variances: null } : decomposed(matrix as number[][])
    },
  }
}
