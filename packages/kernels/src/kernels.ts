import { hash, hashScale, scale } from './curve25519/kernels.ts'
import { intersect } from './table/kernels.ts'

/** Every kernel by name: what the equality tests, the benches and an auditor's sampling iterate over. */
export const kernels = {
  'curve25519/hash': hash,
  'curve25519/scale': scale,
  'curve25519/hash-scale': hashScale,
  'table/intersect': intersect,
} as const
