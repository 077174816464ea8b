/** The portable engine of the ChaCha kernels: the reference is as fast as JavaScript gets here. */
import { seal } from './kernels.ts'

export const chachaEngine = { 'chacha/seal': seal.run } as const
