/** Reference of `merkle/tiles`: noble's SHA-256 and HMAC, row by row. The same by other implementations of the two. */
import { concatBytes, u32, u64, utf8ToBytes } from '@tallystick/core'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { tileRows, type TilesInput } from './kernels.ts'

const tag = utf8ToBytes('tallystick/row/v1')
/** What every leaf begins with. */
export const leafPrefix = concatBytes(Uint8Array.of(0), u32(tag.length), tag)

/** Of the parts, one after the other. */
export type Hash = (...parts: readonly Uint8Array[]) => Uint8Array
export type Mac = (key: Uint8Array, bytes: Uint8Array) => Uint8Array

/** Pairs level by level, the odd last one up as it is: the tree of RFC 6962, for it splits at a power of two. */
const rootOf = (nodes: readonly Uint8Array[], sha256: Hash): Uint8Array => {
  if (nodes.length === 1) return nodes[0]!
  const up: Uint8Array[] = []
  for (let i = 0; i + 1 < nodes.length; i += 2) {
    up.push(sha256(Uint8Array.of(1), nodes[i]!, nodes[i + 1]!))
  }
  return rootOf(nodes.length % 2 === 0 ? up : [...up, nodes.at(-1)!], sha256)
}

export function tilesBy(sha256: Hash, hmac: Mac, { key, first, bytes, offsets }: TilesInput): Uint8Array {
  const rows = offsets.length - 1
  const out = new Uint8Array(32 * Math.ceil(rows / tileRows))
  for (let from = 0; from < rows; from += tileRows) {
    const leaves = Array.from({ length: Math.min(tileRows, rows - from) }, (_, i) => {
      const index = u64(first + from + i)
      const row = bytes.subarray(offsets[from + i], offsets[from + i + 1])
      return sha256(leafPrefix, index, hmac(key, index), row)
    })
    out.set(rootOf(leaves, sha256), (32 * from) / tileRows)
  }
  return out
}

export const tiles = (input: TilesInput): Uint8Array =>
  tilesBy(
    (...parts) => nobleSha256(concatBytes(...parts)),
    (key, bytes) => hmac(nobleSha256, key, bytes),
    input,
  )
