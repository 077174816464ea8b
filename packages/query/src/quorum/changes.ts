/**
 * Changes of a table of members. The table stays as it is; beside it stands a small one of the ids whose membership differs
 * from it, made anew for each version under a salt and a key of its own. Who is in one of the two, and not in both, is on
 * the list. An asker downloads the small table and keeps the large one.
 *
 * Why not change cells. Where a row may stand follows from its id and a public salt, as the asker must find its cells by
 * itself. Of a delta that names changed cells an asker would learn of any id that it can guess that it did *not* come or go
 * (none of its cells changed), and at 1000 changes of a million rows it would have those that did among one in 400.
 * Cuckoo hashing moves rows besides: an element that leaves one cell for another names two cells of its row, which is one id
 * of 10^11. A table under a fresh salt and key is a vector of random elements (decisional Diffie-Hellman) as any is, and
 * two of them say nothing of what they share.
 *
 * Leakage to every asker: the capacity of the small table, a power of two that never shrinks while the large table stays,
 * and that there is a new version. Not: which ids, whether they came or went, how many exactly. The asker together with
 * holder-1, who must not collude, see of ids that were asked in which of the two tables they are, hence whether they
 * came or went since the large one was made.
 */
import { compareBytes, concatBytes, equalBytes, TallyError } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import type { Computing, Items, KeyPair } from '../rfc9497/suite.ts'
import { candidates, cellBytes, memberElements, pickCells } from './table.ts'

const leastCapacity = 64

/** Rows that a table of changes has room for. @param before of the version before */
export const changesCapacity = (rows: number, before = leastCapacity): number =>
  Math.max(leastCapacity, before, 2 ** Math.ceil(Math.log2(Math.max(1, rows))))

const textsOf = ({ bytes, offsets }: Items): readonly Uint8Array[] =>
  Array.from({ length: offsets.length - 1 }, (_, i) => bytes.subarray(offsets[i], offsets[i + 1]))

const itemsOf = (texts: readonly Uint8Array[]): Items => {
  const offsets = new Uint32Array(texts.length + 1)
  texts.forEach((text, i) => (offsets[i + 1] = offsets[i]! + text.length))
  return { bytes: concatBytes(...texts), offsets }
}

/** For each id whether it stands in the table; by the holder, with the key. */
export function* areMembers(
  ctx: Computing,
  table: { readonly salt: Uint8Array; readonly rows: number; readonly cells: Uint8Array },
  keyPair: Pick<KeyPair, 'secretKey'>,
  ids: Items,
): Routine<readonly boolean[]> {
  const elements = yield* memberElements(ctx, keyPair, ids, 0, ids.offsets.length - 1)
  const cells = yield* pickCells(ctx, table, ids)
  return Array.from({ length: ids.offsets.length - 1 }, (_, i) => {
    const own = elements.subarray(cellBytes * i, cellBytes * (i + 1))
    return Array.from({ length: candidates }, (_, k) => cellBytes * (candidates * i + k)).some((at) =>
      equalBytes(own, cells.subarray(at, at + cellBytes)),
    )
  })
}

/**
 * The ids whose membership differs from the large table, ascending.
 * @param differing those of the version before
 * @param added ids that are on the list now, whether or not they were; @param removed ids that are not
 * @throws TallyError input/duplicate for an id that is named twice
 */
export function* differingAfter(
  ctx: Computing,
  table: { readonly salt: Uint8Array; readonly rows: number; readonly cells: Uint8Array },
  keyPair: Pick<KeyPair, 'secretKey'>,
  differing: Items,
  { added, removed }: { readonly added: Items; readonly removed: Items },
): Routine<Items> {
  const named = [...textsOf(added), ...textsOf(removed)]
  const ids = itemsOf(named)
  const inTable = yield* areMembers(ctx, table, keyPair, ids)
  const comings = added.offsets.length - 1
  // Of each id that is named now or was before: whether it differs. What is named now comes first and counts.
  const all = [
    ...named.map((id, i) => ({ id, differs: inTable[i] !== i < comings, now: true })),
    ...textsOf(differing).map((id) => ({ id, differs: true, now: false })),
  ].toSorted((a, b) => compareBytes(a.id, b.id) || Number(b.now) - Number(a.now))
  const same = (i: number): boolean => i > 0 && equalBytes(all[i]!.id, all[i - 1]!.id)
  if (all.some(({ now }, i) => now && same(i))) {
    throw new TallyError('input/duplicate', 'self', 'a change names one id twice', {
      remedy: 'name each id once, as new or as removed',
    })
  }
  return itemsOf(all.filter(({ differs }, i) => differs && !same(i)).map(({ id }) => id))
}
