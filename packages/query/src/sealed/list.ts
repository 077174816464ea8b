/** A list of sealed rows, ascending by tag and slot: what is shipped whole, small lists and the stash of a large one. */
import { compareBytes, taggedDigest, TallyError, toHex, type Hex } from '@tallystick/core'
import { splitEpochs, withEpochs, type Epochs } from './epochs.ts'
import { hasTag, openRow, tagBytes, type RowKeys } from './row.ts'

/** Epochs, then the rows, sorted: the order says nothing of when or how a row came to the list. */
export const sealedList = (epochs: Epochs, slots: readonly Uint8Array[]): Uint8Array => {
  const sorted = slots.toSorted(compareBytes)
  const out = new Uint8Array(sorted.reduce((sum, slot) => sum + slot.length, 0))
  let at = 0
  for (const slot of sorted) {
    out.set(slot, at)
    at += slot.length
  }
  return withEpochs(epochs, out)
}

/** A list as it is looked up in. */
export interface SealedList {
  readonly epochs: Epochs
  readonly rows: Uint8Array
  readonly slotBytes: number
}

/** @throws TallyError input/malformed */
export const readList = (list: Uint8Array, slotBytes: number): SealedList => ({
  ...splitEpochs(list, slotBytes),
  slotBytes,
})

export const listDigest = (list: Uint8Array): Hex => toHex(taggedDigest('tallystick/query/list/v1', list))

/**
 * The list that the terms name.
 * @throws TallyError input/changed, input/malformed
 */
export const checkList = (list: Uint8Array, digest: Hex, slotBytes: number): SealedList => {
  if (listDigest(list) === digest) return readList(list, slotBytes)
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
  { slotBytes, epochs }: Pick<SealedList, 'slotBytes' | 'epochs'>,
  slotAt: (i: number) => Uint8Array,
): Answer => {
  let match: Uint8Array | undefined
  for (let i = from; i < to; i++) {
    const slot = slotAt(i)
    if (hasTag(keys, slot)) match ??= slot
  }
  const value = openRow(keys, match ?? new Uint8Array(slotBytes), epochs)
  if (match === undefined) return { status: 'absent' }
  return value === undefined ? { status: 'spoiled' } : { status: 'found', value }
}

/** The row of the keys in a sorted list, by binary search for its tag. */
export const answerInList = (keys: RowKeys, list: SealedList): Answer => {
  const { rows: bytes, slotBytes } = list
  const rows = bytes.length / slotBytes
  const tagAt = (i: number): Uint8Array => bytes.subarray(i * slotBytes, i * slotBytes + tagBytes)
  let low = 0
  for (let high = rows; low < high;) {
    const middle = (low + high) >>> 1
    if (compareBytes(tagAt(middle), keys.tag) < 0) low = middle + 1
    else high = middle
  }
  let end = low
  while (end < rows && compareBytes(tagAt(end), keys.tag) === 0) end++
  return answerAmong(keys, low, end, list, (i) => bytes.subarray(i * slotBytes, (i + 1) * slotBytes))
}
