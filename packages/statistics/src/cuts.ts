/**
 * One cut for a column where small counts are withheld: counts of one column cut at two lists of edges tell, by
 * subtraction, how many rows lie between an edge of the one and the next of the other.
 */
import type { Cuts, Output, Parameters, Statistic } from './plan.ts'
import { impossible } from './problems.ts'

/** Columns whose counts by bin are told. */
const cutsOf = (statistic: Statistic): readonly ({ readonly column: string } & Cuts)[] => {
  switch (statistic.kind) {
    case 'histogram':
    case 'woe':
      return [{ ...statistic, column: statistic.x }]
    case 'importance':
      return statistic.x.map((column) => ({ ...statistic, column }))
    case 'scorecard':
      return statistic.x
    default:
      return []
  }
}

const textOf = ({ edges, bins }: Cuts): string => (edges === undefined ? `${bins} bins` : `edges ${edges.join(', ')}`)

/** @throws TallyError terms/unsupported */
export const requireOneCut = ({ minimumCount, outputs }: Pick<Parameters, 'minimumCount' | 'outputs'>): void => {
  if (minimumCount <= 1) return
  const first = new Map<string, { readonly name: string; readonly text: string }>()
  const look = ({ name, statistic, privacy }: Output): void => {
    if (privacy !== undefined) return
    for (const { column, ...cuts } of cutsOf(statistic)) {
      const before = first.get(column)
      const text = textOf(cuts)
      if (before === undefined) first.set(column, { name, text })
      else if (before.text !== text) {
        throw impossible(
          `"${before.name}" cuts "${column}" at ${before.text}, "${name}" at ${text}: counts from 1 to ${minimumCount - 1} would follow`,
          'cut a column alike in all figures of a plan, or set minimumCount to 0',
        )
      }
    }
  }
  outputs.forEach(look)
}
