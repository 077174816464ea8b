/**
 * Writes `assembly/p256/field.generated.ts`: arithmetic modulo the prime of P-256 on two field elements at once, radix
 * 2^52 in doubles, with fused multiply-add (relaxed SIMD) as in `fma.ts`, and Montgomery's reduction with R = 2^260. As
 * p = -1 mod 2^96, the factor of a reduction step is the low limb itself, and since p = 2^256 - 2^224 + 2^192 + 2^96 - 1,
 * its product with p takes shifts alone.
 *
 * The text of the bounds is emitted into the generated file, beside the code that relies on them.
 */

const bits = (x: number): bigint => new BigInt64Array(Float64Array.of(x).buffer)[0]!
const LIMBS = [0, 1, 2, 3, 4] as const

const HIGH = 3 * 2 ** 103
const LOW = 3 * 2 ** 51
/** Makes a column non-negative before a shift; a multiple of 2^52. */
const LIFT = 2n ** 62n
const LIFTED = LIFT >> 52n
const HALF = 2n ** 51n

// V8 rebuilds a v128.const from general registers at each use: constants live in memory, a load is one instruction.
const pool: bigint[] = []
function constant(value: bigint): string {
  const word = BigInt.asUintN(64, value)
  if (!pool.includes(word)) pool.push(word)
  return `v128.load(CONSTANTS, ${16 * pool.indexOf(word)})`
}
const double = (x: number): string => constant(bits(x))
const load = (p: string, k: number): string => `v128.load(${p}, ${16 * k})`
const lines = (f: (k: number) => string): string => LIMBS.map((k) => `  ${f(k)}\n`).join('')

/** Declares t0..t9, the integer columns of a·b (or a²), the lower five lifted. */
function columns(square: boolean): string {
  let code = `  const c1 = ${double(HIGH)}, c2 = ${double(LOW)}\n  let h: v128, l: v128\n`
  code += lines((k) => `const a${k} = ${load('a', k)}`)
  if (!square) code += lines((k) => `const b${k} = ${load('b', k)}`)
  const bias = Array.from({ length: 10 }, () => 0n)
  // The products off the diagonal of a square count twice: summed first, then doubled.
  for (const crossed of square ? [true, false] : [false]) {
    const started = new Set<number>()
    const own = Array.from({ length: 10 }, () => 0n)
    const name = crossed ? 'x' : 't'
    const accumulate = (k: number, half: string): string => {
      if (started.has(k)) return `  ${name}${k} = i64x2.add(${name}${k}, ${half})\n`
      started.add(k)
      return `  let ${name}${k}: v128 = ${half}\n`
    }
    for (let k = 0; k < 9; k++) {
      for (const i of LIMBS) {
        const j = k - i
        if (j < 0 || j > 4 || (square && (crossed ? i >= j : i !== j))) continue
        const y = square ? `a${j}` : `b${j}`
        code += `  h = f64x2.relaxed_madd(a${i}, ${y}, c1)\n  l = f64x2.relaxed_madd(a${i}, ${y}, f64x2.sub(c1, h))\n`
        code += accumulate(k, 'f64x2.add(l, c2)') + accumulate(k + 1, 'h')
        own[k]! += bits(LOW)
        own[k + 1]! += bits(HIGH)
      }
    }
    for (const k of Array.from({ length: 10 }, (_, i) => i)) {
      bias[k]! += (crossed ? 2n : 1n) * own[k]!
      if (!crossed && square) {
        const twice = k > 0 && k < 9 ? `i64x2.shl(x${k}, 1)` : ''
        if (twice !== '') code += `  t${k} = i64x2.add(t${k}, ${twice})\n`
      }
    }
  }
  for (let k = 0; k < 10; k++) {
    const lift = (k < 5 ? LIFT : 0n) - (k >= 1 && k <= 5 ? LIFTED : 0n)
    code += `  t${k} = i64x2.add(t${k}, ${constant(lift - bias[k]!)})\n`
  }
  return code
}

