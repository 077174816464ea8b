/** SHA-256 for the chains by OpenSSL. */
import { createHash, hash } from 'node:crypto'
import type { Hash } from '@tallystick/protocol'

/**
 * Most links of chains come in one piece, and a large frame in three. A small digest as text, written into memory of
 * the pool, costs half of one that is made with a buffer of its own.
 */
export const chainHash: Hash = (...parts) => {
  if (parts.length === 1) {
    const digest = Buffer.allocUnsafe(32)
    digest.write(hash('sha256', parts[0]!, 'binary'), 'latin1')
    return digest
  }
  const state = createHash('sha256')
  for (const part of parts) state.update(part)
  return state.digest()
}
