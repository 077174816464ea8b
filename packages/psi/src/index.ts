/** Private set intersection. One folder a protocol, named by construction. */
export { defaultChunkRows, ecdh, maxChunkRows, maxRows } from './ecdh/index.ts'
export type { Items, Outcome, Parameters, Role } from './ecdh/index.ts'
export { rr22, rr22Malicious } from './rr22/index.ts'
export type { Parameters as Rr22Parameters } from './rr22/index.ts'
export { ra18 } from './ra18/index.ts'
export type { ListTerms, Outcome as UnbalancedOutcome, Parameters as UnbalancedParameters } from './ra18/index.ts'
export { kkrt16 } from './kkrt16/index.ts'
export type { Parameters as Kkrt16Parameters } from './kkrt16/index.ts'