/** t5..t9 = (t + m·p) / 2^260 for the m that makes it whole. */
function reduced(): string {
  let code = `  const low = ${constant(2n ** 52n - 1n)}\n`
  const left = (i: number, by: number): string => `v128.and(i64x2.shl(m${i}, ${by}), low)`
  const right = (i: number, by: number): string => `i64x2.shr_u(m${i}, ${by})`
  for (const i of LIMBS) {
    code += `  const m${i} = v128.and(t${i}, low)\n`
    code += `  t${i + 1} = i64x2.add(t${i + 1}, i64x2.add(i64x2.shr_u(t${i}, 52), ${left(i, 44)}))\n`
    code += `  t${i + 2} = i64x2.add(t${i + 2}, ${right(i, 8)})\n`
    code += `  t${i + 3} = i64x2.add(t${i + 3}, ${left(i, 36)})\n`
    code += `  t${i + 4} = i64x2.add(t${i + 4}, i64x2.add(i64x2.sub(${right(i, 16)}, ${left(i, 16)}), ${left(i, 48)}))\n`
    code += `  t${i + 5} = i64x2.add(t${i + 5}, i64x2.sub(${right(i, 4)}, ${right(i, 36)}))\n`
  }
  for (const k of [0, 1, 2, 3]) {
    code += `  const u${k} = i64x2.add(t${k + 5}, ${constant(LIFT + HALF)}), k${k} = i64x2.shr_u(u${k}, 52)\n`
  }
  for (const k of LIMBS) {
    // As the bits of a double in [2^52, 2^53), 3·2^51 off.
    const word = k < 4 ? `i64x2.add(v128.and(u${k}, low), ${double(2 ** 52)})` : `i64x2.add(t9, ${double(LOW)})`
    const limb = `f64x2.sub(${word}, ${double(LOW)})`
    const carry =
      k === 0 ? '' : `f64x2.sub(i64x2.add(k${k - 1}, ${double(2 ** 52)}), ${double(2 ** 52 + Number(LIFTED))})`
    code += `  v128.store(o, ${k === 0 ? limb : `f64x2.add(${limb}, ${carry})`}, ${16 * k})\n`
  }
  return code
}

/** Stores the doubles x0..x4, below 2^53, less a multiple of p and with carries. */
function tidy(): string {
  const magic = double(LOW)
  const nearest = (x: string, scale: number): string =>
    `f64x2.sub(f64x2.add(f64x2.mul(${x}, ${double(scale)}), ${magic}), ${magic})`
  let code = `  const q = ${nearest('x4', 2 ** -48)}\n`
  code += `  const y0 = f64x2.add(x0, q), y1 = f64x2.relaxed_madd(q, ${double(-(2 ** 44))}, x1), y2 = x2\n`
  code += `  const y3 = f64x2.relaxed_madd(q, ${double(-(2 ** 36))}, x3)\n`
  code += `  const y4 = f64x2.relaxed_madd(q, ${double(2 ** 16 - 2 ** 48)}, x4)\n`
  for (const k of [0, 1, 2, 3]) code += `  const c${k} = ${nearest(`y${k}`, 2 ** -52)}\n`
  for (const k of LIMBS) {
    const rest = k < 4 ? `f64x2.relaxed_madd(c${k}, ${double(-(2 ** 52))}, y${k})` : 'y4'
    code += `  v128.store(o, ${k === 0 ? rest : `f64x2.add(${rest}, c${k - 1})`}, ${16 * k})\n`
  }
  return code
}

const twice = (x: string): string => `f64x2.add(${x}, ${x})`
const linear = (of: (k: number) => string): string => lines((k) => `const x${k} = ${of(k)}`) + tidy()

