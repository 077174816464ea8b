import { concatBytes, createRng, taggedDigest, utf8ToBytes } from '@tallystick/core'
import type { Items } from '@tallystick/psi'

/** Flat items of strings. */
export const itemsOf = (rows: readonly string[]): Items => {
  const encoded = rows.map((row) => utf8ToBytes(row))
  const offsets = new Uint32Array(rows.length + 1)
  encoded.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.length))
  return { bytes: concatBytes(...encoded), offsets }
}

/** `count` made-up ids from `from` on. */
export const ids = (from: number, count: number): string[] => Array.from({ length: count }, (_, i) => `id-${from + i}`)

export const seededRng = (seed: string) => (role: string) => createRng(taggedDigest('tallystick/test/v1', seed, role))
