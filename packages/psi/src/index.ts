/** Private set intersection. One folder a protocol, named by construction. */
export { defaultChunkRows, ecdh, maxChunkRows, maxRows } from './ecdh/index.ts'
export type { Items, Outcome, Parameters, Role } from './ecdh/index.ts'
export { rr22, rr22Malicious } from './rr22/index.ts'
export type { Parameters as Rr22Parameters } from './rr22/index.ts'
export { ra18 } from './ra18/index.ts'
export type { ListTerms, Outcome as UnbalancedOutcome, Parameters as UnbalancedParameters } from './ra18/index.ts'
export { kkrt16 } from './kkrt16/index.ts'
export type { Parameters as Kkrt16Parameters } from './kkrt16/index.ts'
export { choose, plannable, predict, referenceRates, rolesFor, smallRows, unbalancedRatio } from './operator/index.ts'
export type { Choice, Considered, Policy, Prediction, Protocols, Rates, Request, SetOutput } from './operator/index.ts'
export { ikn19, sumInput } from './ikn19/index.ts'
export { limbBits, maxDecimals, maxLimbs, type SumValues } from './ikn19/messages.ts'
export type { Parameters as SumParameters, Valued } from './ikn19/index.ts'
export { kmprt17, leastParties, mostParties, rolesOf } from './kmprt17/index.ts'
export type { Kmprt17, Parameters as Kmprt17Parameters } from './kmprt17/index.ts'
export { czzdl24, defaultIdBytes, maxIdBytes } from './czzdl24/index.ts'
export type { Outcome as UnionOutcome, Parameters as UnionParameters } from './czzdl24/index.ts'
export { cdgoss21 } from './cdgoss21/index.ts'
export type { Cdgoss21, Outcome as QuorumOutcome, Parameters as QuorumParameters } from './cdgoss21/index.ts'
export { circuitInput, psty19, receiverShares, senderShares } from './psty19/index.ts'
export type {
  Blocks as CircuitBlocks,
  Column as CircuitColumn,
  Outcome as CircuitOutcome,
  Parameters as CircuitParameters,
  ReceiverShares,
  SenderShares,
} from './psty19/index.ts'
