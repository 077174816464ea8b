/** ChaCha20-Poly1305 by OpenSSL, a cipher for each row: the keys differ. */
import { createCipheriv } from 'node:crypto'
import { checkSeal, type SealInput } from '../chacha/kernels.ts'

const seal = (input: SealInput): Uint8Array => {
  const { keys, nonces, plain, width, associated, associatedWidth } = checkSeal(input)
  const rows = keys.length / 32
  const out = new Uint8Array(rows * (width + 16))
  for (let i = 0; i < rows; i++) {
    const key = keys.subarray(32 * i, 32 * (i + 1))
    const cipher = createCipheriv('chacha20-poly1305', key, nonces.subarray(12 * i, 12 * (i + 1)), {
      authTagLength: 16,
    })
    if (associatedWidth > 0) {
      cipher.setAAD(associated.subarray(associatedWidth * i, associatedWidth * (i + 1)), { plaintextLength: width })
    }
    const at = i * (width + 16)
    out.set(cipher.update(plain.subarray(width * i, width * (i + 1))), at)
    cipher.final()
    out.set(cipher.getAuthTag(), at + width)
  }
  return out
}

export const chacha = { 'chacha/seal': seal } as const
