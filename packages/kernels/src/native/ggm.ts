/** GGM trees with the levels' AES by OpenSSL, in place in the memory of the WebAssembly module that does the rest. */
import type { Engine } from '@tallystick/protocol'
import { treeKeys } from '../aes/keys.ts'
import { loadModule } from '../aes/module.ts'
import { ggmEngine } from '../ggm/engine.ts'
import { permutation } from './aes.ts'

export const loadNativeGgm = async (): Promise<Engine> => {
  const ciphers = treeKeys.map(permutation)
  return ggmEngine(await loadModule(), ({ memory }, key, from, to, blocks) => {
    const bytes = new Uint8Array(memory.buffer)
    bytes.set(ciphers[key]!.update(bytes.subarray(from, from + 16 * blocks)), to)
  })
}
