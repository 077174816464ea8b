/** X25519 of OpenSSL, an oracle that shares no line with ours. */
import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'

const privatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex')
const publicPrefix = Buffer.from('302a300506032b656e032100', 'hex')

/** X25519 of OpenSSL; undefined where it refuses an all-zero product. */
export function openssl(scalar: Uint8Array, u: Uint8Array): Uint8Array | undefined {
  const privateKey = createPrivateKey({ key: Buffer.concat([privatePrefix, scalar]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey({ key: Buffer.concat([publicPrefix, u]), format: 'der', type: 'spki' })
  try {
    return Uint8Array.from(diffieHellman({ privateKey, publicKey }))
  } catch {
    return undefined
  }
}
