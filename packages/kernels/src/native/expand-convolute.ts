/** The code's randomness by OpenSSL. */
import type { Engine } from '@tallystick/protocol'
import { expandConvoluteEngine, loadArena } from '../expand-convolute/engine.ts'
import { keyStream } from './aes.ts'

export const loadNativeExpandConvolute = async (): Promise<Engine> =>
  expandConvoluteEngine(await loadArena(), keyStream)
