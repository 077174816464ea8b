/**
 * CKKS, with a bound of the error of every ciphertext's slots that is computed with the plan. All ciphertexts of a level
 * have one scale S(l), S(l - 1) = S(l)²/q(l) (Kim, Papadimitriou, Polyakov, ia.cr/2020/1118), products wait at S(l)² for
 * one division after sums.
 *
 * Noise is bounded in the canonical embedding: of a polynomial whose n coefficients are independent, centred and
 * sub-Gaussian with variance proxy v, every slot is below √(2·v·n·λ) but for a chance of 2^-60, where
 * λ = ln 2·(60 + log₂ 4n) (Hoeffding; union over real and imaginary parts of all slots). With v = 21/2 for errors (42 coins
 * of ±1/2), 1 for ternary secrets and 1/4 for roundings:
 *
 *     fresh          B_e + B_r, or B_e·(2·B_s + 1) + B_r under a public key
 *     divided        B_r·(1 + B_s)
 *     key switching  Σ (q/P)·(n/π + √(n·λ/2))·B_e + B_r·(1 + B_s)
 *
 * over the scale; digits of key switching lie in [0, q), whose mean adds n/π. Coefficients are bounded beside the slots,
 * and far lower: B_e is 21, key switching Σ (q/P)·B_e. The sum of all slots is n/2 times the constant coefficient; and of
 * an error that a rotation of the summation adds, the steps that follow keep 4s coefficients, each n/(4s) times, so that it
 * grows to n times its coefficients at most. Roundings are taken to be independent and
 * centred, as the literature takes them (ia.cr/2016/421, section 3): that is a heuristic, and the tests try it on 10,000
 * vectors. Doubles add 2^-44 of the magnitude at encoding and at decoding.
 *
 * Results that somebody else gets to see are flooded, and then nothing may rest on a heuristic: every rounding is n/2 in a
 * slot, every digit n·q (their worst), and only coins that are drawn keep their sub-Gaussian bounds. `hidden` bounds what
 * a ciphertext is off from the program over the encoded columns, |e(ζ)| ≤ B in all n embeddings, and so ‖e‖₂ ≤ B of its
 * coefficients (n·‖e‖₂² is the sum of the |e(ζ)|²); n/2 more stand for rounding the program's own value to a polynomial.
 *
 * The flood is uniform over 2^b integers in each coefficient. An integer added to it moves it by |e_i|/2^b in statistical
 * distance, all of e by ‖e‖₁/2^b ≤ √n·‖e‖₂/2^b at most, whatever key and coins e came from (the smudging lemma: Asharov,
 * Jain, López-Alt, Tromer, Vaikuntanathan, Wichs, Eurocrypt 2012, ia.cr/2011/613; Gentry's thesis, 2009, section 2.4). With
 * b = 40 + log₂(√n·‖e‖₂·ciphertexts), ciphertexts being those of all answers under the key, everything that is ever seen
 * decrypted is together within 2^-40 of a function of the encoded columns and fresh coins, adaptively too, by the triangle
 * inequality. So the decryptions of at most `releases` answers add 2^-40 and the 2^-60 of each bounded polynomial to what is
 * gained from ciphertexts and keys alone (IND-CPA, circular): IND-CPA^D of Li and Micciancio (ia.cr/2020/1533) for this one
 * program and so many answers. Coins are stretched by ChaCha20, which is computational.
 *
 * It is not the mechanism of Li, Micciancio, Schultz and Sorrell (ia.cr/2022/816), and their theorem does not cover it: they
 * bound the Kullback-Leibler divergence, which is infinite between shifted uniforms. Their Gaussian of deviation
 * √(12·answers)·2^(s/2)·‖e‖₂ buys s bits in their sense, in which the work of a statistical attack counts against the square of
 * its advantage: about 2^(-s/2) in distance. Beside s = 80 ours is wider by some √(n·answers/12), 4 to 6 bits for one answer,
 * and needs no sampler that has to be proven near a Gaussian.
 *
 * Not covered: an evaluator that does not run the agreed program, and columns out of their declared ranges (the bound is of
 * honest runs: such results may be off by more than is hidden); coins of a flood that are used twice; what time decoding takes.
 * A scale of two or three primes leaves room for the flood: products are divided by so many (`width`).
 */
