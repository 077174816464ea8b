/** `merkle/tiles` by OpenSSL, which has SHA-256 in hardware, where rows are long enough to be worth a call each. */
import { createHash, createHmac } from 'node:crypto'
import type { Engine } from '@tallystick/protocol'
import { loadMerkle } from '../merkle/engine.ts'
import { checkTiles, type TilesInput } from '../merkle/kernels.ts'
import { tilesBy, type Hash } from '../merkle/reference.ts'

/** Mean bytes of a row from which on OpenSSL is faster. */
const long = 2 ** 14

const sha256: Hash = (...parts) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

const hmac = (key: Uint8Array, bytes: Uint8Array): Uint8Array => createHmac('sha256', key).update(bytes).digest()

export const loadNativeMerkle = async (): Promise<Engine> => {
  const { 'merkle/tiles': short } = await loadMerkle()
  const tiles = (input: TilesInput): Uint8Array => {
    const rows = checkTiles(input).offsets.length - 1
    return input.bytes.length < rows * long ? short(input) : tilesBy(sha256, hmac, input)
  }
  return { 'merkle/tiles': tiles }
}
