/**
 * Merkle tree of RFC 6962 section 2.1 over leaf hashes, built from left to right in memory of one hash a level, with
 * audit paths. Leaves and inner nodes are hashed under different prefixes (0x00, 0x01), so neither passes as the other.
 * The root does not determine the number of leaves: whoever publishes a root binds the count beside it.
 */
import { invariant } from '@tallystick/core'
import { sha256 } from '@noble/hashes/sha2.js'

/** SHA-256 of parts, one after the other, in one call: noble's everywhere, `node:crypto`'s where there are millions of rows. */
export type Sha256 = (...parts: readonly Uint8Array[]) => Uint8Array

export const portableSha256: Sha256 = (...parts) => {
  const hash = sha256.create()
  for (const part of parts) hash.update(part)
  return hash.digest()
}

export const hashBytes = 32

/** H(0x01 ‖ left ‖ right). */
const hashNode = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  const buffer = new Uint8Array(1 + 2 * hashBytes)
  buffer[0] = 1
  buffer.set(left, 1)
  buffer.set(right, 1 + hashBytes)
  return sha256(buffer)
}

export interface TreeBuilder {
  /** Takes in the next leaf hash. */
  append(leaf: Uint8Array): void
  readonly size: number
  /** Root of the leaves so far; H() of nothing for none. */
  root(): Uint8Array
}

/** Complete subtrees so far, largest first: their sizes are the binary digits of the leaf count. */
export const createTree = (): TreeBuilder => {
  const peaks: Uint8Array[] = []
  let size = 0
  return {
    append(leaf) {
      let node = leaf
      for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) node = hashNode(peaks.pop()!, node)
      peaks.push(node)
      size++
    },
    get size() {
      return size
    },
    root() {
      if (peaks.length === 0) return sha256(new Uint8Array(0))
      return peaks.reduceRight((right, left) => hashNode(left, right))
    },
  }
}

/** Largest power of two below `size`: where RFC 6962 splits a list of `size` ≥ 2 leaves. */
const splitOf = (size: number): number => {
  let split = 1
  while (split * 2 < size) split *= 2
  return split
}

/**
 * The sibling hashes from a leaf up to the root (RFC 6962 section 2.1.1), nearest first.
 * @param range root of leaves [from, to)
 */
export const auditPath = (
  index: number,
  size: number,
  range: (from: number, to: number) => Uint8Array,
): Uint8Array[] => {
  invariant(Number.isInteger(index) && index >= 0 && index < size, 'an audit path is of a leaf in the tree')
  const path: Uint8Array[] = []
  let [from, to] = [0, size]
  while (to - from > 1) {
    const middle = from + splitOf(to - from)
    if (index < middle) {
      path.push(range(middle, to))
      to = middle
    } else {
      path.push(range(from, middle))
      from = middle
    }
  }
  return path.reverse()
}

/** The root that a path of the right length leads to, from the leaf at `index` of `size`; else undefined. */
export const foldPath = (
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined => {
  const siblings: ('left' | 'right')[] = []
  let [from, to] = [0, size]
  while (to - from > 1) {
    const middle = from + splitOf(to - from)
    siblings.unshift(index < middle ? 'right' : 'left')
    if (index < middle) to = middle
    else from = middle
  }
  if (siblings.length !== path.length) return undefined
  return path.reduce(
    (node, sibling, level) => (siblings[level] === 'left' ? hashNode(sibling, node) : hashNode(node, sibling)),
    leaf,
  )
}
