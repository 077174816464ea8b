/** Computation on secret shares. One folder a protocol, named by paper. */
export * from './backend.ts'
export { elementsOfPlanes, planeOfBits, trimPlanes } from './bits-words.ts'
export { clear, clearBackend, clearShare, clearWords, runClear } from './clear.ts'
export { count, type Counted } from './counting.ts'
export { add as addBits, all as allBits, topOfSum } from './operators/adder.ts'
export { equal, isNegative, isZero, lessThan } from './operators/compare.ts'
export { divideBy, divideFixed, divisor, reciprocalFixed } from './operators/divide.ts'
export type { DivideOptions, Divisor } from './operators/divide.ts'
export { expFixed, logFixed } from './operators/exponential.ts'
export { demultiplex, logisticFixed } from './operators/logistic.ts'
export * from './operators/fixed.ts'
export { bitsOf, innerFraction, normalise, ofExponent, weigh, type Normal } from './operators/normalise.ts'
export { polynomial, powers } from './operators/polynomial.ts'
export { inverseSqrtFixed, sqrtFixed } from './operators/root.ts'
export { floor, nearest } from './operators/round.ts'
export { groupBy, partition, permute, radixSort, sort, top } from './operators/sort.ts'
export type { Groups, Sorted, SortOptions } from './operators/sort.ts'
export { absolute, extreme, mux, select, tournament, type Extreme } from './operators/select.ts'
export {
  programProtocol,
  type Inputs,
  type Outputs,
  type Program,
  type ProgramProtocol,
  type Vectors,
} from './program.ts'
export {
  countRep4,
  rep4Program,
  unverified,
  verified,
  type Rep4Options,
  type Rep4Protocol,
  type Unverified,
  type Vouching,
} from './rep4/index.ts'
export { countSemi2k, semi2kProgram, type Semi2kProtocol, type Semi2kSetting, type Triples } from './semi2k/index.ts'
export {
  fieldOfIntegers,
  integersOfField,
  prime61,
  shamirProgram,
  type FieldBackend,
  type FieldProgram,
  type FieldVector,
  type FieldVectors,
  type ShamirProtocol,
  type ShamirSetting,
} from './shamir/index.ts'
export type { InputSpec } from './rep3/inputs.ts'
export * from './words.ts'
export * from './ba12/index.ts'
export { zre15 } from './garbled/index.ts'
export { evaluateCircuit, rep3Circuit } from './gmw/index.ts'
export { semi2kCircuit, semi2kCircuitTransfers } from './gmw/semi2k.ts'
export { circuitOfTerms, rowBytesOf } from './circuit/terms.ts'
export { circuitInputOf } from './circuit/text.ts'
export type { CircuitInput, CircuitOutput, CircuitParameters, CircuitTerms } from './circuit/terms.ts'
