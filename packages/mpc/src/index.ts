/** Computation on secret shares. One folder a protocol, named by paper. */
export { araki16, crossTerms, zeroCorrelation, zeroShares } from './araki16/index.ts'
export type { Input, Output, Parameters, Role, Share } from './araki16/index.ts'
