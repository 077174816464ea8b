export * from './columns.ts'
export * from './distributions.ts'
export * from './plan.ts'
export { parseParameters, tableSchema } from './parameters.ts'
export {
  prepare,
  statistics,
  statisticsFor,
  statisticsOfTwo,
  statisticsOfTwoAlone,
  statisticsWith,
  summarise,
  tableInput,
  type Output as StatisticsOutput,
} from './program.ts'
export { decimalText, intersectionFigures } from './intersection.ts'
export type { ColumnFigures, IntersectionFigures, Moments, PairFigures, ScaledColumn } from './intersection.ts'
export { explain, type Explanation } from './explain.ts'
export { deltaOf, epsilonOf, rhoOf, spentBy } from './privacy/accounting.ts'
export * from './script.ts'
