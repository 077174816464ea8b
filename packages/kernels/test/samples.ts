/** Inputs and oracles that the tests share. */
import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'
import type { HashInput } from '../src/index.ts'

/** Messages laid out flat. */
export function messages(rows: readonly Uint8Array[]): Omit<HashInput, 'dst'> {
  const offsets = new Uint32Array(rows.length + 1)
  rows.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.length))
  const bytes = new Uint8Array(offsets[rows.length]!)
  rows.forEach((row, i) => bytes.set(row, offsets[i]))
  return { bytes, offsets }
}

/** RFC 7748's clamping, which the kernels leave to their caller. */
export function clamp(scalar: Uint8Array): Uint8Array {
  const out = Uint8Array.from(scalar)
  out[0]! &= 248
  out[31] = (out[31]! & 127) | 64
  return out
}

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
