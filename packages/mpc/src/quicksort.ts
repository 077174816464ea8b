/**
 * The public side of a quicksort on comparisons that somebody else answers: which places to compare next, and the order
 * in the end. All runs of a level are compared at once; runs of at most six are finished by comparing all pairs.
 */

/** Runs that are compared pair by pair once no longer run is left. */
const small = 6

export interface Quicksort {
  /** Pairs of places to compare, or undefined when all is sorted. */
  next(): { readonly left: Uint32Array; readonly right: Uint32Array } | undefined
  /** Bit i of the answer: whether the key at left[i] is less than the key at right[i]. */
  answer(bits: Uint32Array): void
  /** Places in ascending order of keys. */
  readonly order: Uint32Array
}

/** `places`, ascending, are those of the result that matter: runs without any are left as they are. */
export const quicksort = (length: number, places?: readonly number[]): Quicksort => {
  const order = Uint32Array.from({ length }, (_, i) => i)
  const spare = new Uint32Array(length)
  /** Runs as pairs [from, to). */
  let long: number[] = length > small ? [0, length] : []
  const short: number[] = length > 1 && length <= small ? [0, length] : []
  let stage: 'long' | 'short' | 'done' = 'long'

  const longPairs = () => {
    let count = 0
    for (let r = 0; r < long.length; r += 2) count += long[r + 1]! - long[r]! - 1
    const [left, right] = [new Uint32Array(count), new Uint32Array(count)]
    let at = 0
    for (let r = 0; r < long.length; r += 2) {
      const pivot = order[long[r]!]!
      for (let k = long[r]! + 1; k < long[r + 1]!; k++) {
        left[at] = order[k]!
        right[at++] = pivot
      }
    }
    return { left, right }
  }
  const shortPairs = () => {
    const left: number[] = []
    const right: number[] = []
    for (let r = 0; r < short.length; r += 2) {
      for (let a = short[r]!; a < short[r + 1]!; a++) {
        for (let b = a + 1; b < short[r + 1]!; b++) {
          left.push(order[a]!)
          right.push(order[b]!)
        }
      }
    }
    return { left: Uint32Array.from(left), right: Uint32Array.from(right) }
  }
  const wanted = (from: number, to: number): boolean => {
    if (places === undefined) return true
    let [low, high] = [0, places.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (places[middle]! < from) low = middle + 1
      else high = middle
    }
    return low < places.length && places[low]! < to
  }
  const bitAt = (bits: Uint32Array, i: number): number => (bits[i >>> 5]! >>> (i & 31)) & 1

  const partition = (bits: Uint32Array): void => {
    const runs: number[] = []
    const add = (from: number, to: number): void => {
      if (!wanted(from, to)) return
      if (to - from > small) runs.push(from, to)
      else if (to - from > 1) short.push(from, to)
    }
    let at = 0
    for (let r = 0; r < long.length; r += 2) {
      const [from, to] = [long[r]!, long[r + 1]!]
      const pivot = order[from]!
      let [low, high] = [from, to]
      for (let k = from + 1; k < to; k++) {
        if (bitAt(bits, at++) === 1) spare[low++] = order[k]!
        else spare[--high] = order[k]!
      }
      spare[low] = pivot
      order.set(spare.subarray(from, to), from)
      add(from, low)
      add(low + 1, to)
    }
    long = runs
  }
  const finish = (bits: Uint32Array): void => {
    let at = 0
    for (let r = 0; r < short.length; r += 2) {
      const [from, to] = [short[r]!, short[r + 1]!]
      const ranks = new Uint32Array(to - from)
      for (let a = 0; a < ranks.length; a++) {
        for (let b = a + 1; b < ranks.length; b++) ranks[bitAt(bits, at++) === 1 ? b : a]!++
      }
      const run = order.slice(from, to)
      ranks.forEach((rank, a) => (order[from + rank] = run[a]!))
    }
  }
  return {
    order,
    next() {
      if (stage === 'long' && long.length === 0) stage = 'short'
      if (stage === 'long') return longPairs()
      if (stage === 'short' && short.length > 0) return shortPairs()
      return undefined
    },
    answer(bits) {
      if (stage === 'long') return partition(bits)
      finish(bits)
      stage = 'done'
    },
  }
}

/**
 * Levels that are exceeded with probability below 2^-40: the height of a random binary search tree is at least k with
 * probability at most (1/n)(2e ln n / k)^k for k > 2 ln n (Devroye, JACM 33, 1986, theorem 3.1's proof), and never
 * above n.
 */
export const levelBound = (length: number): number => {
  if (length <= small) return 0
  const log = Math.log(length)
  for (let k = Math.ceil(2 * log); k < length; k++) {
    if (k * Math.log((2 * Math.E * log) / k) - log < -40 * Math.LN2) return k
  }
  return length
}

/** What is expected over random orders: pairs compared, in how many levels (4.31 ln n at most, the last one included). */
export const expectedComparisons = (length: number): { readonly pairs: number; readonly levels: number } => {
  if (length < 2) return { pairs: 0, levels: 1 }
  const counts = new Float64Array(length + 1)
  let sum = 0
  for (let n = 1; n <= length; n++) {
    counts[n] = n <= small ? (n * (n - 1)) / 2 : n - 1 + (2 / n) * sum
    sum += counts[n]!
  }
  const levels = length <= small ? 1 : 1 + Math.ceil(4.311 * Math.log(length / small) + 1)
  return { pairs: counts[length]!, levels }
}
