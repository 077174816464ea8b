/**
 * Binary fuse filters, three-wise (Graf and Lemire 2022, doi 10.1145/3510449, algorithms 1 and 2): a static set of tags in
 * 1.125 slots a tag, each as wide as a fingerprint. A tag is 16 bytes, four words w0 … w3 of a pseudorandom function.
 * Its fingerprint is w2 (and w3, where two words are taken); its three slots come from w0 and w1, mixed with a seed and
 * with w2, so that no two different tags have the same slots under every seed. The slots of a tag xor to its fingerprint.
 *
 * A tag outside of the set, uniform, passes with probability 2^-32 (2^-64), whatever the set: its fingerprint is uniform
 * given its slots. The time of building and of asking depends on the tags.
 */
import { TallyError } from '@tallystick/core'

export interface Fuse {
  readonly rows: number
  /** 1 or 2 words of 32 bits a slot. */
  readonly width: 1 | 2
  readonly seed: number
  readonly slots: Uint32Array
}

interface Shape {
  readonly segment: number
  /** Segments that a tag may start in. */
  readonly starts: number
}

/** Sizes of section 4 of the paper, as in the authors' code; a floor of 4 slots a segment. */
export const shapeOf = (rows: number): Shape => {
  const exponent = rows < 2 ? 2 : Math.floor(Math.log(rows) / Math.log(3.33) + 2.25)
  const segment = 2 ** Math.min(18, Math.max(2, exponent))
  const factor = rows < 2 ? 4 : Math.max(1.125, 0.875 + (0.25 * Math.log(1e6)) / Math.log(rows))
  return { segment, starts: Math.max(1, Math.ceil((rows * factor) / segment) - 2) }
}

export const slotCount = (rows: number): number => {
  const { segment, starts } = shapeOf(rows)
  return segment * (starts + 2)
}

/** The finaliser of MurmurHash3: a permutation of 32 bits. */
const mix = (word: number): number => {
  let h = word
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** The first of the three slots of a tag, then the offsets of the others, written into `at`. */
const locate = (tags: Uint32Array, row: number, seed: number, { segment, starts }: Shape, at: Uint32Array): void => {
  const salt = mix(seed ^ tags[4 * row + 2]!)
  const low = mix(tags[4 * row]! ^ salt)
  const high = mix(tags[4 * row + 1]! ^ mix(salt ^ 0x9e3779b9))
  const other = mix(low ^ Math.imul(high, 0x9e3779b1))
  // ⌊high · range / 2^32⌋ without leaving 53 bits.
  const range = starts * segment
  const first = Math.floor(((high >>> 16) * range + Math.floor(((high & 0xffff) * range) / 65_536)) / 65_536)
  at[0] = first
  at[1] = (first + segment) ^ (low & (segment - 1))
  at[2] = (first + 2 * segment) ^ (other & (segment - 1))
}

const wordsOf = (tags: Uint8Array): Uint32Array => {
  const aligned = tags.byteOffset % 4 === 0 ? tags : new Uint8Array(tags)
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4)
}

/** Tags in the order in which peeling took them, with the slot that each was alone in; undefined where it got stuck. */
const peel = (tags: Uint32Array, seed: number, shape: Shape, slots: number) => {
  const rows = tags.length / 4
  const counts = new Uint8Array(slots)
  const sums = new Uint32Array(slots)
  const at = new Uint32Array(3)
  for (let row = 0; row < rows; row++) {
    locate(tags, row, seed, shape, at)
    for (const slot of at) {
      if (counts[slot] === 255) return undefined
      counts[slot]!++
      sums[slot]! ^= row
    }
  }
  const order = new Uint32Array(rows)
  const alone = new Uint32Array(rows)
  const queue = new Uint32Array(slots)
  let [taken, head] = [0, 0]
  for (let slot = 0; slot < slots; slot++) if (counts[slot] === 1) queue[head++] = slot
  while (head > 0) {
    const slot = queue[--head]!
    if (counts[slot] !== 1) continue
    const row = sums[slot]!
    order[taken] = row
    alone[taken++] = slot
    locate(tags, row, seed, shape, at)
    for (const other of at) {
      counts[other]!--
      sums[other]! ^= row
      if (counts[other] === 1) queue[head++] = other
    }
  }
  return taken === rows ? { order, alone } : undefined
}

/** How many seeds are tried; each fails with a probability of about 1 % or less for distinct tags. */
const attempts = 64

/**
 * @param tags rows of 16 bytes, distinct
 * @throws TallyError input/duplicate where no seed does it: two tags are equal
 */
export const buildFuse = (tags: Uint8Array, width: 1 | 2): Fuse => {
  const words = wordsOf(tags)
  const rows = words.length / 4
  const shape = shapeOf(rows)
  const size = slotCount(rows)
  for (let seed = 0; seed < attempts; seed++) {
    const peeled = peel(words, seed, shape, size)
    if (peeled === undefined) continue
    const slots = new Uint32Array(width * size)
    const at = new Uint32Array(3)
    for (let i = rows - 1; i >= 0; i--) {
      const row = peeled.order[i]!
      const own = peeled.alone[i]!
      locate(words, row, seed, shape, at)
      for (let word = 0; word < width; word++) {
        let value = words[4 * row + 2 + word]!
        for (const slot of at) if (slot !== own) value ^= slots[width * slot + word]!
        slots[width * own + word] = value
      }
    }
    return { rows, width, seed, slots }
  }
  throw new TallyError(
    'input/duplicate',
    'self',
    `no filter over ${rows} tags after ${attempts} seeds: some are equal`,
    {
      remedy: 'prepare the list again; its ids must be distinct',
    },
  )
}

/** For each tag of 16 bytes whether the filter has it, up to its rate of false positives. */
export const inFuse = ({ rows, width, seed, slots }: Fuse, tags: Uint8Array): boolean[] => {
  const words = wordsOf(tags)
  const shape = shapeOf(rows)
  const at = new Uint32Array(3)
  return Array.from({ length: words.length / 4 }, (_, row) => {
    if (rows === 0) return false
    locate(words, row, seed, shape, at)
    for (let word = 0; word < width; word++) {
      const value = slots[width * at[0]! + word]! ^ slots[width * at[1]! + word]! ^ slots[width * at[2]! + word]!
      if ((value ^ words[4 * row + 2 + word]!) !== 0) return false
    }
    return true
  })
}
