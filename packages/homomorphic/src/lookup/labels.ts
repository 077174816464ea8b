/** Rows by the outputs of the OPRF: where they lie, what stands for them, and their values under keys of their own. */
import { chacha20 } from '@noble/ciphers/chacha.js'
import { labelsFor, lengthBytes, residueBits, residuesOfKey } from './plan.ts'

/** Bytes of an output of RFC 9497, suite ristretto255-SHA512. */
export const outputBytes = 64

/** 16 bytes of each output: words by which rows are thrown into bins. */
export const digestsOf = (outputs: Uint8Array): Uint8Array => {
  const rows = outputs.length / outputBytes
  const out = new Uint8Array(16 * rows)
  for (let row = 0; row < rows; row++) out.set(outputs.subarray(row * outputBytes, row * outputBytes + 16), 16 * row)
  return out
}

/** rows × 2 residues: the next two words of 64 bits, each modulo t. */
export const keyResidues = (outputs: Uint8Array, t: bigint): Uint32Array => {
  const view = new DataView(outputs.buffer, outputs.byteOffset, outputs.length)
  return Uint32Array.from({ length: (residuesOfKey * outputs.length) / outputBytes }, (_, i) =>
    Number(view.getBigUint64((i >> 1) * outputBytes + 16 + 8 * (i & 1), true) % t),
  )
}

/** The value of a row, to and fro: the last 32 bytes of the output are the key of one message. */
const crypt = (output: Uint8Array, text: Uint8Array): Uint8Array =>
  chacha20(output.subarray(32, 64), new Uint8Array(12), text)

/** 2 × labels residues below 2^31 of a value: its length, the value and zeros, encrypted. */
export const sealValue = (output: Uint8Array, value: Uint8Array, valueBytes: number): Uint32Array => {
  const plain = new Uint8Array(lengthBytes + valueBytes)
  plain.set([value.length & 255, value.length >> 8])
  plain.set(value, lengthBytes)
  const sealed = crypt(output, plain)
  const out = new Uint32Array(residuesOfKey * labelsFor(valueBytes))
  let [bits, width, at] = [0, 0, 0]
  for (const byte of sealed) {
    // `bits` holds at most 30 bits beside the byte's: within the whole numbers of a double, though not of 32 bits.
    bits += byte * 2 ** width
    width += 8
    if (width < residueBits) continue
    out[at++] = bits % 2 ** residueBits
    bits = Math.floor(bits / 2 ** residueBits)
    width -= residueBits
  }
  if (width > 0) out[at] = bits
  return out
}

/** The value; undefined for residues that {@link sealValue} does not give under this output. */
export const openValue = (
  output: Uint8Array,
  residues: readonly number[],
  valueBytes: number,
): Uint8Array | undefined => {
  if (residues.some((residue) => residue >= 2 ** residueBits)) return undefined
  const sealed = new Uint8Array(lengthBytes + valueBytes)
  let [bits, width, at] = [0, 0, 0]
  for (const residue of residues) {
    bits += residue * 2 ** width
    width += residueBits
    for (; width >= 8 && at < sealed.length; width -= 8) {
      sealed[at++] = bits % 256
      bits = Math.floor(bits / 256)
    }
  }
  const plain = crypt(output, sealed)
  const length = plain[0]! + 256 * plain[1]!
  const padding = plain.subarray(lengthBytes + length)
  if (length > valueBytes || padding.some((byte) => byte !== 0)) return undefined
  return plain.slice(lengthBytes, lengthBytes + length)
}
