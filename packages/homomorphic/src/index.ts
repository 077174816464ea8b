/** Homomorphic operators: protocols over BGV and CKKS ciphertexts, computed on Microsoft SEAL. */
export { scoring } from './scoring/index.ts'
export type {
  ClientInput as ScoringClientInput,
  ClientOutput as ScoringClientOutput,
  Parameters as ScoringParameters,
  ServerInput as ScoringServerInput,
} from './scoring/index.ts'
export { largestModulus, ringFor, type Ring } from './parameters.ts'
export { statisticsOf } from './statistics/index.ts'
export type {
  OwnerInput as StatisticsOwnerInput,
  Parameters as StatisticsParameters,
  ReceiverOutput as StatisticsReceiverOutput,
} from './statistics/index.ts'
export { modelRows, scoringInput, statisticsInput, tableRows, type IntegerRows } from './rows.ts'
export { explainScoring, type Explanation } from './scoring/explain.ts'
export { lookup } from './lookup/index.ts'
export type {
  Answers as LookupAnswers,
  ClientInput as LookupClientInput,
  ClientOutput as LookupClientOutput,
  HolderInput as LookupHolderInput,
  Parameters as LookupParameters,
} from './lookup/index.ts'
export { lookupInput, lookupRows } from './lookup/rows.ts'
export { explainLookup, type LookupExplanation } from './lookup/explain.ts'
export * from './operators/expression.ts'
export { planOf, type Plan, type PlanOptions } from './plan/index.ts'
export { explainPlan, planText, type PlanExplanation } from './plan/explain.ts'
export { computeInClear } from './operators/clear.ts'
export { evaluateOf, programPlan } from './evaluate/index.ts'
export type {
  OwnerInput as EvaluateOwnerInput,
  Parameters as EvaluateParameters,
  ReceiverOutput as EvaluateReceiverOutput,
} from './evaluate/index.ts'
export { evaluateInput } from './rows.ts'
