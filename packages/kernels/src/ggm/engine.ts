/**
 * `ggm/*`: groups of trees that fit the second-level cache, level by level; each level is two passes of AES over all
 * nodes, which an engine brings (WebAssembly here, OpenSSL in `native/ggm.ts`). `grow` has no branch and no address that
 * depends on a node; `puncture` accesses memory at its secret points: a process on the same core could observe them.
 */
import type { Engine } from '@tallystick/protocol'
import { align, type Arena } from '../arena.ts'
import { treeKeys } from '../aes/keys.ts'
import { type Exports, loadModule, setKey } from '../aes/module.ts'
import type { GrowInput, GrowOutput, PunctureInput, PunctureOutput } from './kernels.ts'
import { checkGrow, checkPuncture, depthOf, widthAt } from './shapes.ts'

/** AES under tree key 0 or 1 of the blocks at an address, to another address. */
export type Encrypt = (exports: Exports, key: 0 | 1, from: number, to: number, blocks: number) => void

/** 1 MiB of leaves. */
const groupLeaves = 65_536
/** 128 KiB. */
const pieceBlocks = 8192

interface Group {
  readonly exports: Exports
  readonly memory: Uint8Array
  /** Where a level's sums are: 2 blocks a tree. */
  readonly sums: number
}

/**
 * Runs trees from … to of a call in groups. `start` writes the group's roots, `level` sees each level with its nodes'
 * address, `finish` the leaves.
 */
function inGroups(
  arena: Arena<Exports>,
  encrypt: Encrypt,
  trees: number,
  leaves: number,
  steps: {
    readonly start: (roots: Uint8Array, from: number) => void
    readonly level: (group: Group, level: number, nodes: number, from: number, to: number) => void
    readonly finish: (leaves: Uint8Array, from: number, group: Group) => void
  },
): void {
  const depth = depthOf(leaves)
  const size = Math.max(1, Math.min(trees, Math.floor(groupLeaves / leaves)))
  const room = [align(16 * size * widthAt(leaves, depth - 1)), align(16 * size * leaves)]
  const sumBytes = 32 * size
  arena.run(room[0]! + room[1]! + sumBytes + 32 * pieceBlocks, (exports, base) => {
    const memory = new Uint8Array(exports.memory.buffer)
    // The levels take turns; the leaves end in the larger place.
    const places = [base, base + room[0]!]
    const sums = base + room[0]! + room[1]!
    const zero = sums + sumBytes
    const one = zero + 16 * pieceBlocks
    const group = { exports, memory, sums }
    setKey(exports, 2, treeKeys[0], zero)
    setKey(exports, 3, treeKeys[1], zero)
    for (let from = 0; from < trees; from += size) {
      const count = Math.min(size, trees - from)
      const placeOf = (level: number): number => places[(depth - level) % 2 === 0 ? 1 : 0]!
      steps.start(memory.subarray(placeOf(0), placeOf(0) + 16 * count), from)
      for (let level = 1; level <= depth; level++) {
        const above = widthAt(leaves, level - 1)
        memory.fill(0, sums, sums + sumBytes)
        for (let first = 0; first < count * above; first += pieceBlocks) {
          const n = Math.min(pieceBlocks, count * above - first)
          const parents = placeOf(level - 1)
          encrypt(exports, 0, parents + 16 * first, zero, n)
          encrypt(exports, 1, parents + 16 * first, one, n)
          exports.grow(parents, zero, one, placeOf(level), sums, above, widthAt(leaves, level), first, n)
        }
        steps.level(group, level, placeOf(level), from, from + count)
      }
      steps.finish(memory.subarray(placeOf(depth), placeOf(depth) + 16 * count * leaves), from, group)
    }
  })
}

export function ggmEngine(arena: Arena<Exports>, encrypt: Encrypt): Engine {
  const grow = (input: GrowInput): GrowOutput => {
    const { roots, leaves } = checkGrow(input)
    const trees = roots.length / 16
    const depth = depthOf(leaves)
    const out = { leaves: new Uint8Array(16 * trees * leaves), sums: new Uint8Array(32 * trees * depth) }
    inGroups(arena, encrypt, trees, leaves, {
      start: (place, from) => place.set(roots.subarray(16 * from, 16 * from + place.length)),
      level({ memory, sums }, level, _nodes, from, to) {
        for (let tree = from; tree < to; tree++) {
          const at = sums + 32 * (tree - from)
          out.sums.set(memory.subarray(at, at + 32), 32 * (tree * depth + level - 1))
        }
      },
      finish: (place, from) => out.leaves.set(place, 16 * from * leaves),
    })
    return out
  }

  const puncture = (input: PunctureInput): PunctureOutput => {
    const { points, sums: given, leaves } = checkPuncture(input)
    const depth = depthOf(leaves)
    const out = { leaves: new Uint8Array(16 * points.length * leaves), totals: new Uint8Array(16 * points.length) }
    inGroups(arena, encrypt, points.length, leaves, {
      start: (place) => place.fill(0),
      level({ exports, memory, sums }, level, nodes, from, to) {
        const width = widthAt(leaves, level)
        for (let tree = from; tree < to; tree++) {
          const path = points[tree]! >> (depth - level)
          const here = nodes + 16 * ((tree - from) * width + path)
          const sibling = nodes + 16 * ((tree - from) * width + (path ^ 1))
          const side = sums + 32 * (tree - from) + 16 * (path & 1)
          // What was grown from a node that is not known is taken out of the sums of both sides.
          exports.add(side, here, 1)
          memory.fill(0, here, here + 16)
          if ((path ^ 1) >= width) continue
          const other = side + (path & 1 ? -16 : 16)
          exports.add(other, sibling, 1)
          const known = given.subarray(16 * (tree * depth + level - 1), 16 * (tree * depth + level))
          for (let k = 0; k < 16; k++) memory[sibling + k] = memory[other + k]! ^ known[k]!
          memory.set(known, other)
        }
      },
      finish(place, from, { exports, memory, sums }) {
        out.leaves.set(place, 16 * from * leaves)
        for (let i = 0; 16 * i * leaves < place.length; i++) {
          exports.add(sums + 32 * i, sums + 32 * i + 16, 1)
          out.totals.set(memory.subarray(sums + 32 * i, sums + 32 * i + 16), 16 * (from + i))
        }
      },
    })
    return out
  }

  return { 'ggm/grow': grow, 'ggm/puncture': puncture }
}

export const loadGgm = async (): Promise<Engine> =>
  ggmEngine(await loadModule(), (exports, key, from, to, blocks) => exports.encrypt(2 + key, from, to, blocks))
