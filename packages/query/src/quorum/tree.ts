/**
 * A Merkle tree over the cells of a table of members, so that an auditor sees that the cells which an asker entered are those
 * of the table that the terms name: without it an asker could enter others unseen, and ask one holder alone.
 *
 * A leaf is 8 cells. Nodes stand level by level, leaves first; a node without a sibling is paired with zeros. An opening of a
 * cell is its place (4) ‖ its leaf (256) ‖ the siblings on the way up (32 each).
 */
import { concatBytes, equalBytes, fromHex, readU32, taggedDigest, toHex, u32, type Hex } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import type { Computing, Items } from '../rfc9497/suite.ts'
import { cellBytes, cellsFor, cellsOf } from './table.ts'

const leafCells = 8
export const leafBytes = leafCells * cellBytes
const nodeBytes = 32
const none = new Uint8Array(nodeBytes)

const leafOf = (cells: Uint8Array): Uint8Array => taggedDigest('tallystick/query/members/leaf/v1', cells)
const nodeOf = (left: Uint8Array, right: Uint8Array): Uint8Array =>
  taggedDigest('tallystick/query/members/node/v1', left, right)
const rootOf = (rows: number, top: Uint8Array): Hex =>
  toHex(taggedDigest('tallystick/query/members/v1', u32(rows), top))

/** Nodes of each level of the tree of a table of `rows` rows. */
const levelsFor = (rows: number): readonly number[] => {
  let count = Math.ceil(cellsFor(rows) / leafCells)
  const levels = [count]
  while (count > 1) {
    count = Math.ceil(count / 2)
    levels.push(count)
  }
  return levels
}

export const openingBytes = (rows: number): number => 4 + leafBytes + nodeBytes * (levelsFor(rows).length - 1)

/** Leaf `i`, filled up with zeros. */
const leafAt = (cells: Uint8Array, i: number): Uint8Array => {
  const leaf = new Uint8Array(leafBytes)
  leaf.set(cells.subarray(leafBytes * i, leafBytes * (i + 1)))
  return leaf
}

/** All nodes, and the root that terms name. */
export const makeTree = (rows: number, cells: Uint8Array): { readonly nodes: Uint8Array; readonly root: Hex } => {
  const levels = levelsFor(rows)
  const nodes = new Uint8Array(nodeBytes * levels.reduce((sum, count) => sum + count, 0))
  for (let i = 0; i < levels[0]!; i++) nodes.set(leafOf(leafAt(cells, i)), nodeBytes * i)
  let below = 0
  for (let level = 1; level < levels.length; level++) {
    const [wide, start] = [levels[level - 1]!, below + levels[level - 1]!]
    const at = (i: number): Uint8Array =>
      i < wide ? nodes.subarray(nodeBytes * (below + i), nodeBytes * (below + i + 1)) : none
    for (let i = 0; i < levels[level]!; i++) nodes.set(nodeOf(at(2 * i), at(2 * i + 1)), nodeBytes * (start + i))
    below = start
  }
  return { nodes, root: rootOf(rows, nodes.subarray(nodeBytes * below)) }
}

/** Reads `length` bytes at a position. */
export type Reader = (position: number, length: number) => Uint8Array

/** The opening of the cell at `place`, from the files of a table. */
const openCell = (rows: number, cells: Reader, nodes: Reader, place: number): Uint8Array => {
  const levels = levelsFor(rows)
  let index = Math.floor(place / leafCells)
  const position = leafBytes * index
  const leaf = new Uint8Array(leafBytes)
  leaf.set(cells(position, Math.min(leafBytes, cellBytes * cellsFor(rows) - position)))
  const path: Uint8Array[] = []
  let start = 0
  for (const count of levels.slice(0, -1)) {
    const sibling = index ^ 1
    path.push(sibling < count ? nodes(nodeBytes * (start + sibling), nodeBytes) : none)
    start += count
    index >>= 1
  }
  return concatBytes(u32(place), leaf, ...path)
}

/** The openings of the cells of all ids, one after the other: what an asker commits to. */
export function* openCells(
  ctx: Computing,
  { salt, rows }: { readonly salt: Uint8Array; readonly rows: number },
  ids: Items,
  cells: Reader,
  nodes: Reader,
): Routine<Uint8Array> {
  const places = yield* cellsOf(ctx, salt, rows, ids)
  const size = openingBytes(rows)
  const out = new Uint8Array(size * places.length)
  places.forEach((place, i) => out.set(openCell(rows, cells, nodes, place), size * i))
  return out
}

/** The cell that an opening shows; any where it is none. */
export const cellIn = (opening: Uint8Array): Uint8Array => {
  const at = 4 + cellBytes * (readU32(opening) % leafCells)
  return opening.subarray(at, at + cellBytes)
}

/** Whether this opens the cell at `place` of the table with this root. */
export const isOpening = (rows: number, root: Hex, place: number, opening: Uint8Array): boolean => {
  if (opening.length !== openingBytes(rows) || readU32(opening) !== place) return false
  let index = Math.floor(place / leafCells)
  let node = leafOf(opening.subarray(4, 4 + leafBytes))
  for (let at = 4 + leafBytes; at < opening.length; at += nodeBytes, index >>= 1) {
    const sibling = opening.subarray(at, at + nodeBytes)
    node = index & 1 ? nodeOf(sibling, node) : nodeOf(node, sibling)
  }
  return equalBytes(fromHex(rootOf(rows, node)), fromHex(root, nodeBytes))
}
