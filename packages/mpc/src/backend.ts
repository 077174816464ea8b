/**
 * What a program over secret shares is written against. Vectors throughout: a call is one operation on whole vectors,
 * and a call that talks is one round unless it says otherwise. Calls without a message return at once; calls that talk
 * or compute much are routines (`yield*`). The same program text runs over shares (`rep3`), over nothing, to count
 * rounds and bytes (`counting`), and in the clear, as the ideal functionality (`clear`).
 *
 * Integers are elements of Z_2^64 or Z_2^128, read as two's complement where a sign matters. Public vectors are
 * {@link Words}; numbers are turned to words and back by `words.ts`.
 *
 * Who learns what. No call tells anybody anything but `reveal`, `revealBits` and `order`, which tell the computing
 * parties (see there), and the outputs of the program, which its receivers learn.
 */
import type { Routine } from '@tallystick/protocol'

/** A public vector over Z_2^64 or Z_2^128: limbs of 32 bits, least first, 2 or 4 an element. */
export type Words = Uint32Array

export type Ring = 64 | 128

/** An additively shared vector over Z_2^ring. Opaque: made and taken by one backend. */
export interface Arithmetic<R extends Ring = Ring> {
  readonly kind: 'arithmetic'
  readonly ring: R
  /** Elements. */
  readonly length: number
}

/**
 * XOR-shared bits, sliced: `width` planes of `length` bits each; element i of a vector of integers is bit i of every
 * plane, plane 0 its least bit. What lies after the last element of a plane is undefined and never opened.
 */
export interface Bits {
  readonly kind: 'bits'
  readonly width: number
  /** Elements (bits a plane). */
  readonly length: number
}

export type Shared = Arithmetic | Bits

/** A matrix product: left is rows × inner, right is inner × columns, both row by row. A dot product is 1 × n × 1. */
export interface Shape {
  readonly rows: number
  readonly inner: number
  readonly columns: number
  /** Whether right is given column by column: a Gram matrix of p vectors of n is x times x, transposed, p × n × p. */
  readonly transposed?: boolean
}

export interface OrderOptions {
  /** |key| < 2^(width - 2): so many planes are compared. The ring's unless told. */
  readonly width?: number
  /** Ascending: the places of the result that matter; what stands in the others is any order. All unless told. */
  readonly places?: readonly number[]
}

export interface Backend {
  // — arithmetic, local —

  /** A sharing of public words. */
  constant<R extends Ring>(ring: R, values: Words): Arithmetic<R>
  /** Equal lengths; or one side has one element, which then meets every element of the other. So for all pairs below. */
  add<R extends Ring>(x: Arithmetic<R>, y: Arithmetic<R>): Arithmetic<R>
  subtract<R extends Ring>(x: Arithmetic<R>, y: Arithmetic<R>): Arithmetic<R>
  negate<R extends Ring>(x: Arithmetic<R>): Arithmetic<R>
  /** x + public words. */
  shift<R extends Ring>(x: Arithmetic<R>, by: Words): Arithmetic<R>
  /** x · public words. */
  scale<R extends Ring>(x: Arithmetic<R>, factor: Words): Arithmetic<R>
  /** The sum of factor k times the k-th of as many vectors of one length, one after the other in x. */
  weigh<R extends Ring>(x: Arithmetic<R>, factors: Words): Arithmetic<R>
  /** Sums of consecutive runs of `every` elements: length / every elements. */
  sum<R extends Ring>(x: Arithmetic<R>, every: number): Arithmetic<R>
  /** Element i is x_0 + … + x_i. */
  prefixSum<R extends Ring>(x: Arithmetic<R>): Arithmetic<R>
  concat<R extends Ring>(...parts: readonly Arithmetic<R>[]): Arithmetic<R>
  slice<R extends Ring>(x: Arithmetic<R>, from: number, to: number): Arithmetic<R>
  /** Element i is x[index[i]]; the index is public. Also repeats and transposes. */
  gather<R extends Ring>(x: Arithmetic<R>, index: Uint32Array): Arithmetic<R>
  /** x mod 2^64. */
  low(x: Arithmetic<128>): Arithmetic<64>

  // — arithmetic, one round each unless said otherwise —

