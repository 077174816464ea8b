/**
 * Changes of a table, and what they do to the hint of an asker. A changed row is sealed anew under the version of its
 * change, so no key stream comes twice; an asker patches its hint by H += difference · A for the slots that changed.
 *
 * Leakage to every asker: how many slots changed and where, which of them keep their row (the tag does not change) and,
 * from the versions, when each was last written. A slot that keeps its tag holds a row. With a fresh tag a row came, went
 * or was replaced: that shows only by what was seen of the slot before, and by its place, as rows take the first free slot
 * of their column. Who once evaluated an id can follow its slot until the key of the OPRF changes, and can still open a deleted row if it kept the old slot:
 * deleting for good takes a new key and a new build.
 */
import { compareBytes, invariant, TallyError, type Rng } from '@tallystick/core'
import { pirPatch } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { evaluate, type Computing, type Items } from '../rfc9497/suite.ts'
import { extendEpochs, sealOf } from '../sealed/epochs.ts'
import { hasTag, outputBytes, rowKeys, sealRows } from '../sealed/row.ts'
import { columnOf, emptySlot, nextVersion, place, rowCount, rowOf, stashOf, type Table } from './build.ts'
import { columnHas, readSlot, writeSlot } from './matrix.ts'
import { secretWords, slotBytesOf, type Shape } from './shape.ts'

/** Rows to be written and ids to be removed; no id in both or twice. */
export interface Changes {
  readonly ids: Items
  readonly values: Items
  readonly removed: Items
}

/** What an asker needs to follow a change: places and byte differences, and the stash as it is now. */
export interface Delta {
  readonly from: number
  readonly to: number
  /** For each changed slot. */
  readonly columns: Uint32Array
  readonly slots: Uint32Array
  /** Changed slots × slot bytes, new less old. */
  readonly differences: Int16Array
  readonly stash: Uint8Array
}

const checkDistinct = ({ ids, removed }: Changes): void => {
  const all = [ids, removed].flatMap((items) => Array.from({ length: rowCount(items) }, (_, i) => rowOf(items, i)))
  const sorted = all.toSorted(compareBytes)
  if (sorted.every((id, i) => i === 0 || compareBytes(sorted[i - 1]!, id) !== 0)) return
  throw new TallyError('input/duplicate', 'self', 'a change names one id twice', {
    remedy: 'name each id once, as written or as removed',
  })
}

/** The slot of a row in its column, or -1. */
const slotOf = (table: Table, column: number, tag: { readonly tag: Uint8Array }): number => {
  const { shape, matrix, occupied } = table
  const width = slotBytesOf(shape)
  for (let slot = 0; slot < shape.slots; slot++) {
    if (occupied[slot * shape.columns + column] === 0) continue
    if (columnHas(matrix, shape, column, slot * width, tag.tag)) return slot
  }
  return -1
}

/**
 * Applies changes to the table; the delta for askers. Ids to be removed that are not there are passed over.
 * @param rng from the operating system, never from what may be put back: 8 bytes for the epoch of this version (and of those
 * that were passed over), then a slot's bytes for each row removed
 * @throws TallyError input/duplicate, input/oversize; the table is as it was before
 */
export function* update(
  ctx: Computing,
  table: Table,
  secretKey: Uint8Array,
  changes: Changes,
  rng: Rng,
): Routine<Delta> {
  checkDistinct(changes)
  const { shape, salt } = table
  const from = table.version
  const to = nextVersion(table)
  const written = yield* evaluate(ctx, changes.ids, secretKey)
  const removed = yield* evaluate(ctx, changes.removed, secretKey)
  const keysOf = (outputs: Uint8Array, i: number) =>
    rowKeys(outputs.subarray(outputBytes * i, outputBytes * (i + 1)), salt)
  // Sealed first: nothing is changed if a value does not fit.
  const keys = Array.from({ length: rowCount(changes.ids) }, (_, i) => keysOf(written, i))
  const values = keys.map((_, i) => rowOf(changes.values, i))
  const epochs = extendEpochs(table.epochs, to, rng)
  const slots = yield* sealRows(ctx, keys, sealOf(epochs, to)!, values, shape.valueBytes)
  const rows = keys.map((key, i) => ({ keys: key, sealed: slots[i]! }))

  const before = new Map<number, Uint8Array>()
  const touch = (column: number, slot: number): void => {
    const at = slot * shape.columns + column
    if (!before.has(at)) before.set(at, readSlot(table.matrix, shape, column, slot))
  }
  let stash = [...table.stash]
  for (let i = 0; i < rowCount(changes.removed); i++) {
    const keys = keysOf(removed, i)
    const column = columnOf(shape, keys)
    const slot = slotOf(table, column, keys)
    stash = stash.filter((sealed) => !hasTag(keys, sealed))
    if (slot < 0) continue
    touch(column, slot)
    writeSlot(table.matrix, shape, column, slot, emptySlot(shape, to, rng))
    table.occupied[slot * shape.columns + column] = 0
  }
  for (const { keys, sealed } of rows) {
    const column = columnOf(shape, keys)
    const slot = slotOf(table, column, keys)
    if (slot >= 0) {
      touch(column, slot)
      writeSlot(table.matrix, shape, column, slot, sealed)
      continue
    }
    const stashed = stash.findIndex((other) => hasTag(keys, other))
    if (stashed >= 0) {
      stash[stashed] = sealed
      continue
    }
    for (let free = 0; free < shape.slots; free++) {
      if (table.occupied[free * shape.columns + column] !== 0) continue
      touch(column, free)
      break
    }
    if (place(table, column, sealed) < 0) stash.push(sealed)
  }
  table.stash = stash
  table.version = to
  table.epochs = epochs
  return deltaOf(table, before, from, to)
}

/** Changed slots by slot, then column, whatever the order of the changes. */
const deltaOf = (table: Table, before: ReadonlyMap<number, Uint8Array>, from: number, to: number): Delta => {
  const { shape, matrix } = table
  const width = slotBytesOf(shape)
  const places = [...before.keys()].sort((a, b) => a - b)
  const differences = new Int16Array(width * places.length)
  places.forEach((at, i) => {
    const now = readSlot(matrix, shape, at % shape.columns, Math.floor(at / shape.columns))
    const old = before.get(at)!
    for (let b = 0; b < width; b++) differences[i * width + b] = now[b]! - old[b]!
  })
  return {
    from,
    to,
    columns: Uint32Array.from(places, (at) => at % shape.columns),
    slots: Uint32Array.from(places, (at) => Math.floor(at / shape.columns)),
    differences,
    stash: stashOf(table),
  }
}

/** Brings a hint from the delta's first version to its last, in place. */
export function* patchHint(
  ctx: Computing,
  shape: Shape,
  a: Uint32Array,
  hint: Uint32Array,
  { columns, slots, differences }: Delta,
): Routine<void> {
  const width = slotBytesOf(shape)
  invariant(differences.length === width * columns.length && slots.length === columns.length, 'a delta is whole slots')
  for (let from = 0; from < slots.length;) {
    let to = from + 1
    while (to < slots.length && slots[to] === slots[from]) to++
    const first = slots[from]! * width * secretWords
    const words = hint.subarray(first, first + width * secretWords)
    const patched = yield* ctx.compute(pirPatch, {
      words,
      inner: secretWords,
      differences: differences.subarray(from * width, to * width),
      matrix: a,
      columns: columns.subarray(from, to),
    })
    hint.set(patched, first)
    from = to
  }
}
