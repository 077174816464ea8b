export * from './columns.ts'
export * from './distributions.ts'
export * from './plan.ts'
