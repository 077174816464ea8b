/**
 * Adders, subtraction, comparison and selection. `size` spends as few AND gates as it can, `depth` as few rounds.
 */
import { misuse } from '../circuit.ts'
import { one, zero, type Builder, type Wire, type Word } from '../builder.ts'

/** What to spend little of: AND gates, or AND gates on a path. */
export type Aim = 'size' | 'depth'

const sameWidth = (x: Word, y: Word): void => {
  if (x.length !== y.length) throw misuse(`expected words of one width, found ${x.length} and ${y.length} bits`)
}

export const constant = (value: bigint, width: number): Word =>
  Array.from({ length: width }, (_, i) => ((value >> BigInt(i)) & 1n ? one : zero))

export const not = (b: Builder, x: Word): Word => x.map((bit) => b.not(bit))
export const xor = (b: Builder, x: Word, y: Word): Word => {
  sameWidth(x, y)
  return x.map((bit, i) => b.xor(bit, y[i]!))
}
export const and = (b: Builder, x: Word, y: Word): Word => {
  sameWidth(x, y)
  return x.map((bit, i) => b.and(bit, y[i]!))
}
/** `x` where the choice is 1, else `y`. */
export const mux = (b: Builder, choice: Wire, x: Word, y: Word): Word => {
  sameWidth(x, y)
  return x.map((bit, i) => b.mux(choice, bit, y[i]!))
}

/** Carries into every place and out of the last: one AND gate a bit, c' = ((a ⊕ c)(b ⊕ c)) ⊕ c. */
const rippleCarries = (b: Builder, x: Word, y: Word, carry: Wire): Word => {
  const carries = [carry]
  x.forEach((bit, i) => {
    const c = carries[i]!
    carries.push(b.xor(b.and(b.xor(bit, c), b.xor(y[i]!, c)), c))
  })
  return carries
}

/** The same by Sklansky's prefix tree (1960): ⌈log2 n⌉ + 1 deep. */
const prefixCarries = (b: Builder, x: Word, y: Word, carry: Wire): Word => {
  const propagate = [...xor(b, x, y)]
  const generate = [...and(b, x, y)]
  // The carry enters as a generate of place 0: x_0 + y_0 + c carries where two of the three do.
  if (x.length > 0) generate[0] = b.xor(generate[0]!, b.and(propagate[0]!, carry))
  for (let size = 1; size < x.length; size *= 2) {
    for (let i = 0; i < x.length; i++) {
      if ((i & size) === 0) continue
      const below = (i | (size - 1)) - size
      // Generate and propagate exclude each other, so OR is XOR.
      generate[i] = b.xor(generate[i]!, b.and(propagate[i]!, generate[below]!))
      propagate[i] = b.and(propagate[i]!, propagate[below]!)
    }
  }
  return [carry, ...generate]
}

const carriesOf = (b: Builder, x: Word, y: Word, carry: Wire, aim: Aim): Word => {
  sameWidth(x, y)
  return aim === 'size' ? rippleCarries(b, x, y, carry) : prefixCarries(b, x, y, carry)
}

/** x + y + carry with one more bit for the carry out; a carry that is not used costs nothing. */
export const addWide = (b: Builder, x: Word, y: Word, aim: Aim, carry: Wire = zero): Word => {
  const carries = carriesOf(b, x, y, carry, aim)
  return [...x.map((bit, i) => b.xor(b.xor(bit, y[i]!), carries[i]!)), carries[x.length]!]
}

/** x + y + carry mod 2^width. */
export const add = (b: Builder, x: Word, y: Word, aim: Aim, carry: Wire = zero): Word =>
  addWide(b, x, y, aim, carry).slice(0, x.length)

/** x − y mod 2^width. */
export const subtract = (b: Builder, x: Word, y: Word, aim: Aim): Word => add(b, x, not(b, y), aim, one)

export const negate = (b: Builder, x: Word, aim: Aim): Word => subtract(b, constant(0n, x.length), x, aim)

/** x < y as numbers without sign: no carry comes out of x + ¬y + 1. */
export const less = (b: Builder, x: Word, y: Word, aim: Aim): Wire =>
  b.not(carriesOf(b, x, not(b, y), one, aim)[x.length]!)

/** The same in two's complement: numbers without sign, once the sign bits are turned around. */
export const lessSigned = (b: Builder, x: Word, y: Word, aim: Aim): Wire => {
  const turned = (word: Word): Word => [...word.slice(0, -1), b.not(word[word.length - 1]!)]
  return less(b, turned(x), turned(y), aim)
}

/** AND of all, ⌈log2 n⌉ deep. */
export const all = (b: Builder, bits: Word): Wire => {
  if (bits.length === 0) return one
  if (bits.length === 1) return bits[0]!
  const middle = bits.length >>> 1
  return b.and(all(b, bits.slice(0, middle)), all(b, bits.slice(middle)))
}

export const equal = (b: Builder, x: Word, y: Word): Wire => all(b, not(b, xor(b, x, y)))

/** Three numbers to two with the same sum mod 2^width: one AND gate a bit, one deep. */
const carrySave = (b: Builder, x: Word, y: Word, z: Word): readonly [sum: Word, carries: Word] => {
  sameWidth(x, y)
  sameWidth(x, z)
  const carries = x.map((bit, i) => b.xor(b.and(b.xor(bit, z[i]!), b.xor(y[i]!, z[i]!)), z[i]!))
  return [xor(b, xor(b, x, y), z), [zero, ...carries.slice(0, -1)]]
}

/** The sum of any words mod 2^width, the shallowest first. */
export const sumOf = (b: Builder, words: readonly Word[], aim: Aim): Word => {
  if (words.length === 0) throw misuse('expected at least one word')
  const depth = (word: Word): number => word.reduce((most, bit) => Math.max(most, b.depth(bit)), 0)
  const rest = [...words]
  while (rest.length > 2) {
    if (aim === 'depth') rest.sort((p, q) => depth(p) - depth(q))
    const [x, y, z] = rest.splice(0, 3)
    rest.push(...carrySave(b, x!, y!, z!))
  }
  return rest.length === 1 ? rest[0]! : add(b, rest[0]!, rest[1]!, aim)
}
