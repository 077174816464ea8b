export { fused } from '../curve25519/field'
export {
  BLOCK, POINTS, SCALARS, UNIFORM, clearSum, decodeRows, encodeRows, firstBad, init, mapRows, scaleRows, sumRows, takeSum, wipeRows,
} from './ristretto'
export {
  MESSAGES, MESSAGES_BYTES, OFFSETS, OUTPUTS, TAG, expandRows, finalizeRows, setTag, wipeHash,
} from './hash'
