/**
 * Writes `assembly/curve25519/field.fma.generated.ts`: arithmetic modulo p = 2^255 - 19 on two field elements at once, radix 2^51
 * in doubles, with fused multiply-add (relaxed SIMD). The technique is that of Yoshida's and Gueron's floating-point
 * multipliers: an FMA against 3·2^102 rounds a product to a multiple of 2^51 and leaves the quotient in the low bits
 * of the mantissa; a second FMA gives the remainder exactly. Columns are then summed as 64-bit integers.
 *
 * The text of the bounds is emitted into the generated file, beside the code that relies on them.
 */

const bits = (x: number): bigint => new BigInt64Array(Float64Array.of(x).buffer)[0]!
const LIMBS = [0, 1, 2, 3, 4] as const

/** The double that an FMA is biased by, for the high and the low half; and their bit patterns. */
const HIGH = 3 * 2 ** 102
const LOW = 3 * 2 ** 51
const BOTH = HIGH + LOW
/** Makes a column non-negative before the shift; a multiple of 2^51 plus half a limb, so that carries round. */
const LIFT = 2n ** 62n + 2n ** 50n
const LIFTED = 2n ** 11n

// V8 rebuilds a v128.const from general registers at each use: constants live in memory, a load is one instruction.
const pool: bigint[] = []
function constant(value: bigint): string {
  const word = BigInt.asUintN(64, value)
  if (!pool.includes(word)) pool.push(word)
  return `v128.load(CONSTANTS, ${16 * pool.indexOf(word)})`
}

const load = (p: string, k: number): string => `v128.load(${p}, ${16 * k})`
const times19 = (x: string): string => `i64x2.add(${x}, i64x2.add(i64x2.shl(${x}, 1), i64x2.shl(${x}, 4)))`
const lines = (f: (k: number) => string): string => LIMBS.map((k) => `  ${f(k)}\n`).join('')

/** Declares r0..r4, the integer columns of a·b (or a²). */
function columns(square: boolean): string {
  let code = `  const c1 = ${constant(bits(HIGH))}, c2 = ${constant(bits(BOTH))}\n  let h: v128, l: v128\n`
  code += lines((k) => `const a${k} = ${load('a', k)}`)
  if (square) code += lines((k) => (k < 4 ? `const d${k} = f64x2.add(a${k}, a${k})` : ''))
  else code += lines((k) => `const b${k} = ${load('b', k)}`)
  const terms = Array.from({ length: 10 }, () => ({ low: 0n, high: 0n }))
  const started = new Set<number>()
  const accumulate = (k: number, half: string): string => {
    if (started.has(k)) return `  t${k} = i64x2.add(t${k}, ${half})\n`
    started.add(k)
    return `  let t${k}: v128 = ${half}\n`
  }
  for (let k = 0; k < 9; k++) {
    for (const i of LIMBS) {
      const j = k - i
      if (j < 0 || j > 4 || (square && i > j)) continue
      const x = square && i !== j ? `d${i}` : `a${i}`
      const y = square ? `a${j}` : `b${j}`
      code += `  h = f64x2.relaxed_madd(${x}, ${y}, c1)\n  l = f64x2.relaxed_madd(${x}, ${y}, f64x2.sub(c2, h))\n`
      code += accumulate(k, 'l') + accumulate(k + 1, 'h')
      terms[k]!.low++
      terms[k + 1]!.high++
    }
  }
  const bias = (k: number): bigint => terms[k]!.low * bits(LOW) + terms[k]!.high * bits(HIGH)
  const folded = (k: number): string => `i64x2.add(t${k}, ${constant(-(bias(k) + 19n * bias(k + 5)))})`
  return code + lines((k) => `const r${k} = i64x2.add(${folded(k)}, ${times19(`t${k + 5}`)})`)
}

