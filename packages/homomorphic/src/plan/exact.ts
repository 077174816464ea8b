/**
 * BGV, with the noise of every ciphertext bounded: not estimated, but for the worst signs of everything, so that a plan
 * that is accepted decrypts. In logarithms of base 2 of the greatest coefficient of the phase c0 + c1·s (+ c2·s²), for
 * errors of at most 21 (the binomial's coins) and ternary secrets:
 *
 *     fresh        t·21 + t/2, or t·(21·(2n + 1) + 1) under a public key
 *     a ± b        A + B                      plaintext added        A + t
 *     a · b        n·A·B                      by a plaintext         n·A·max (A·|k| by a number)
 *     key switch   A + level·n·q·21·t/P + t·(n + 1)
 *     lower level  A/q + t·(n + 1)
 *
 * Data primes are 1 modulo t where levels are dropped, so that no correction factor arises (Gentry, Halevi, Smart,
 * ia.cr/2012/099, appendix D).
 */
import type { Constant } from '../operators/graph.ts'
import type { Ring } from '../parameters.ts'
import type { PlainOperand } from './instructions.ts'
import { NoRoom, type Arithmetic, type Tape, type Value } from './lower.ts'

export interface ExactValue extends Value {
  /** log₂ of the bound. */
  readonly noise: number
  /** Of a result: its mask's noise is uniform over 2^flood values times t; 0 where there is none. */
  readonly flood: number
}

export const errorBound = 21

const log2Sum = (a: number, b: number): number => {
  const [high, low] = a >= b ? [a, b] : [b, a]
  return low === -Infinity ? high : high + Math.log2(1 + 2 ** (low - high)) + 1e-9
}

export const log2Of = (value: bigint): number => {
  const text = value.toString(16)
  const shift = Math.max(0, 4 * (text.length - 12))
  return Math.log2(Number(value >> BigInt(shift))) + shift
}

export interface ExactOptions {
  /** Whether primes are 1 modulo t, so that levels may be dropped. */
  readonly aligned: boolean
  readonly freshUnderPublicKey: boolean
  /** Results are flooded for a distance of 2^-statisticalBits over so many coefficients; 0 for no flood. */
  readonly floodedCoefficients: number
}

export const statisticalBits = 40

export interface ExactArithmetic extends Arithmetic<ExactValue> {
  /** Galois elements that were rotated by; 0 where something was relinearised. */
  readonly targets: ReadonlySet<number>
  /** Least room of a result, in bits. */
  room(): number
}

/** 3^steps modulo 2n: rows rotate by `steps`; -1 swaps them. */
export const galoisOf = (degree: number, steps: number, flipped: boolean): number => {
  const order = 2 * degree
  let element = flipped ? order - 1 : 1
  for (let i = ((steps % (degree / 2)) + degree / 2) % (degree / 2); i > 0; i--) element = (element * 3) % order
  return element
}

