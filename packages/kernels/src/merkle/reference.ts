/** Reference of `merkle/tiles`: noble's SHA-256 and HMAC, row by row. */
import { concatBytes, u32, u64, utf8ToBytes } from '@tallystick/core'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { tileRows, type TilesInput } from './kernels.ts'

const tag = utf8ToBytes('tallystick/row/v1')
/** What every leaf begins with. */
export const leafPrefix = concatBytes(Uint8Array.of(0), u32(tag.length), tag)

/** Pairs level by level, the odd last one up as it is: the tree of RFC 6962, for it splits at a power of two. */
const rootOf = (nodes: readonly Uint8Array[]): Uint8Array => {
  if (nodes.length === 1) return nodes[0]!
  const up: Uint8Array[] = []
  for (let i = 0; i + 1 < nodes.length; i += 2) {
    up.push(sha256(concatBytes(Uint8Array.of(1), nodes[i]!, nodes[i + 1]!)))
  }
  return rootOf(nodes.length % 2 === 0 ? up : [...up, nodes.at(-1)!])
}

export function tiles({ key, first, bytes, offsets }: TilesInput): Uint8Array {
  const rows = offsets.length - 1
  const out = new Uint8Array(32 * Math.ceil(rows / tileRows))
  for (let from = 0; from < rows; from += tileRows) {
    const leaves = Array.from({ length: Math.min(tileRows, rows - from) }, (_, i) => {
      const index = u64(first + from + i)
      const row = bytes.subarray(offsets[from + i], offsets[from + i + 1])
      return sha256(concatBytes(leafPrefix, index, hmac(sha256, key, index), row))
    })
    out.set(rootOf(leaves), (32 * from) / tileRows)
  }
  return out
}