/** Stores the carried columns as doubles: |limb| <= 2^50 + 2^14 for columns below 2^60. */
function carried(out: string, column: (k: number) => string): string {
  let code = '  {\n' + lines((k) => `const u${k} = i64x2.add(${column(k)}, ${constant(LIFT)})`)
  code += lines((k) => `const k${k} = i64x2.shr_u(u${k}, 51)`)
  code += `  const low = ${constant(2n ** 51n - 1n)}\n`
  for (const k of LIMBS) {
    // As the bits of a double in [2^52, 2^53): 2^52 + 2^51 + (u mod 2^51) - 2^50 + carry, then 2^52 + 2^51 off.
    const base = bits(2 ** 52 + 2 ** 50) - (k === 0 ? 19n : 1n) * LIFTED
    const carry = k === 0 ? times19('k4') : `k${k - 1}`
    const word = `i64x2.add(i64x2.add(v128.and(u${k}, low), ${constant(base)}), ${carry})`
    code += `  v128.store(${out}, f64x2.sub(${word}, ${constant(bits(2 ** 52 + 2 ** 51))}), ${16 * k})\n`
  }
  return code + '  }\n'
}

const result = (k: number): string => `r${k}`
const stored = (p: string): string => lines((k) => `v128.store(${p}, r${k}, ${16 * k})`)
const plus = (p: string) => (k: number) => `i64x2.add(r${k}, ${load(p, k)})`
const minus = (p: string) => (k: number) => `i64x2.sub(r${k}, ${load(p, k)})`
const from = (p: string) => (k: number) => `i64x2.sub(${load(p, k)}, r${k})`
const asInteger = (p: string, k: number): string => `f64x2.add(${load(p, k)}, ${constant(bits(LOW))})`

/** Columns of BB + 121666·E, and AA = BB + E. */
function mixed(): string {
  const factor = constant(bits(121666))
  let code = `  const c1 = ${constant(bits(HIGH))}, c2 = ${constant(bits(BOTH))}, m = ${factor}\n`
  code += lines((k) => `const e${k} = ${load('e', k)}, h${k} = f64x2.relaxed_madd(e${k}, m, c1)`)
  code += lines((k) => `const l${k} = f64x2.relaxed_madd(e${k}, m, f64x2.sub(c2, h${k}))`)
  for (const k of LIMBS) {
    const high = k === 0 ? times19('h4') : `h${k - 1}`
    const bias = constant(-(bits(LOW) + (k === 0 ? 19n : 1n) * bits(HIGH)))
    code += `  const r${k} = i64x2.add(i64x2.add(l${k}, ${high}), i64x2.add(${load('bbc', k)}, ${bias}))\n`
  }
  code += lines((k) => `v128.store(aa, f64x2.add(e${k}, ${load('bb', k)}), ${16 * k})`)
  return code + carried('f', result)
}

