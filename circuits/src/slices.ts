/**
 * Bit slices: plane i holds bit i of a value of every instance, instance j in bit j mod 32 of word ⌊j / 32⌋. A value of
 * `width` bits over n instances is width · ⌈n / 32⌉ words, plane after plane; bits past the last instance are zero.
 */
import { misuse } from './circuit.ts'

export const planeWords = (instances: number): number => Math.ceil(instances / 32)

/** Transposes 32 × 32 bits in place: bit j of word i becomes bit i of word j (Warren, Hacker's Delight, 7-3). */
export const transpose32 = (words: Uint32Array | Int32Array): void => {
  for (let size = 16, mask = 0x0000ffff; size > 0; size >>>= 1, mask ^= mask << size) {
    for (let k = 0; k < 32; k = (k + size + 1) & ~size) {
      const t = ((words[k]! >>> size) ^ words[k + size]!) & mask
      words[k + size]! ^= t
      words[k]! ^= t << size
    }
  }
}

/** Rows of ⌈width / 8⌉ bytes, one an instance, bit i of a value in bit i mod 8 of byte ⌊i / 8⌋, to planes. */
export const toPlanes = (rows: Uint8Array, width: number, instances: number): Uint32Array => {
  const rowBytes = Math.ceil(width / 8)
  if (rows.length !== rowBytes * instances) {
    throw misuse(`expected ${instances} rows of ${rowBytes} bytes, found ${rows.length} bytes`)
  }
  const words = planeWords(instances)
  const planes = new Uint32Array(width * words)
  const block = new Uint32Array(32)
  for (let word = 0; word < words; word++) {
    const count = Math.min(32, instances - 32 * word)
    for (let bit = 0; bit < width; bit += 32) {
      block.fill(0)
      for (let j = 0; j < count; j++) {
        const at = (32 * word + j) * rowBytes + bit / 8
        for (let k = 0; k < 4 && bit / 8 + k < rowBytes; k++) block[j]! |= rows[at + k]! << (8 * k)
      }
      transpose32(block)
      for (let i = 0; i < 32 && bit + i < width; i++) planes[(bit + i) * words + word] = block[i]!
    }
  }
  return planes
}

/** The inverse of {@link toPlanes}; bits past the width are zero. */
export const toRows = (planes: Uint32Array, width: number, instances: number): Uint8Array => {
  const words = planeWords(instances)
  if (planes.length !== width * words) throw misuse(`expected ${width * words} words, found ${planes.length}`)
  const rowBytes = Math.ceil(width / 8)
  const rows = new Uint8Array(rowBytes * instances)
  const block = new Uint32Array(32)
  for (let word = 0; word < words; word++) {
    const count = Math.min(32, instances - 32 * word)
    for (let bit = 0; bit < width; bit += 32) {
      block.fill(0)
      for (let i = 0; i < 32 && bit + i < width; i++) block[i] = planes[(bit + i) * words + word]!
      transpose32(block)
      for (let j = 0; j < count; j++) {
        const at = (32 * word + j) * rowBytes + bit / 8
        for (let k = 0; k < 4 && bit / 8 + k < rowBytes; k++) rows[at + k] = block[j]! >>> (8 * k)
      }
    }
  }
  return rows
}

/** One non-negative integer an instance to rows. */
export const integersToRows = (values: readonly bigint[], width: number): Uint8Array => {
  const rowBytes = Math.ceil(width / 8)
  const rows = new Uint8Array(rowBytes * values.length)
  values.forEach((value, row) => {
    if (value < 0n || value >> BigInt(width) !== 0n) throw misuse(`expected an integer of ${width} bits without sign`)
    for (let k = 0, rest = value; k < rowBytes; k++, rest >>= 8n) rows[row * rowBytes + k] = Number(rest & 255n)
  })
  return rows
}

export const rowsToIntegers = (rows: Uint8Array, width: number): bigint[] => {
  const rowBytes = Math.ceil(width / 8)
  return Array.from({ length: rows.length / rowBytes }, (_, row) =>
    rows.subarray(row * rowBytes, (row + 1) * rowBytes).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n),
  )
}
