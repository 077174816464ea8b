/** Kernels that OpenSSL computes faster than WebAssembly, by bulk calls of `node:crypto`; Node only. */
import type { Engine } from '@tallystick/protocol'
import { loadProducts } from '../bgv/engine.ts'
import { wasmEngine } from '../engine.ts'
import { aes } from './aes.ts'
import { chacha } from './chacha.ts'
import { digest } from './digest.ts'
import { loadNativeExpandConvolute } from './expand-convolute.ts'
import { loadNativeGgm } from './ggm.ts'
import { loadNativeMerkle } from './merkle.ts'
import { loadNativeShares } from './ring.ts'
import { loadNativeRing, opensslStream } from './rlwe.ts'
import { loadNativeSoftspoken } from './softspoken.ts'

const loadNative = async (): Promise<Engine> => ({
  ...aes,
  ...chacha,
  ...digest,
  ...(await loadNativeExpandConvolute()),
  ...(await loadNativeGgm()),
  ...(await loadNativeMerkle()),
  ...(await loadProducts(opensslStream)),
  ...(await loadNativeRing()),
  ...(await loadNativeShares()),
  ...(await loadNativeSoftspoken()),
})

let loading: Promise<Engine> | undefined

/** The best engine under Node. */
export const nodeEngine = (): Promise<Engine> =>
  (loading ??= Promise.all([wasmEngine(), loadNative()]).then(([portable, native]) => ({ ...portable, ...native })))

export { widenScans } from './wide.ts'
