export * from './columns.ts'
export * from './distributions.ts'
export * from './plan.ts'
export { parseParameters, tableSchema } from './parameters.ts'
export {
  prepare,
  statistics,
  statisticsProgram,
  summarise,
  tableInput,
  type Output as StatisticsOutput,
} from './program.ts'
export { explain, type Explanation } from './explain.ts'
