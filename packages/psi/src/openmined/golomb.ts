/**
 * Golomb-coded sets as psi.js has them: ascending numbers as differences, each q zero bits, a one, and the `div` low bits,
 * lowest bit first. Repeated numbers are coded once, but counted in the choice of `div`.
 */
import { TallyError } from '@tallystick/core'

export interface Golomb {
  readonly div: number
  readonly bits: Uint8Array
}

/** The parameter for deltas that are geometric with the mean of these; the order of operations is that of psi.js. */
const divOf = (sorted: BigUint64Array): number => {
  const average = Number(sorted.at(-1)! + 1n) / sorted.length
  // Repeats may bring the mean below 1, where there is no logarithm: psi.js takes 0 there (std::max of 0 and NaN).
  const div = Math.round(-Math.log2(-Math.log2(1 - 1 / average)))
  return div > 0 ? div : 0
}

/** Bits, lowest first, in bytes that grow. */
const bitWriter = () => {
  let bytes = new Uint8Array(1024)
  let length = 0
  return {
    skip(bits: number): void {
      length += bits
      while (length + 128 > 8 * bytes.length) {
        const larger = new Uint8Array(2 * bytes.length)
        larger.set(bytes)
        bytes = larger
      }
    },
    one(): void {
      bytes[length >>> 3]! |= 1 << (length & 7)
      this.skip(1)
    },
    low(value: bigint, bits: number): void {
      for (let i = 0; i < bits; i++, value >>= 1n) {
        if (value & 1n) this.one()
        else this.skip(1)
      }
    },
    end: () => bytes.slice(0, Math.ceil(length / 8)),
  }
}

/** @param sorted ascending, repeats allowed, below 2^63 */
export const encodeGolomb = (sorted: BigUint64Array): Golomb => {
  if (sorted.length === 0) return { div: 0, bits: new Uint8Array() }
  const div = divOf(sorted)
  const writer = bitWriter()
  let previous: bigint | undefined
  for (const value of sorted) {
    if (value === previous) continue
    const delta = value - (previous ?? 0n)
    writer.skip(Number(delta >> BigInt(div)))
    writer.one()
    writer.low(delta, div)
    previous = value
  }
  return { div, bits: writer.end() }
}

/**
 * The numbers, ascending.
 * @throws TallyError decode/truncated, decode/malformed unless it is the coding of distinct numbers below `range`
 */
export const decodeGolomb = ({ div, bits }: Golomb, range: bigint): BigUint64Array => {
  const end = 8 * bits.length
  const bit = (i: number): number => (bits[i >>> 3]! >>> (i & 7)) & 1
  const values: bigint[] = []
  let sum = 0n
  for (let at = 0; ;) {
    const start = at
    while (at < end && bit(at) === 0) at += bits[at >>> 3] === 0 && (at & 7) === 0 ? 8 : 1
    if (at >= end) {
      if (end - start < 8) return BigUint64Array.from(values)
      throw new TallyError('decode/malformed', 'none', 'a Golomb-coded set ends in bytes that code nothing')
    }
    let delta = BigInt(at - start)
    at += 1 + div
    if (at > end) throw new TallyError('decode/truncated', 'none', 'a Golomb-coded set ends within a number')
    for (let i = 1; i <= div; i++) delta = (delta << 1n) | BigInt(bit(at - i))
    sum += delta
    if (sum >= range || (delta === 0n && values.length > 0)) {
      throw new TallyError('decode/malformed', 'none', 'a Golomb-coded set is not of ascending numbers below its range')
    }
    values.push(sum)
  }
}