const header = `// GENERATED by generate/fma.ts: do not edit. Field arithmetic modulo 2^255 - 19, two lanes, radix 2^51, fused FMA.
//
// An element is 5 v128 (80 bytes); lane j of limb k is the double x_k, an integer, value = sum x_k 2^(51 k).
//
// BOUNDS. "Tight" means |x_k| <= T = 2^50 + 2^14 for all limbs. Every function here takes and leaves tight elements
// (setLimb takes [0, 2^51) and wants carry() after it), apart from AA inside the ladder step.
//  1. A product x·y of integers with |x·y| <= 2^102 is split exactly. h = fma(x, y, 3·2^102) lies in [2^103, 2^104],
//     where doubles are multiples of 2^51: h = 3·2^102 + 2^51·hi, hi = round(x·y / 2^51), |hi| <= 2^51, and as integers
//     bits(h) = bits(3·2^102) + hi (at the upper end too: bits are continuous across a binade). 3·2^102 + 3·2^51 - h is
//     a multiple of 2^51 below 2^53·2^51, hence exact. l = fma(x, y, that) = 3·2^51 + lo with |lo| <= 2^50, so l is in
//     [2^52, 2^53), where doubles are integers: exact, and bits(l) = bits(3·2^51) + lo. x·y = 2^51·hi + lo.
//     Without fusing, x·y is rounded to 53 bits first and lo is wrong: hence fused().
//  2. mul needs |a_i·b_j| <= 2^102: tight by tight is T^2 < 2^101; AA = BB + E, |AA| <= 2T, by BB: 2T^2 < 2^102.
//     sq doubles one factor: 2T^2 < 2^102. 121666·E: far below.
//  3. Columns: t_k sums at most 5 lo and 5 hi. The largest is r_0 = t_0 + 19·t_5, |t_0| <= 2^50 and
//     |t_5| <= 4·2^50 + 5·2^51, so |r_k| <= 267·2^50 < 2^59; a sum or difference of two of them is below 2^60. The
//     biases bits(3·2^102), bits(3·2^51) are summed modulo 2^64 and subtracted as one constant.
//  4. Carry: u = r + 2^62 + 2^50 is in [0, 2^64); c = (u >> 51) - 2^11, |c| <= 2^9; the limb (u mod 2^51) - 2^50 is in
//     [-2^50, 2^50), plus the carry of the limb below (19·c_4 for limb 0): |x_k| <= 2^50 + 19·2^9 < T. Tight again.
//  5. canonical encodings (curve.ts) add 4p, so any value above -4p, and tight is above -2^255, is made non-negative.
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
${columns(false)}${carried('o', result)}}
export function sq(o: usize, a: usize): void {
${columns(true)}${carried('o', result)}}
export function add(o: usize, a: usize, b: usize): void {
${carried('o', (k) => `i64x2.add(i64x2.add(${asInteger('a', k)}, ${asInteger('b', k)}), ${constant(-2n * bits(LOW))})`)}}
export function sub(o: usize, a: usize, b: usize): void {
${carried('o', (k) => `i64x2.sub(${asInteger('a', k)}, ${asInteger('b', k)})`)}}
export function carry(o: usize): void {
${carried('o', (k) => `i64x2.add(${asInteger('o', k)}, ${constant(-bits(LOW))})`)}}

// ---- the ladder step, on (A, B, C, D) = (x2 + z2, x2 - z2, x3 + z3, x3 - z3) and X1; columns stay integers between
function mulColumns(o: usize, a: usize, b: usize): void {
${columns(false)}${stored('o')}}
function sqColumns(o: usize, a: usize): void {
${columns(true)}${stored('o')}}
/** p = a·b + y, q = a·b - y */
function mulPlusMinus(p: usize, q: usize, a: usize, b: usize, y: usize): void {
${columns(false)}${carried('p', plus('y'))}${carried('q', minus('y'))}}
/** p = a·b + y, q = y - a·b */
function mulPlusFrom(p: usize, q: usize, a: usize, b: usize, y: usize): void {
${columns(false)}${carried('p', plus('y'))}${carried('q', from('y'))}}
/** p = a² + y, q = a² - y */
function sqPlusMinus(p: usize, q: usize, a: usize, y: usize): void {
${columns(true)}${carried('p', plus('y'))}${carried('q', minus('y'))}}
/** bb = b², e = aa - b², with the columns of both squares */
function sqDifference(bb: usize, e: usize, b: usize, aac: usize, bbc: usize): void {
${columns(true).replaceAll('load(a,', 'load(b,')}${stored('bbc')}${carried('bb', result)}${carried('e', from('aac'))}}
/** f = bb + 121666·e, aa = bb + e (not carried: at most 2T) */
function mixed(f: usize, aa: usize, e: usize, bb: usize, bbc: usize): void {
${mixed()}}

export const SCRATCH: usize = memory.data(80 * 14, 16)
export const SCRATCH_BYTES: usize = 80 * 14
export const A: usize = SCRATCH, B: usize = SCRATCH + 80, C: usize = SCRATCH + 160, D: usize = SCRATCH + 240
export const X1: usize = SCRATCH + 320
const S: usize = SCRATCH + 400, T: usize = SCRATCH + 480, E: usize = SCRATCH + 560, F: usize = SCRATCH + 640
const AA: usize = SCRATCH + 720, BB: usize = SCRATCH + 800, TT: usize = SCRATCH + 880
const P: usize = SCRATCH + 960, Q: usize = SCRATCH + 1040

export function step(): void {
  mulColumns(P, D, A)             // DA
  mulPlusFrom(S, T, C, B, P)      // S = DA + CB, T = DA - CB
  sqColumns(Q, A)                 // AA
  sqDifference(BB, E, B, Q, P)    // BB, E = AA - BB
  mixed(F, AA, E, BB, P)          // F = BB + 121666 E, AA = BB + E
  mulColumns(P, E, F)             // z2
  mulPlusMinus(A, B, AA, BB, P)   // x2 = AA BB
  sq(TT, T)
  mulColumns(Q, X1, TT)           // z3 = x1 T²
  sqPlusMinus(C, D, S, Q)         // x3 = S²
}

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