import type { Constant, Node } from '../operators/graph.ts'
import type { Ring } from '../parameters.ts'
import { galoisOf, log2Of, statisticalBits } from './exact.ts'
import type { PlainOperand } from './instructions.ts'
import { NoRoom, type Arithmetic, type Tape, type Value } from './lower.ts'

export interface ApproximateValue extends Value {
  /** At the square of its level's scale: a product that was not yet divided. */
  readonly pending: boolean
  /** Of the slots, by declared ranges. */
  readonly most: number
  /** Of the slots. */
  readonly error: number
  /** The same of the coefficients of what stands in the slots. */
  readonly coefficients: number
  /** Of the slots, from what the program makes of the columns as they are encoded. */
  readonly hidden: number
  /** Of a result: whoever passes it on adds noise uniform over 2^flood values a coefficient; 0 for none. */
  readonly flood: number
}

export interface ApproximateOptions {
  /** Primes of a scale. */
  readonly width: number
  /** Columns come under a public key, and who computes floods results. */
  readonly parties: boolean
  /** Result ciphertexts under one key that somebody other than its holder gets to see, decrypted; 0 for none. */
  readonly flooded: number
}

export const forOwner: ApproximateOptions = { width: 1, parties: false, flooded: 0 }

export interface ApproximateArithmetic extends Arithmetic<ApproximateValue> {
  readonly targets: ReadonlySet<number>
  scaleOf(value: ApproximateValue): number
}

/** Relative error of transforms in double precision. */
const doubles = 2 ** -44

/** S(l) for l primes left; there is none for levels that lie within a division. */
export const scalesOf = ({ data }: Ring, top: number, width = 1): readonly number[] => {
  const scales: number[] = []
  scales[data.length] = top
  for (let level = data.length; level > width; level -= width) {
    let scale = scales[level]! * scales[level]!
    for (let i = 1; i <= width; i++) scale /= Number(data[level - i]!)
    scales[level - width] = scale
  }
  return scales
}

