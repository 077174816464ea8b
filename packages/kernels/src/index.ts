/**
 * The kernel table: named pure batch computations over flat typed arrays, each with its reference in plain TypeScript.
 * This entry point touches neither Node, nor a browser global, nor WebAssembly, so that protocol text may import it;
 * `@tallystick/kernels/engine` holds the fast implementations of the same names, `@tallystick/kernels/pool` runs them.
 */
export {
  and as bitsAnd,
  expand as bitsExpand,
  permutation as bitsPermutation,
  slice as bitsSlice,
  unslice as bitsUnslice,
} from './bits/kernels.ts'
export { leafPrefix } from './merkle/reference.ts'
export { tileRows, tiles as merkleTiles, type TilesInput } from './merkle/kernels.ts'
export { ids as blake3Ids, masks as blake3Masks } from './blake3/kernels.ts'
export type { Digests, IdsInput, MasksInput } from './blake3/kernels.ts'
export { expand as aesExpand, hash as aesHash, tweakedHash as aesTweakedHash } from './aes/kernels.ts'
export { encode as expandConvoluteEncode } from './expand-convolute/kernels.ts'
export {
  evaluate as gf128Evaluate,
  inner as gf128Inner,
  multiply as gf128Multiply,
  scale as gf128Scale,
} from './gf128/kernels.ts'
export { grow as ggmGrow, puncture as ggmPuncture } from './ggm/kernels.ts'
export {
  decapsulate as mlkemDecapsulate,
  encapsulate as mlkemEncapsulate,
  keys as mlkemKeys,
  uniform as mlkemUniform,
} from './mlkem/kernels.ts'
export { bits as transposeBits } from './transpose/kernels.ts'
export { emptyBin, maxEvictions, place as cuckooPlace, simple as cuckooSimple } from './cuckoo/kernels.ts'
export type { CuckooInput, CuckooTable, SimpleTable } from './cuckoo/kernels.ts'
export {
  hash as curve25519Hash,
  hashScale as curve25519HashScale,
  scale as curve25519Scale,
  scaleEach as curve25519ScaleEach,
} from './curve25519/kernels.ts'
export type { HashInput, HashScaleInput, ScaleInput, ScaleOutput } from './curve25519/kernels.ts'
export { seal as chachaSeal } from './chacha/kernels.ts'
export type { SealInput } from './chacha/kernels.ts'
export {
  blind as oprfBlind,
  combine as oprfCombine,
  evaluate as oprfEvaluate,
  finalize as oprfFinalize,
  hash as oprfHash,
  scale as oprfScale,
} from './oprf/kernels.ts'
export type {
  BlindInput as OprfBlindInput,
  CombineOutput as OprfCombineOutput,
  FinalizeInput as OprfFinalizeInput,
  FinalizeOutput as OprfFinalizeOutput,
  HashInput as OprfHashInput,
  ScaleInput as OprfScaleInput,
  ScaleOutput as OprfScaleOutput,
} from './oprf/kernels.ts'
export { order as p256Order } from './p256/shapes.ts'
export { hashScale as p256HashScale, pointBytes as p256PointBytes, scale as p256Scale } from './p256/kernels.ts'
export type {
  HashScaleInput as P256HashScaleInput,
  ScaleInput as P256ScaleInput,
  ScaleOutput as P256ScaleOutput,
} from './p256/kernels.ts'
export {
  expand as pirExpand,
  expandRows,
  expandWords,
  gauss as pirGauss,
  multiply as pirMultiply,
  patch as pirPatch,
  scan as pirScan,
} from './pir/kernels.ts'
export type { ExpandInput, GaussInput, MultiplyInput, PatchInput, ScanInput } from './pir/kernels.ts'
export { decode as okvsDecode, encode as okvsEncode } from './okvs/kernels.ts'
export type { DecodeInput, EncodeInput, EncodeOutput } from './okvs/kernels.ts'
export { maxOkvsRows, okvsShape, okvsSize } from './okvs/parameters.ts'
export type { OkvsShape } from './okvs/parameters.ts'
export {
  receiveBits as softspokenReceiveBits,
  receiveProducts as softspokenReceiveProducts,
  selectProducts as softspokenSelectProducts,
  sendBits as softspokenSendBits,
  sendProducts as softspokenSendProducts,
} from './softspoken/kernels.ts'
export { productBytes as softspokenProductBytes } from './softspoken/shapes.ts'
export { duplicate as tableDuplicate, intersect as tableIntersect, sort as tableSort } from './table/kernels.ts'
export type { IntersectInput, ItemsInput, Sorted, SortInput } from './table/kernels.ts'
export { evaluate as garbleEvaluate, garble as garbleGarble } from './garble/kernels.ts'
export type { EvaluateInput as GarbleEvaluateInput, Garbled, GarbleInput } from './garble/kernels.ts'
export {
  beaver1,
  beaver128,
  beaver64,
  deal1,
  deal128,
  deal64,
  masked1,
  masked128,
  masked64,
  pairTerms1,
  pairTerms128,
  pairTerms64,
} from './beaver/kernels.ts'
export {
  combine as field61Combine,
  dots as field61Dots,
  multiply as field61Multiply,
  prime61,
} from './field61/kernels.ts'
export { words as digestWords } from './digest/kernels.ts'
export type { Domain as BeaverDomain } from './beaver/kernels.ts'
export { crossTerms128, crossTerms64, matrixProduct128, matrixProduct64 } from './ring/kernels.ts'
export { kernels } from './kernels.ts'
export {
  encrypt as rlweEncrypt,
  expand as rlweExpand,
  mask as rlweMask,
  switchKeys as rlweSwitchKeys,
  ternary,
} from './rlwe/kernels.ts'
export { decrypt as rlweDecrypt, encode as rlweEncode, encodeReals as rlweEncodeReals } from './rlwe/encoding.ts'
export type {
  Decrypted,
  DecryptInput as RlweDecryptInput,
  EncodeInput as RlweEncodeInput,
  EncodeRealsInput as RlweEncodeRealsInput,
} from './rlwe/encoding.ts'
export {
  answer as bgvAnswer,
  encrypt as bgvEncrypt,
  key as bgvKey,
  open as bgvOpen,
  products as bgvProducts,
} from './bgv/kernels.ts'
export {
  keyBytes as bgvKeyBytes,
  resultBytes as bgvResultBytes,
  rowBytes as bgvRowBytes,
  type ProductRing,
} from './bgv/shapes.ts'
export { interpolate as rlweInterpolate, type InterpolateInput as RlweInterpolateInput } from './rlwe/interpolate.ts'
export { constantOf as rlweConstantOf, evaluate as rlweEvaluate } from './rlwe/evaluate.ts'
export type {
  EvaluateInput as RlweEvaluateInput,
  Instruction,
  RingCiphertext,
  RingPlaintext,
  SwitchKeys,
} from './rlwe/evaluate.ts'
export type {
  EncryptInput as RlweEncryptInput,
  MaskInput as RlweMaskInput,
  SwitchKeysInput as RlweSwitchKeysInput,
} from './rlwe/kernels.ts'
