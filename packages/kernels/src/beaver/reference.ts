/** References over bigint: the oracle, not for speed. */
import { expand } from '../bits/reference.ts'
import type { BeaverInput, DealInput, Domain, MaskedInput, PairTermsInput } from './kernels.ts'

interface Field {
  readonly plus: (a: bigint, b: bigint) => bigint
  readonly minus: (a: bigint, b: bigint) => bigint
  readonly times: (a: bigint, b: bigint) => bigint
}
const ring: Field = { plus: (a, b) => a + b, minus: (a, b) => a - b, times: (a, b) => a * b }
const bits: Field = { plus: (a, b) => a ^ b, minus: (a, b) => a ^ b, times: (a, b) => a & b }
const fieldOf = (domain: Domain): Field => (domain === 1 ? bits : ring)

/** Bits are words of 32. */
const limbsOf = (domain: Domain): number => Math.max(1, domain / 32)

const elements = (words: Uint32Array, domain: Domain): bigint[] => {
  const limbs = limbsOf(domain)
  return Array.from({ length: words.length / limbs }, (_, i) => {
    let value = 0n
    for (let k = limbs - 1; k >= 0; k--) value = (value << 32n) | BigInt(words[limbs * i + k]!)
    return value
  })
}

const wordsOf = (values: readonly bigint[], domain: Domain): Uint32Array => {
  const limbs = limbsOf(domain)
  const out = new Uint32Array(limbs * values.length)
  values.forEach((value, i) => {
    for (let k = 0; k < limbs; k++) out[limbs * i + k] = Number(BigInt.asUintN(32, value >> BigInt(32 * k)))
  })
  return out
}

export function masked({ x, key, at }: MaskedInput, domain: Domain): Uint32Array {
  const { minus } = fieldOf(domain)
  const stream = elements(expand({ key, at, words: x.length }), domain)
  return wordsOf(
    elements(x, domain).map((value, i) => minus(value, stream[i]!)),
    domain,
  )
}

export function beaver({ d, e, key, a, b, c, first }: BeaverInput, domain: Domain): Uint32Array {
  const { plus, times } = fieldOf(domain)
  const words = d.length
  const stream = (at: number): bigint[] => elements(expand({ key, at, words }), domain)
  const [own, left, right] = [typeof c === 'number' ? stream(c) : elements(c, domain), stream(a), stream(b)]
  const [ds, es] = [elements(d, domain), elements(e, domain)]
  return wordsOf(
    own.map((value, i) => {
      const share = plus(value, plus(times(ds[i]!, right[i]!), times(es[i]!, left[i]!)))
      return first ? plus(share, times(ds[i]!, es[i]!)) : share
    }),
    domain,
  )
}

export function deal({ keys, a, b, c, words, to }: DealInput, domain: Domain): Uint32Array {
  const { plus, minus, times } = fieldOf(domain)
  const sum = (at: number, of: readonly Uint8Array[]): bigint[] =>
    of
      .map((key) => elements(expand({ key, at, words }), domain))
      .reduce(
        (total, part) => total.map((value, i) => plus(value, part[i]!)),
        Array.from({ length: words / limbsOf(domain) }, () => 0n),
      )
  const others = keys.filter((_, i) => i !== to)
  const [left, right, rest] = [sum(a, keys), sum(b, keys), sum(c, others)]
  return wordsOf(
    left.map((value, i) => minus(times(value, right[i]!), rest[i]!)),
    domain,
  )
}

export function pairTerms({ x0, x1, y0, y1, key, at, square }: PairTermsInput, domain: Domain): Uint32Array {
  const { plus, times } = fieldOf(domain)
  const parts = [x0, x1, y0, y1, expand({ key, at, words: x0.length })].map((part) => elements(part, domain))
  const [a, b, c, d, stream] = parts as [bigint[], bigint[], bigint[], bigint[], bigint[]]
  return wordsOf(
    stream.map((mask, i) => {
      const cross = plus(times(a[i]!, d[i]!), times(b[i]!, c[i]!))
      return plus(mask, square ? plus(cross, times(a[i]!, c[i]!)) : cross)
    }),
    domain,
  )
}