export const approximateArithmetic = (
  ring: Ring,
  top: number,
  tape: Tape,
  { width, parties, flooded }: ApproximateOptions = forOwner,
): ApproximateArithmetic => {
  const { degree, data, moduli } = ring
  const scales = scalesOf(ring, top, width)
  const lambda = Math.LN2 * (60 + Math.log2(4 * degree))
  const bound = (proxy: number): number => Math.sqrt(2 * proxy * degree * lambda)
  const [ofErrors, ofSecret] = [bound(10.5), bound(1)]
  const ofRounding = flooded > 0 ? degree / 2 : bound(0.25)
  const ofDigits = flooded > 0 ? degree : degree / Math.PI + Math.sqrt((degree * lambda) / 2)
  /** An encryption under the public key. */
  const ofPublic = ofErrors * (2 * ofSecret + 1)
  const divided = ofRounding * (1 + ofSecret)
  const bits = Array.from(data, log2Of)
  const dividedCoefficients = 0.5 + ofRounding
  const special = log2Of(moduli.at(-1)!)
  const digits = (level: number): number =>
    bits.slice(0, level).reduce((sum, own) => sum + 2 ** (own - special), 0) * ofErrors
  /** What key switching adds. */
  const switched = (a: ApproximateValue): Pick<ApproximateValue, 'error' | 'coefficients' | 'hidden'> => {
    const [scale, sum] = [scaleOf(a), digits(a.level)]
    const slots = (sum * ofDigits + divided) / scale
    return {
      ...{ error: a.error + slots, hidden: a.hidden + slots },
      coefficients: a.coefficients + (sum + dividedCoefficients) / scale,
    }
  }
  const targets = new Set<number>()
  const capacity = (level: number): number => bits.slice(0, level).reduce((sum, own) => sum + own, 0) - 1

  const scaleOf = ({ level, pending }: ApproximateValue): number => scales[level]! ** (pending ? 2 : 1)
  const fits = (value: ApproximateValue, scale: number): ApproximateValue => {
    const room = Math.log2(Math.max(value.most + value.error, 2 ** -900)) + Math.log2(scale)
    if (!(room < capacity(value.level))) throw new NoRoom()
    return value
  }
  const made = (value: ApproximateValue): ApproximateValue => fits(value, scaleOf(value))
  const forms = new Map<string, ApproximateValue>()
  const remembered = (key: string, make: () => ApproximateValue): ApproximateValue => {
    const known = forms.get(key) ?? make()
    forms.set(key, known)
    return known
  }
  const relinearised = (a: ApproximateValue): ApproximateValue =>
    a.size === 2
      ? a
      : remembered(`${a.id}*`, () => {
          targets.add(0)
          return made({ ...a, ...switched(a), id: tape.write('relinearise', a.id), size: 2 })
        })
  /** At its level's own scale. */
  const settled = (value: ApproximateValue): ApproximateValue => {
    if (!value.pending) return value
    const a = relinearised(value)
    if (a.level <= width) throw new NoRoom()
    return remembered(`${a.id}/`, () => {
      let [now, scale] = [a, scaleOf(a)]
      for (let i = 0; i < width; i++) {
        const level = now.level - 1
        scale /= Number(data[level]!)
        const [error, hidden] = [now.error + divided / scale, now.hidden + divided / scale]
        const coefficients = now.coefficients + dividedCoefficients / scale
        now = fits({ ...now, ...{ id: tape.write('rescale', now.id), level, error, hidden, coefficients } }, scale)
      }
      return made({ ...now, pending: false })
    })
  }
  const one: Constant = { key: '1', uniform: true, most: 1, integer: () => 1n, real: () => 1 }
  const plainOf = (constant: Constant, level: number, tile: number, shift: number): PlainOperand => {
    const place = constant.uniform ? 0 : tile
    const key = `${constant.key}/${place}/${shift}/${level}`
    return { constant, tile: place, shift, flipped: false, level, scale: scales[level]!, key }
  }
  const mostOf = (constant: Constant): number => Math.abs(constant.most ?? Number.NaN)
  /** Of a plaintext at its level's scale. */
  const encodingError = (constant: Constant, level: number): number =>
    constant.uniform
      ? 0.5 / scales[level]! + 2 ** -52 * mostOf(constant)
      : ofRounding / scales[level]! + doubles * mostOf(constant)
  const timesPlain = (value: ApproximateValue, constant: Constant, tile: number, shift: number): ApproximateValue => {
    const a = settled(value)
    const factor = mostOf(constant)
    const error = a.error * factor + (a.most + a.error) * encodingError(constant, a.level)
    const id = tape.write('multiply-plain', a.id, 0, plainOf(constant, a.level, tile, shift))
    const own = a.coefficients * factor + (a.most + a.error) * encodingError(constant, a.level)
    const coefficients = constant.uniform ? own : error
    const hidden = a.hidden * (factor + encodingError(constant, a.level))
    return made({ ...a, id, pending: true, most: a.most * factor, error, coefficients, hidden })
  }
  const lowered = (value: ApproximateValue, level: number): ApproximateValue => {
    let a = settled(value)
    while (a.level > level) {
      const { id } = a
      const above = a
      a = remembered(`${id}@`, () => settled(timesPlain(above, one, 0, 0)))
    }
    return a
  }

  return {
    ...{ slots: degree / 2, rows: 1, targets, scaleOf },
    input(node: Node) {
      const most = Math.max(Math.abs(node.least), Math.abs(node.greatest))
      const hidden = (parties ? ofPublic : ofErrors) / top
      const error = hidden + ofRounding / top + doubles * most
      const coefficients = parties ? error : 21.5 / top + doubles * most
      const fresh = { id: tape.fresh(), level: data.length, size: 2, pending: false, flood: 0 }
      return made({ ...fresh, most, error, coefficients, hidden })
    },
    combine(name, x, y) {
      const alike = x.level === y.level && x.pending === y.pending
      const level = Math.min(settledLevel(x), settledLevel(y))
      let [a, b] = alike ? [x, y] : [lowered(x, level), lowered(y, level)]
      if (a.size !== b.size) [a, b] = [relinearised(a), relinearised(b)]
      const [most, error] = [a.most + b.most, a.error + b.error]
      const [coefficients, hidden] = [a.coefficients + b.coefficients, a.hidden + b.hidden]
      return made({ ...a, id: tape.write(name, a.id, b.id), most, error, coefficients, hidden })
    },
    product(x, y) {
      const level = Math.min(settledLevel(x), settledLevel(y))
      const [a, b] = [lowered(x, level), lowered(y, level)]
      const error = a.most * b.error + b.most * a.error + a.error * b.error
      const id = tape.write('multiply', a.id, b.id)
      const hidden = (a.most + a.error) * b.hidden + (b.most + b.error) * a.hidden + a.hidden * b.hidden
      // A coefficient is a mean of slots.
      const errors = { error, coefficients: error, hidden }
      return made({ ...errors, id, level, size: 3, pending: true, most: a.most * b.most, flood: 0 })
    },
    negate: (a) => made({ ...a, id: tape.write('negate', a.id) }),
    addPlain(value, constant, tile) {
      const a = settled(value)
      const id = tape.write('add-plain', a.id, 0, plainOf(constant, a.level, tile, 0))
      const [most, more] = [a.most + mostOf(constant), encodingError(constant, a.level)]
      return made({ ...a, id, most, error: a.error + more, coefficients: a.coefficients + more })
    },
    multiplyPlain: (a, constant, tile) => timesPlain(a, constant, tile, 0),
    diagonal: (a, constant, shift) => timesPlain(a, constant, 0, shift),
    rotate(x, steps) {
      const a = settled(x)
      return remembered(`${a.id}>${steps}`, () => {
        const galois = galoisOf(degree, steps, false)
        targets.add(galois)
        return made({ ...a, ...switched(a), id: tape.write('rotate', a.id, galois) })
      })
    },
    replicated(value, sum) {
      // What follows takes errors of the sums to be independent.
      if (flooded > 0) return sum
      const a = settled(value)
      const steps = Math.log2(degree / 2)
      const rotated = switched({ ...a, coefficients: 0 }).coefficients
      const error = (degree / 2) * a.coefficients + steps * degree * rotated
      return { ...sum, error: Math.min(sum.error, error), coefficients: Math.min(sum.error, error) }
    },
    finished(value) {
      const a = settled(relinearised(value))
      if (flooded === 0) return a
      // Between parties who computes floods, and so does the holder of the key; each adds an encryption of zero.
      const floods = parties ? 2 : 1
      const [scale, own] = [scaleOf(a), floods * ofPublic]
      // What would be seen of no error at all is a rounded polynomial: n/2 for its roundings.
      const moved = Math.log2(a.hidden * scale + own + degree / 2) + Math.log2(degree) / 2
      const flood = Math.ceil(statisticalBits + moved + Math.log2(flooded))
      const slots = floods * (2 ** (flood - 1) * Math.sqrt(2 * degree * lambda) + degree / 2) + own
      return made({ ...a, flood, error: a.error + slots / scale })
    },
  }
  /** The level that a value has once divided. */
  function settledLevel({ level, pending }: ApproximateValue): number {
    return pending ? level - width : level
  }
}
