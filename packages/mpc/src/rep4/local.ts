/** What every party does on its components, without a message; public values are component 0. */
import { TallyError } from '@tallystick/core'
import type { Arithmetic, Bits, Ring } from '../backend.ts'
import { localOperations as onePart, openBits as openBitsPart, openPart } from '../semi2k/local.ts'
import { arithmetic as part, bits as bitsPart } from '../semi2k/party.ts'
import type { LocalCalls } from '../tally.ts'
import { arithmetic, bits, indices, type Index, type Rep4Arithmetic, type Rep4Bits } from './party.ts'

const misuse = (): TallyError => new TallyError('api/misuse', 'self', 'expected a share of this backend')

export const openParts = <R extends Ring>(x: Arithmetic<R>): Rep4Arithmetic<R> => {
  if (!('parts' in x)) throw misuse()
  return x as Rep4Arithmetic<R>
}
export const openBits = (x: Bits): Rep4Bits => {
  if (!('parts' in x)) throw misuse()
  return x as Rep4Bits
}

/** A component is an additive share of which only the first one carries public values. */
const [first, others] = [onePart(0), onePart(1)]

export const localOperations = (index: Index): LocalCalls => {
  const each = <T>(f: (local: LocalCalls, m: Index) => T): (T | undefined)[] =>
    indices.map((m) => (m === index ? undefined : f(m === 0 ? first : others, m)))
  const number = <R extends Ring>(f: (local: LocalCalls, m: Index) => Arithmetic<R>): Arithmetic<R> => {
    const parts = each(f).map((share) => share && openPart(share))
    return arithmetic(
      parts.find((share) => share !== undefined)!.ring,
      parts.map((share) => share?.part),
    )
  }
  const planes = (f: (local: LocalCalls, m: Index) => Bits): Bits => {
    const parts = each(f).map((share) => share && openBitsPart(share))
    const { width, length } = parts.find((share) => share !== undefined)!
    return bits(
      width,
      length,
      parts.map((share) => share?.part),
    )
  }
  const at = <R extends Ring>(x: Arithmetic<R>, m: Index): Arithmetic<R> => part(x.ring, openParts(x).parts[m]!)
  const bitsAt = (x: Bits, m: Index): Bits => bitsPart(x.width, x.length, openBits(x).parts[m]!)
  return {
    constant: (ring, values) => number((local) => local.constant(ring, values)),
    add: (x, y) => number((local, m) => local.add(at(x, m), at(y, m))),
    subtract: (x, y) => number((local, m) => local.subtract(at(x, m), at(y, m))),
    negate: (x) => number((local, m) => local.negate(at(x, m))),
    shift: (x, by) => number((local, m) => local.shift(at(x, m), by)),
    scale: (x, factor) => number((local, m) => local.scale(at(x, m), factor)),
    weigh: (x, factors) => number((local, m) => local.weigh(at(x, m), factors)),
    sum: (x, every) => number((local, m) => local.sum(at(x, m), every)),
    prefixSum: (x) => number((local, m) => local.prefixSum(at(x, m))),
    concat: (...all) => number((local, m) => local.concat(...all.map((x) => at(x, m)))),
    slice: (x, from, to) => number((local, m) => local.slice(at(x, m), from, to)),
    gather: (x, order) => number((local, m) => local.gather(at(x, m), order)),
    low: (x) => number((local, m) => local.low(at(x, m))),
    constantBits: (width, length, values) => planes((local) => local.constantBits(width, length, values)),
    xor: (x, y) => planes((local, m) => local.xor(bitsAt(x, m), bitsAt(y, m))),
    not: (x) => planes((local, m) => local.not(bitsAt(x, m))),
    planes: (x, order) => planes((local, m) => local.planes(bitsAt(x, m), order)),
    stack: (...all) => planes((local, m) => local.stack(...all.map((x) => bitsAt(x, m)))),
  }
}
