import { encrypt } from '../aes/reference.ts'
import { treeKeys } from '../aes/keys.ts'
import type { GrowInput, GrowOutput, PunctureInput, PunctureOutput } from './kernels.ts'
import { depthOf, widthAt } from './shapes.ts'

const add = (target: Uint8Array, at: number, source: Uint8Array, from: number): void => {
  for (let k = 0; k < 16; k++) target[at + k]! ^= source[from + k]!
}

/** The nodes of the level below, `width` of them. */
function children(nodes: Uint8Array, width: number): Uint8Array {
  const below = new Uint8Array(16 * width)
  const halves = treeKeys.map((key) => encrypt(key, nodes))
  for (let i = 0; i < width; i++) {
    add(below, 16 * i, halves[i & 1]!, 16 * (i >> 1))
    add(below, 16 * i, nodes, 16 * (i >> 1))
  }
  return below
}

export function grow({ roots, leaves }: GrowInput): GrowOutput {
  const trees = roots.length / 16
  const depth = depthOf(leaves)
  const out = { leaves: new Uint8Array(16 * trees * leaves), sums: new Uint8Array(32 * trees * depth) }
  for (let tree = 0; tree < trees; tree++) {
    let nodes: Uint8Array = roots.slice(16 * tree, 16 * tree + 16)
    for (let level = 1; level <= depth; level++) {
      nodes = children(nodes, widthAt(leaves, level))
      for (let i = 0; i < nodes.length / 16; i++) {
        add(out.sums, 32 * (tree * depth + level - 1) + 16 * (i & 1), nodes, 16 * i)
      }
    }
    out.leaves.set(nodes, 16 * tree * leaves)
  }
  return out
}

export function puncture({ points, sums, leaves }: PunctureInput): PunctureOutput {
  const depth = depthOf(leaves)
  const out = { leaves: new Uint8Array(16 * points.length * leaves), totals: new Uint8Array(16 * points.length) }
  points.forEach((point, tree) => {
    let nodes: Uint8Array = new Uint8Array(16)
    for (let level = 1; level <= depth; level++) {
      nodes = children(nodes, widthAt(leaves, level))
      const path = point >> (depth - level)
      const sibling = path ^ 1
      nodes.fill(0, 16 * path, 16 * path + 16)
      if (16 * sibling >= nodes.length) continue
      nodes.fill(0, 16 * sibling, 16 * sibling + 16)
      const known = sums.slice(16 * (tree * depth + level - 1), 16 * (tree * depth + level))
      for (let i = sibling & 1; i < nodes.length / 16; i += 2) add(known, 0, nodes, 16 * i)
      nodes.set(known, 16 * sibling)
    }
    out.leaves.set(nodes, 16 * tree * leaves)
    for (let i = 0; i < leaves; i++) add(out.totals, 16 * tree, nodes, 16 * i)
  })
  return out
}