/** One program runs on rings of several plain modulus; bounds are for the worst of them. */
export const exactArithmetic = (rings: readonly Ring[], tape: Tape, options: ExactOptions): ExactArithmetic => {
  const { degree, data } = rings[0]!
  const [n, t] = [Math.log2(degree), Math.max(...rings.map(({ plainModulus }) => log2Of(plainModulus)))]
  const primes = Array.from(data, (_, i) => Math.min(...rings.map((ring) => log2Of(ring.data[i]!))))
  const special = Math.min(...rings.map(({ moduli }) => log2Of(moduli.at(-1)!)))
  const widest = Math.max(...rings.flatMap((ring) => Array.from(ring.data, log2Of)))
  const lift = t + Math.log2(degree + 1)
  const modulusOf = (level: number): number => primes.slice(0, level).reduce((sum, bits) => sum + bits, 0)
  const capacity = Array.from({ length: data.length + 1 }, (_, level) => modulusOf(level) - 1)
  const targets = new Set<number>()
  let leastRoom = Infinity

  const made = (id: number, level: number, size: number, noise: number): ExactValue => {
    if (noise >= capacity[level]!) throw new NoRoom()
    return { id, level, size, noise, flood: 0 }
  }
  const switching = (level: number): number =>
    log2Sum(Math.log2(level) + n + widest + Math.log2(errorBound) + t - special, lift)

  const forms = new Map<string, ExactValue>()
  const remembered = (key: string, make: () => ExactValue): ExactValue => {
    const known = forms.get(key)
    if (known !== undefined) return known
    const value = make()
    forms.set(key, value)
    return value
  }
  const relinearised = (a: ExactValue): ExactValue =>
    a.size === 2
      ? a
      : remembered(`${a.id}*`, () => {
          targets.add(0)
          return made(tape.write('relinearise', a.id), a.level, 2, log2Sum(a.noise, switching(a.level)))
        })
  /** What a value's noise would be at a level. */
  const noiseAt = (a: ExactValue, level: number): number => {
    let { noise } = a
    for (let l = a.level; l > level; l--) noise = log2Sum(noise - primes[l - 1]!, lift)
    return noise
  }
  const lowered = (value: ExactValue, level: number): ExactValue => {
    if (value.level === level) return value
    const a = relinearised(value)
    const above = lowered(a, level + 1)
    return remembered(`${a.id}@${level}`, () =>
      made(tape.write('rescale', above.id), level, 2, log2Sum(above.noise - primes[level]!, lift)),
    )
  }
  /** The level at which noise after `outcome` is the smallest part of the modulus; the lowest of equals. */
  const bestLevel = (from: number, outcome: (level: number) => number): number => {
    if (!options.aligned) return from
    let [best, least] = [from, Infinity]
    for (let level = from; level >= 1; level--) {
      const part = outcome(level) - modulusOf(level)
      if (part <= least + 0.1) [best, least] = [level, Math.min(least, part)]
    }
    return best
  }
  const plainOf = (constant: Constant, tile: number, shift = 0, flipped = false): PlainOperand => ({
    ...{ constant, tile: constant.uniform ? 0 : tile, shift, flipped, level: 0, scale: 1 },
    key: `${constant.key}/${constant.uniform ? 0 : tile}/${shift}`,
  })
  const factorBits = ({ most, uniform }: Constant): number => {
    const residue = most === undefined ? t - 1 : Math.min(t - 1, Math.log2(Math.max(1, most)))
    // The coefficients of a plaintext that differs by slot are any residues.
    return uniform ? residue : n + t - 1
  }
  const timesPlain = (a: ExactValue, plain: PlainOperand): ExactValue => {
    const bits = factorBits(plain.constant)
    const level = bits < 8 ? a.level : bestLevel(a.level, (l) => noiseAt(a, l) + bits)
    const value = lowered(a, level)
    return made(tape.write('multiply-plain', value.id, 0, plain), level, value.size, value.noise + bits)
  }

  return {
    ...{ slots: degree, rows: 2, targets },
    room: () => leastRoom,
    input() {
      const noise = t + Math.log2(options.freshUnderPublicKey ? errorBound * (2 * degree + 1) + 1 : errorBound + 0.5)
      return made(tape.fresh(), data.length, 2, noise)
    },
    combine(name, x, y) {
      const level = Math.min(x.level, y.level)
      const same = x.size === y.size && x.level === y.level
      const [a, b] = [x, y].map((value) => lowered(same ? value : relinearised(value), level))
      return made(tape.write(name, a!.id, b!.id), level, a!.size, log2Sum(a!.noise, b!.noise))
    },
    product(x, y) {
      const [p, q] = [relinearised(x), relinearised(y)]
      const level = bestLevel(Math.min(p.level, q.level), (l) => n + noiseAt(p, l) + noiseAt(q, l))
      const [a, b] = [lowered(p, level), lowered(q, level)]
      return made(tape.write('multiply', a.id, b.id), level, 3, n + a.noise + b.noise)
    },
    negate: (a) => made(tape.write('negate', a.id), a.level, a.size, a.noise),
    addPlain: (a, constant, tile) =>
      made(tape.write('add-plain', a.id, 0, plainOf(constant, tile)), a.level, a.size, log2Sum(a.noise, t)),
    multiplyPlain: (a, constant, tile) => timesPlain(a, plainOf(constant, tile)),
    diagonal: (a, constant, shift, flipped) => timesPlain(a, plainOf(constant, 0, shift, flipped)),
    rotate(x, steps, flipped) {
      const a = relinearised(x)
      return remembered(`${a.id}>${steps}/${flipped}`, () => {
        const galois = galoisOf(degree, steps, flipped)
        targets.add(galois)
        return made(tape.write('rotate', a.id, galois), a.level, 2, log2Sum(a.noise, switching(a.level)))
      })
    },
    replicated: (_, sum) => sum,
    finished(x) {
      const a = relinearised(x)
      const own = t + Math.log2(errorBound * (2 * degree + 1) + 1)
      const floodAt = (level: number): number => {
        if (options.floodedCoefficients === 0) return 0
        const hidden = log2Sum(noiseAt(a, level), own) - t
        return Math.ceil(statisticalBits + Math.max(0, hidden) + Math.log2(options.floodedCoefficients))
      }
      const after = (level: number): number => {
        const flood = floodAt(level)
        return flood === 0 ? noiseAt(a, level) : log2Sum(log2Sum(noiseAt(a, level), own), t + flood)
      }
      let { level } = a
      if (options.aligned) while (level > 1 && after(level - 1) < capacity[level - 1]!) level--
      const [room, flood] = [capacity[level]! - after(level), floodAt(level)]
      if (room <= 0) throw new NoRoom()
      leastRoom = Math.min(leastRoom, room)
      return { ...lowered(a, level), flood }
    },
  }
}
