/** Oblivious query: a row of a partner's list by its id, without the partner learning the id. One folder a protocol. */
export { answerAt, answersOf, type Answers, type Nothing } from './answers.ts'
export {
  askerRows,
  digestRows,
  holderOffsets,
  isMatrix,
  isQuorumCells,
  isWhichMatrix,
  listInput,
  matrixOutside,
  type Outside,
  pirInput,
  quorumInput,
  severalRows,
  whichInput,
  whichOutside,
} from './committed.ts'
export { computing, runLocally } from './local.ts'
export { maxQueries } from './parameters.ts'
export { encodeScalar, invertScalars, order } from './rfc9497/group.ts'
export { maxBatch, proofBytes, prove, verify } from './rfc9497/proof.ts'
export {
  blind,
  blindEvaluate,
  contextString,
  deriveKeyPair,
  evaluate,
  finalize,
  type Items,
  type KeyPair,
  type Mode,
} from './rfc9497/suite.ts'
export { epochBytes, sealOf, splitEpochs, startEpochs, type Epochs, type Seal } from './sealed/epochs.ts'
export { answerInList, listDigest, readList, sealedList, type Answer, type SealedList } from './sealed/list.ts'
export { hasTag, openRow, rowKeys, sealRow, sealRows, slotOverhead, type RowKeys } from './sealed/row.ts'
export {
  maxListRows,
  sealedListQuery,
  type ListInputs,
  type ListParameters,
  type QueryOutputs,
} from './sealed-list/index.ts'
export {
  columnOf,
  emptyTable,
  fill,
  place,
  placeAt,
  rowCount,
  rowOf,
  stashOf,
  type Rows,
  type Table,
} from './simplepir/build.ts'
export { expandMatrix, hintPart, hintParts, makeHint, wordsOver, writeHintPart } from './simplepir/hint.ts'
export {
  blocksOf,
  isMatrixOf,
  makeMatrix,
  matrixLength,
  readColumn,
  readSlot,
  scanMatrix,
  type Matrix,
} from './simplepir/matrix.ts'
export { simplePirQuery } from './simplepir/index.ts'
export { queriesPerFrame, type PirInputs, type PirOutputs, type PirParameters } from './simplepir/messages.ts'
export {
  areUnits,
  bindUnits,
  makeUnits,
  maxUnits,
  preparedQuery,
  unitAt,
  unitBytesOf,
  unitCoins,
  type Prepared,
  type Unit,
} from './simplepir/prepare.ts'
export { decodeColumn, queryFor, roundAnswers } from './simplepir/query.ts'
export {
  checkShape,
  chooseShape,
  failureBits,
  linesOf,
  matrixBytesOf,
  secretWords,
  slotBytesOf,
  type Shape,
} from './simplepir/shape.ts'
export { decodeDelta, encodeDelta } from './simplepir/delta.ts'
export { versionDigest, type PirVersion } from './simplepir/version.ts'
export { patchHint, update, type Changes, type Delta } from './simplepir/update.ts'
export { askerRole, holderRoles, leastHolders, mostHolders } from './several.ts'
export {
  preparedFor,
  whichQueries,
  type AnswersByHolder,
  type HeldTable,
  type WhichInputs,
  type WhichParameters,
  type WhichQuery,
} from './which/index.ts'
export { type Opening, quorumOver, quorumQueries, type QuorumOutputs, type QuorumQuery } from './quorum/index.ts'
export {
  partnerRole,
  tablesOf,
  type HeldMembers,
  type MembersTable,
  type QuorumAnswers,
  type QuorumInputs,
  type QuorumParameters,
} from './quorum/messages.ts'
export {
  buildMembers,
  candidates,
  cellBytes,
  cellsFor,
  cellsOf,
  fillMembers,
  maxMembers,
  memberElements,
  membersKey,
  pickCells,
  placeMembers,
  type Placement,
} from './quorum/table.ts'
export { areMembers, changesCapacity, differingAfter } from './quorum/changes.ts'
export type { Mode as QuorumMode } from './quorum/circuit.ts'
export { isOpening, makeTree, openCells, openingBytes, type Reader } from './quorum/tree.ts'
