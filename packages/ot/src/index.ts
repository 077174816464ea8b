/** Oblivious transfer and vector oblivious linear evaluation: building blocks of the set and share protocols. */
export type * from './interface.ts'
export { baseCost, type BaseMessages, baseMessages, baseReceive, baseSend, maxTransfers } from './base/index.ts'
export type { BaseSent } from './base/index.ts'
export {
  correlatedCost,
  type CorrelatedMessages,
  correlatedMessages,
  correlatedReceive,
  correlatedSend,
  randomReceive,
  randomSend,
} from './extension/index.ts'
export { maxElements, voleCost, type VoleMessages, voleMessages, voleReceive, voleSend } from './vole/index.ts'
export {
  addRing,
  bitTriples,
  bitTriplesCost,
  maxRingTriples,
  multiplyRing,
  openTransfers,
  productCost,
  productReceive,
  productSend,
  ringTriples,
  ringTriplesCost,
  transfersCost,
  tripleMessages,
} from './triples/index.ts'
export type { BitTriples, PairCost, RingTriples, Transfers, TransfersOptions, TripleMessages } from './triples/index.ts'
export {
  andCost,
  andShares,
  equalCost,
  equalShares,
  equalWords,
  lessCost,
  lessShares,
  lessWords,
  storeCost,
  type TripleStore,
  vectorWords,
} from './gmw/index.ts'
