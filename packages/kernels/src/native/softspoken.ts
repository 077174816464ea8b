/** `softspoken/*` with AES by OpenSSL; the rest is WebAssembly. */
import type { Engine } from '@tallystick/protocol'
import { hashKey } from '../aes/keys.ts'
import { softspokenEngine } from '../softspoken/engine.ts'
import { keyStream, permutation } from './aes.ts'

const cipher = permutation(hashKey)

export const loadNativeSoftspoken = (tileBytes?: number): Promise<Engine> =>
  softspokenEngine(
    {
      stream: (key) => {
        const next = keyStream(key)
        return (target) => target.set(next(target.length))
      },
      permute: (target, source) => target.set(cipher.update(source)),
    },
    tileBytes,
  )
