/** Quantiles: of one owner's column in clear, else from the owners' cumulative counts over all codes. */
import { wordsOfIntegers } from '@tallystick/mpc'
import { finite, nothingElse, ratio, type Figure } from '../figure.ts'
import { impossible } from '../problems.ts'
import { originOf, unitsPerOne, type Scope } from '../scope.ts'

/** Digits of a level after the point. */
const levelDigits = 6
const grain = 10 ** levelDigits

/** Type 7 of Hyndman and Fan (1996): (1 - part) x_(below) + part x_(below + 1), ranks from 1, part in millionths. */
const quantileRanks = (rows: number, level: number): { readonly below: number; readonly part: number } => {
  const position = BigInt(Math.round(level * grain)) * BigInt(rows - 1)
  return { below: Number(position / BigInt(grain)) + 1, part: Number(position % BigInt(grain)) }
}

const checkLevels = (scope: Scope, column: string, levels: readonly number[]): void => {
  for (const level of levels) {
    if (!(level >= 0 && level <= 1) || Math.round(level * grain) / grain !== level) {
      throw impossible(`quantiles of "${column}": found the level ${level}`, 'use levels from 0 to 1, 6 digits at most')
    }
    const { below, part } = quantileRanks(scope.rows, level)
    const last = part === 0 ? below : below + 1
    const fewest = Math.min(below, scope.rows + 1 - last)
    if (fewest >= scope.parameters.minimumCount) continue
    throw impossible(
      `the quantile ${level} of "${column}" has ${fewest} rows on one side, the plan wants ${scope.parameters.minimumCount}`,
      'leave out minimum, maximum and quantiles near them, or lower minimumCount',
    )
  }
}

export const quantilesFigure = (scope: Scope, column: string, levels: readonly number[]): Figure => {
  scope.numeric(column)
  checkLevels(scope, column, levels)
  const places = levels.map((level) => quantileRanks(scope.rows, level))
  const lower = { column, ranks: places.map(({ below }) => below) }
  const upper = { column, ranks: places.map(({ below, part }) => (part === 0 ? below : below + 1)) }
  return {
    ...nothingElse,
    orders: [lower, upper],
    learns: `the quantiles ${levels.join(', ')} of "${column}"`,
    // oxlint-disable-next-line require-yield -- opens a linear function of what is there
    *open(backend, given) {
      const weights = (of: (part: number) => number) =>
        wordsOfIntegers(
          64,
          places.map(({ part }) => of(part)),
        )
      const low = backend.scale(
        given.order(lower),
        weights((part) => grain - part),
      )
      return [
        backend.add(
          low,
          backend.scale(
            given.order(upper),
            weights((part) => part),
          ),
        ),
      ]
    },
    read: ([opened]) => ({
      levels: [...levels],
      values: opened!.map((sum) => {
        const units = sum + BigInt(originOf(scope, column)) * BigInt(grain)
        return finite(ratio(units, BigInt(grain) * unitsPerOne(scope, column)))
      }),
    }),
  }
}