  /** Element by element. */
  multiply<R extends Ring>(x: Arithmetic<R>, y: Arithmetic<R>): Routine<Arithmetic<R>>
  /** Costs as much as one product for each element of the result, whatever `inner` is. */
  matrixProduct<R extends Ring>(x: Arithmetic<R>, y: Arithmetic<R>, shape: Shape): Routine<Arithmetic<R>>
  /**
   * ⌊x / 2^by⌋ or that plus 1, the latter with the probability of the fraction, for |x| < 2^(ring - 2); 2 rounds.
   * Wrong beyond that range: the caller bounds x.
   */
  truncate<R extends Ring>(x: Arithmetic<R>, by: number): Routine<Arithmetic<R>>
  /**
   * Products (as `multiply`, as `matrixProduct`) and one truncation of each result, for 2 rounds in all. With `terms`
   * the products are that many vectors of one length, one after the other, and the result is their sum.
   */
  multiplyTruncate<R extends Ring>(
    x: Arithmetic<R>,
    y: Arithmetic<R>,
    by: number,
    terms?: number,
  ): Routine<Arithmetic<R>>
  matrixProductTruncate<R extends Ring>(
    x: Arithmetic<R>,
    y: Arithmetic<R>,
    shape: Shape,
    by: number,
  ): Routine<Arithmetic<R>>
  /** The same number over Z_2^128, exact for |x| < 2^62; 2 rounds. */
  widen(x: Arithmetic<64>): Routine<Arithmetic<128>>
  /**
   * Opens x to all computing parties (not to owners), in mid-run: for values that a proof says to be harmless, such as
   * masked ones. Everything else is an output. The program's leakage statement names every use, and without one the
   * call is refused. It leaves before the checkpoint: see `program.ts` for what an active party gains.
   */
  reveal(x: Arithmetic): Routine<Words>

  // — bits, local —

  /** `planes` has `width` planes as {@link planeWords} says. */
  constantBits(width: number, length: number, planes: Uint32Array): Bits
  /** Equal widths and lengths; so for all pairs of bits below. */
  xor(x: Bits, y: Bits): Bits
  not(x: Bits): Bits
  /** Planes by index, in that order; -1 is a plane of zeros. */
  planes(x: Bits, index: readonly number[]): Bits
  /** The planes of all parts, one after the other; equal lengths. */
  stack(...parts: readonly Bits[]): Bits

  // — bits, one round each unless said otherwise —

  and(x: Bits, y: Bits): Routine<Bits>
  /** Two integers in bits, u + v = x mod 2^width, each of `width` planes (`ring` unless told). One round. */
  summands(x: Arithmetic, width?: number): Routine<readonly [Bits, Bits]>
  /** Each bit as 0 or 1 of the ring, plane by plane: width · length elements; 2 rounds. */
  inject<R extends Ring>(x: Bits, ring: R): Routine<Arithmetic<R>>
  /** The integers that the planes are, mod 2^ring, missing planes being zeros; 9 rounds (ring 64) or 10. */
  compose<R extends Ring>(x: Bits, ring: R): Routine<Arithmetic<R>>
  /** As `reveal`: planes by {@link planeWords}, zeros after the last element. */
  revealBits(x: Bits): Routine<Uint32Array>

  // — order —

  /**
   * The same secret random permutation of all columns, unknown to every single party; 3 rounds. Columns of one length.
   */
  shuffle(columns: readonly Arithmetic[]): Routine<readonly Arithmetic[]>
  /**
   * The order of *shuffled*, pairwise different keys, |key| < 2^(ring - 2): element i of the result is the place of the
   * i-th least. Opens the comparisons of a quicksort to the computing parties: of a shuffled vector without ties they
   * are those of a random permutation. About 9 rounds a level, expected 1.4 n log2 n comparisons.
   */
  order(keys: Arithmetic, options?: OrderOptions): Routine<Uint32Array>

  /**
   * Runs branches side by side, in the rounds of the longest. A branch uses the backend that it is given and no other.
   */
  join<const T extends readonly ((branch: Backend) => Routine<unknown>)[]>(
    ...branches: T
  ): Routine<{ -readonly [K in keyof T]: T[K] extends (branch: Backend) => Routine<infer O> ? O : never }>
}

/** Words of 32 bits that a plane of `length` bits takes: whole vectors of 128 bits. Bit i is bit i mod 32 of word i/32. */
export const planeWords = (length: number): number => 4 * Math.ceil(length / 128)
