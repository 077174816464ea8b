/** SHA-256 by OpenSSL: frames have megabytes here, and the conformance kit hashes each hundreds of times. */
import { createHash } from 'node:crypto'

export const nativeHash = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}
