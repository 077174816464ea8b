/** A list of sealed rows, ascending by tag and slot: what is shipped whole, small lists and the stash of a large one. */
import { compareBytes, invariant, taggedDigest, TallyError, toHex, type Hex } from '@tallystick/core'
import { hasTag, openRow, tagBytes, type RowKeys } from './row.ts'

/** Sorted: the order says nothing of when or how a row came to the list. */
export const sealedList = (slots: readonly Uint8Array[]): Uint8Array => {
  const sorted = slots.toSorted(compareBytes)
  const out = new Uint8Array(sorted.reduce((sum, slot) => sum + slot.length, 0))
  let at = 0
  for (const slot of sorted) {
    out.set(slot, at)
    at += slot.length
  }
  return out
}

export const listDigest = (list: Uint8Array): Hex => toHex(taggedDigest('tallystick/query/list/v1', list))

/**
 * Whether this is the list that the terms name.
 * @throws TallyError input/changed
 */
export const checkList = (list: Uint8Array, digest: Hex, slotBytes: number): void => {
  if (list.length % slotBytes === 0 && listDigest(list) === digest) return
  throw new TallyError('input/changed', 'self', 'the sealed rows on this side are not those that the terms name', {
    remedy: 'fetch the version of the list that the terms name, or agree on terms for this one',
  })
}

/** What an id comes to: its row, none, or one that does not open. */
export type Answer =
  | { readonly status: 'found'; readonly value: Uint8Array }
  | { readonly status: 'absent' }
  | { readonly status: 'spoiled' }

/**
 * The row of the keys among slots at positions `from` to `to`; `slotAt` copies a slot out. The first slot with the tag
 * counts. One slot is opened whatever is found, one of zeros if need be, so that this takes as long for an id that is absent.
 */
export const answerAmong = (
  keys: RowKeys,
  from: number,
  to: number,
  slotBytes: number,
  slotAt: (i: number) => Uint8Array,
): Answer => {
  let match: Uint8Array | undefined
  for (let i = from; i < to; i++) {
    const slot = slotAt(i)
    if (hasTag(keys, slot)) match ??= slot
  }
  const value = openRow(keys, match ?? new Uint8Array(slotBytes))
  if (match === undefined) return { status: 'absent' }
  return value === undefined ? { status: 'spoiled' } : { status: 'found', value }
}

/** The row of the keys in a sorted list, by binary search for its tag. */
export const answerInList = (keys: RowKeys, list: Uint8Array, slotBytes: number): Answer => {
  invariant(list.length % slotBytes === 0, 'a list is whole slots')
  const rows = list.length / slotBytes
  const tagAt = (i: number): Uint8Array => list.subarray(i * slotBytes, i * slotBytes + tagBytes)
  let low = 0
  for (let high = rows; low < high;) {
    const middle = (low + high) >>> 1
    if (compareBytes(tagAt(middle), keys.tag) < 0) low = middle + 1
    else high = middle
  }
  let end = low
  while (end < rows && compareBytes(tagAt(end), keys.tag) === 0) end++
  return answerAmong(keys, low, end, slotBytes, (i) => list.subarray(i * slotBytes, (i + 1) * slotBytes))
}
