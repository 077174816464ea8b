import { shake128 } from '@noble/hashes/sha3.js'
import { ml_kem768 } from '@noble/post-quantum/ml-kem.js'
import type { DecapsulateInput, Encapsulated, EncapsulateInput, Keys } from './kernels.ts'
import { ciphertextBytes, publicKeyBytes, secretKeyBytes, vectorBytes } from './shapes.ts'

const row = (rows: Uint8Array, width: number, i: number): Uint8Array => rows.subarray(width * i, width * (i + 1))

export function keys(seeds: Uint8Array): Keys {
  const n = seeds.length / 64
  const out = { publicKeys: new Uint8Array(publicKeyBytes * n), secretKeys: new Uint8Array(secretKeyBytes * n) }
  for (let i = 0; i < n; i++) {
    const pair = ml_kem768.keygen(row(seeds, 64, i))
    out.publicKeys.set(pair.publicKey, publicKeyBytes * i)
    out.secretKeys.set(pair.secretKey, secretKeyBytes * i)
  }
  return out
}

export function encapsulate({ publicKeys, messages }: EncapsulateInput): Encapsulated {
  const n = messages.length / 32
  const out = { ciphertexts: new Uint8Array(ciphertextBytes * n), secrets: new Uint8Array(32 * n) }
  for (let i = 0; i < n; i++) {
    const made = ml_kem768.encapsulate(row(publicKeys, publicKeyBytes, i), row(messages, 32, i))
    out.ciphertexts.set(made.cipherText, ciphertextBytes * i)
    out.secrets.set(made.sharedSecret, 32 * i)
  }
  return out
}

export function decapsulate({ secretKeys, ciphertexts }: DecapsulateInput): Uint8Array {
  const n = ciphertexts.length / ciphertextBytes
  const out = new Uint8Array(32 * n)
  for (let i = 0; i < n; i++) {
    const ciphertext = row(ciphertexts, ciphertextBytes, i)
    out.set(ml_kem768.decapsulate(ciphertext, row(secretKeys, secretKeyBytes, i)), 32 * i)
  }
  return out
}

/** SampleNTT of FIPS 203 (algorithm 7) without its indices, going on for 768 coefficients, packed 12 bits each. */
export function uniform(seeds: Uint8Array): Uint8Array {
  const n = seeds.length / 32
  const out = new Uint8Array(vectorBytes * n)
  for (let i = 0; i < n; i++) {
    const stream = shake128.create({}).update(row(seeds, 32, i))
    let chunk: Uint8Array = new Uint8Array()
    let at = 0
    let low: number | undefined
    for (let count = 0; count < 768;) {
      if (at === chunk.length) {
        chunk = stream.xof(168)
        at = 0
      }
      const [a, b, c] = [chunk[at]!, chunk[at + 1]!, chunk[at + 2]!]
      at += 3
      for (const value of [a | ((b & 15) << 8), (b >> 4) | (c << 4)]) {
        if (value >= 3329 || count === 768) continue
        count++
        if (low === undefined) {
          low = value
          continue
        }
        const place = vectorBytes * i + (3 * (count - 2)) / 2
        out[place] = low & 255
        out[place + 1] = (low >> 8) | ((value & 15) << 4)
        out[place + 2] = value >> 4
        low = undefined
      }
    }
  }
  return out
}