const header = `// GENERATED by generate/p256.ts: do not edit. Field arithmetic modulo p = 2^256 - 2^224 + 2^192 + 2^96 - 1, two lanes, radix
// 2^52, fused FMA.
//
// An element is 5 v128 (80 bytes); lane j of limb k is the double x_k, an integer, value = sum x_k 2^(52 k). It stands for
// value / R mod p, R = 2^260 (Montgomery).
//
// BOUNDS. "Tight" means |x_k| <= T = 2^51 + 2^11 and |value| < 1.1 p. Every function takes and leaves tight elements.
//  1. A product x·y of integers with |x·y| <= 2^103 is split exactly. h = fma(x, y, 3·2^103) lies in [2^104, 2^105], where
//     doubles are multiples of 2^52: h = 3·2^103 + 2^52·hi, |hi| <= 2^51, and as integers bits(h) = bits(3·2^103) + hi (at
//     the upper end too: bits are continuous across a binade). 3·2^103 - h is exact, and so is l = fma(x, y, that), the
//     rest, |l| <= 2^51; l + 3·2^51 is in [2^52, 2^53], where doubles are integers. Without fusing, x·y is rounded to
//     53 bits first and l is wrong: hence fused(). Tight by tight is T^2 < 2^103.
//  2. Columns: t_k sums at most 5 rests and 5 high parts: |t_k| < 2^55. The biases are summed modulo 2^64 and subtracted as
//     one constant. The lower five are lifted by 2^62, a multiple of 2^52, so that shr_u shifts them; what that carries too
//     much, 2^10, is in the constant of the column above.
//  3. Reduction: m_i = t_i mod 2^52, t_i + m_i·p = 0 mod 2^52 at limb i. Each m adds less than 2^54 to any column. The
//     result is (a·b + m·p) / R with 0 <= m < R: in (-1.21 p^2 / R, p + 1.21 p^2 / R), p / R < 1/16: |value| < 1.1 p.
//     Its upper limb is below 1.1·2^48 + 2^11: inside the range of the bits.
//  4. tidy: sums of at most 4 tight limbs are below 2^53, exact. q = round(x_4 / 2^48), |q| <= 5; value - q·p is
//     within 0.51 p. Carries |c| <= 4 by rounding leave |x_k| <= 2^51 + 4.
//
// No branch and no address depends on a value.
`

const functions = (): string => `
export const SIZE: usize = 80

@inline export function limb(o: usize, lane: usize, k: usize): i64 { return <i64>load<f64>(o + 16 * k + 8 * lane) }
@inline export function setLimb(o: usize, lane: usize, k: usize, x: i64): void { store<f64>(o + 16 * k + 8 * lane, <f64>x) }
/** All ones in a lane whose m is -1, zero where it is 0. */
@inline export function mask(m0: i64, m1: i64): v128 { return i64x2.replace_lane(i64x2.splat(m0), 1, m1) }

export function mul(o: usize, a: usize, b: usize): void {
${columns(false)}${reduced()}}
export function sq(o: usize, a: usize): void {
${columns(true)}${reduced()}}
export function add(o: usize, a: usize, b: usize): void {
${linear((k) => `f64x2.add(${load('a', k)}, ${load('b', k)})`)}}
export function sub(o: usize, a: usize, b: usize): void {
${linear((k) => `f64x2.sub(${load('a', k)}, ${load('b', k)})`)}}
/** o = 3 a */
export function triple(o: usize, a: usize): void {
${linear((k) => `f64x2.add(${load('a', k)}, ${twice(load('a', k))})`)}}
/** o = 4 a */
export function quadruple(o: usize, a: usize): void {
${linear((k) => twice(twice(load('a', k))))}}
/** o = a - 2 b */
export function subTwice(o: usize, a: usize, b: usize): void {
${linear((k) => `f64x2.sub(${load('a', k)}, ${twice(load('b', k))})`)}}
/** o = a - b - c */
export function subBoth(o: usize, a: usize, b: usize, c: usize): void {
${linear((k) => `f64x2.sub(f64x2.sub(${load('a', k)}, ${load('b', k)}), ${load('c', k)})`)}}
/** o = -a where m, else a */
export function negateWhere(o: usize, a: usize, m: v128): void {
  const sign = v128.and(m, ${constant(-(2n ** 63n))})
${lines((k) => `v128.store(o, v128.xor(${load('a', k)}, sign), ${16 * k})`)}}
export function carry(o: usize): void {
${linear((k) => load('o', k))}}

const PROBE: usize = memory.data<f64>([2251799813685247.0, -5070602400912913102387185451008.0], 16)
/** 1 if relaxed_madd is fused here: (2^51 - 1)² - (2^102 - 2^52) is 1, or 0 after rounding the product. */
export function fused(): i32 {
  const x = v128.load64_splat(PROBE), c = v128.load64_splat(PROBE, 8)
  const r = f64x2.relaxed_madd(x, x, c)
  return i32(f64x2.extract_lane(r, 0) == 1.0) & i32(f64x2.extract_lane(r, 1) == 1.0)
}
`

export function generate(): string {
  pool.length = 0
  const body = functions()
  const words = pool.flatMap((word) => [word, word]).map((word) => '0x' + word.toString(16))
  return `${header}\nconst CONSTANTS: usize = memory.data<u64>([${words.join(', ')}], 16)\n${body}`
}
