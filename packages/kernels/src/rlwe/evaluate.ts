/**
 * Computing on ciphertexts, as Microsoft SEAL 4.1 does it, residue for residue: a straight-line program over registers.
 * This text is the reference that an auditor compares SEAL with; `@tallystick/homomorphic/engine` runs the same programs on
 * SEAL itself. BGV with its correction factor (Kim-Polyakov-Zucca 2021, ia.cr/2021/204), CKKS in RNS form
 * (Cheon-Han-Kim-Kim-Song 2018, ia.cr/2018/931); key switching by RNS digits with one special prime.
 */
import { TallyError } from '@tallystick/core'
import type { Kernel } from '@tallystick/protocol'
import { bigintArithmetic, type Arithmetic } from './arithmetic.ts'
import { checkRing, galoisPlaces, power } from './ring.ts'

/** One ciphertext in NTT form. */
export interface RingCiphertext {
  /** Data primes that are left: the first `level` of them. */
  readonly level: number
  /** 2, or 3 after a product that is not yet relinearised. */
  readonly size: number
  /** size × level × n residues. */
  readonly residues: BigUint64Array
  /** BGV: what the plaintext has been multiplied by, modulo t; 1 for CKKS. */
  readonly correction: bigint
  /** CKKS: the scale; 1 for BGV. */
  readonly scale: number
}

/** A plaintext operand: BGV n coefficients modulo t, CKKS level × n residues in NTT form with their scale. */
export interface RingPlaintext {
  readonly residues: BigUint64Array
  readonly scale: number
}

/** Key-switching keys, in the order of their targets. */
export interface SwitchKeys {
  /** Digest of both parts: engines keep loaded keys by it. */
  readonly id: string
  /** Galois elements; 0 stands for relinearisation. */
  readonly targets: Uint32Array
  /** targets × digits × (digits + 1) × n residues each. */
  readonly first: BigUint64Array
  readonly second: BigUint64Array
}

/** Registers are numbers from 0; the inputs are in the first ones. Writing to a register takes what was in it. */
export type Instruction =
  | readonly ['add' | 'subtract' | 'multiply', out: number, a: number, b: number]
  | readonly ['negate' | 'relinearise' | 'rescale' | 'copy', out: number, a: number]
  | readonly ['add-plain' | 'multiply-plain', out: number, a: number, plain: number]
  | readonly ['rotate', out: number, a: number, galois: number]

export interface EvaluateInput {
  readonly degree: number
  /** Data primes, then the special one. */
  readonly moduli: BigUint64Array
  /** 0 for CKKS. */
  readonly plainModulus: bigint
  readonly program: readonly Instruction[]
  /** Registers that are given back. */
  readonly outputs: readonly number[]
  readonly inputs: readonly RingCiphertext[]
  readonly plains: readonly RingPlaintext[]
  readonly keys: SwitchKeys
}

type Numbers = Arithmetic<unknown, unknown>
type Polynomial = unknown

interface Register {
  readonly level: number
  readonly correction: bigint
  readonly scale: number
  /** [component][prime] */
  readonly parts: readonly (readonly Polynomial[])[]
}

const wrong = (message: string): TallyError => new TallyError('api/misuse', 'self', `rlwe/evaluate: ${message}`)

export const inverse = (value: bigint, q: bigint): bigint => power(((value % q) + q) % q, q - 2n, q)

const split = (on: Numbers, residues: BigUint64Array, n: number, at: number): Polynomial =>
  on.polynomial(residues.subarray(at * n, (at + 1) * n))

const evaluateOn = (on: Numbers, input: EvaluateInput): readonly RingCiphertext[] => {
  const { degree: n, moduli, plainModulus: t, keys, plains } = input
  const digits = moduli.length - 1
  const special = moduli[digits]!
  const zero = (): Polynomial => on.polynomial(new BigUint64Array(n))
  const registers: (RingCiphertext | undefined)[] = [...input.inputs]
  const at = (register: number): Register => {
    const { level, size, residues, correction, scale } = registers[register] ?? raise(`register ${register} is empty`)
    const parts = Array.from({ length: size }, (_, c) =>
      Array.from({ length: level }, (_, i) => split(on, residues, n, c * level + i)),
    )
    return { level, correction, scale, parts }
  }
  const kept = ({ level, correction, scale, parts }: Register): RingCiphertext => {
    const residues = new BigUint64Array(parts.length * level * n)
    parts.flat().forEach((part, i) => residues.set(on.read(part), i * n))
    return { level, size: parts.length, residues, correction, scale }
  }
  /** A new register from a function of a polynomial's place. */
  const made = (like: Register, size: number, part: (c: number, i: number, q: bigint) => Polynomial): Register => ({
    ...like,
    parts: Array.from({ length: size }, (_, c) => Array.from({ length: like.level }, (_, i) => part(c, i, moduli[i]!))),
  })
  const scaled = (a: Polynomial, factor: bigint, q: bigint): Polynomial => {
    const out = zero()
    on.addScaled(out, a, factor, q)
    return out
  }
  const summed = (a: Polynomial, b: Polynomial, factor: bigint, q: bigint): Polynomial => {
    const out = scaled(a, 1n, q)
    on.addScaled(out, b, factor, q)
    return out
  }

  const combine = (a: Register, b: Register, sign: 1 | -1): Register => {
    if (a.level !== b.level || a.correction !== b.correction || a.parts.length !== b.parts.length) {
      throw wrong('expected summands of one level, size and correction')
    }
    return made(a, a.parts.length, (c, i, q) => summed(a.parts[c]![i], b.parts[c]![i], sign === 1 ? 1n : q - 1n, q))
  }

  const product = (a: Register, b: Register): Register => {
    if (a.level !== b.level || a.parts.length !== 2 || b.parts.length !== 2) {
      throw wrong('expected factors of one level and two components')
    }
    const out = made(a, 3, (c, i, q) => {
      const sum = zero()
      for (let j = Math.max(0, c - 1); j <= Math.min(1, c); j++)
        on.addProduct(sum, a.parts[j]![i], b.parts[c - j]![i], q)
      return sum
    })
    return { ...out, correction: t === 0n ? 1n : (a.correction * b.correction) % t, scale: a.scale * b.scale }
  }

  /** A plaintext in NTT form at a level. */
  const plainAt = (index: number, i: number, q: bigint): Polynomial => {
    const { residues } = plains[index] ?? raise(`there is no plaintext ${index}`)
    if (t === 0n) return split(on, residues, n, i)
    const out = zero()
    on.lift(out, on.small(new Int32Array(n)), 0n, on.polynomial(residues), t, q)
    on.transform(out, q)
    return out
  }

  /**
   * Divides by the last of `primes`, whose residues `last` (in NTT form) are taken: (value - δ)/q_last, where δ is
   * q_last's residue made a multiple of t (BGV) or rounded to nearest (CKKS).
   */
  const dividing = (last: Polynomial, qLast: bigint) => {
    const rest = scaled(last, 1n, qLast)
    on.inverse(rest, qLast)
    const half = on.polynomial(new BigUint64Array(n).fill(qLast >> 1n))
    if (t === 0n) on.addScaled(rest, half, 1n, qLast)
    // BGV: k = -rest / q_last mod t, so that rest + k·q_last is a multiple of t.
    const multiple = zero()
    if (t !== 0n) on.scale(multiple, rest, (t - inverse(qLast, t)) % t, t)
    return (value: Polynomial, q: bigint): Polynomial => {
      const delta = zero()
      on.scale(delta, rest, 1n, q)
      if (t === 0n) on.addScaled(delta, on.polynomial(new BigUint64Array(n).fill(1n)), q - ((qLast >> 1n) % q), q)
      else {
        const reduced = zero()
        on.scale(reduced, multiple, qLast % q, q)
        on.addScaled(delta, reduced, 1n, q)
      }
      on.transform(delta, q)
      const out = zero()
      on.scaledDifference(out, value, delta, inverse(qLast, q), q)
      return out
    }
  }

  /** Adds what `target` (in NTT form, under another secret) is under the secret to the first two components. */
  const switched = (a: Register, target: readonly Polynomial[], key: number): Register => {
    const { level } = a
    const digitsOf = target.map((value, j) => {
      const digit = scaled(value, 1n, moduli[j]!)
      on.inverse(digit, moduli[j]!)
      return digit
    })
    const primes = [...moduli.subarray(0, level), special]
    const sums = [0, 1].map((component) =>
      primes.map((q, i) => {
        const place = i === level ? digits : i
        const sum = zero()
        on.within(() => {
          for (const [j, digit] of digitsOf.entries()) {
            const operand = zero()
            on.scale(operand, digit, 1n, q)
            on.transform(operand, q)
            const row = (key * digits + j) * (digits + 1) + place
            on.addProduct(sum, operand, split(on, component === 0 ? keys.first : keys.second, n, row), q)
          }
        })
        return sum
      }),
    )
    const parts = sums.map((sum, c) => {
      const divided = dividing(sum[level], special)
      return a.parts[c]!.map((part, i) => summed(part, divided(sum[i], moduli[i]!), 1n, moduli[i]!))
    })
    return { ...a, parts }
  }
  const keyOf = (galois: number): number => {
    const index = keys.targets.indexOf(galois)
    return index === -1 ? raise(`there is no key for ${galois}`) : index
  }

  const rotate = (a: Register, galois: number): Register => {
    if (a.parts.length !== 2) throw wrong('expected a relinearised ciphertext to rotate')
    const places = on.small(galoisPlaces(n, galois))
    const moved = made(a, 2, (c, i) => {
      const out = zero()
      on.permute(out, a.parts[c]![i], places)
      return out
    })
    const [first, second] = moved.parts
    return switched({ ...a, parts: [first!, second!.map(zero)] }, second!, keyOf(galois))
  }

  const relinearise = (a: Register): Register => {
    if (a.parts.length !== 3) throw wrong('expected three components to relinearise')
    return switched({ ...a, parts: a.parts.slice(0, 2) }, a.parts[2]!, keyOf(0))
  }

  const rescale = (a: Register): Register => {
    const level = a.level - 1
    if (level < 1) throw wrong('expected a prime to spare')
    const qLast = moduli[level]!
    const parts = a.parts.map((part) => {
      const divided = dividing(part[level], qLast)
      return part.slice(0, level).map((value, i) => divided(value, moduli[i]!))
    })
    const correction = t === 0n ? 1n : (a.correction * inverse(qLast, t)) % t
    return { level, correction, scale: t === 0n ? a.scale / Number(qLast) : 1, parts }
  }

  const perform = (instruction: Instruction): Register => {
    const [name, , first, second] = instruction
    const a = at(first)
    switch (name) {
      case 'add':
        return combine(a, at(second), 1)
      case 'subtract':
        return combine(a, at(second), -1)
      case 'multiply':
        return product(a, at(second))
      case 'copy':
        return a
      case 'negate':
        return made(a, a.parts.length, (c, i, q) => scaled(a.parts[c]![i], q - 1n, q))
      case 'relinearise':
        return relinearise(a)
      case 'rescale':
        return rescale(a)
      case 'rotate':
        return rotate(a, second)
      case 'add-plain': {
        const factor = t === 0n ? 1n : a.correction
        if (factor !== 1n) throw wrong('expected a ciphertext without correction to add a plaintext to')
        return made(a, a.parts.length, (c, i, q) =>
          c === 0 ? summed(a.parts[0]![i], plainAt(second, i, q), 1n, q) : a.parts[c]![i],
        )
      }
      default: {
        const scalar = constantOf(plains[second] ?? raise(`there is no plaintext ${second}`), t)
        const out = made(a, a.parts.length, (c, i, q) => {
          if (scalar !== undefined) return scaled(a.parts[c]![i], ((scalar % q) + q) % q, q)
          const sum = zero()
          on.addProduct(sum, a.parts[c]![i], plainAt(second, i, q), q)
          return sum
        })
        return { ...out, scale: t === 0n ? a.scale * plains[second]!.scale : 1 }
      }
    }
  }

  for (const instruction of input.program) {
    registers[instruction[1]] = on.within(() => kept(perform(instruction)))
  }
  return input.outputs.map((register) => registers[register] ?? raise(`register ${register} is empty`))
}

const raise = (message: string): never => {
  throw wrong(message)
}

/** Of a plaintext of BGV that is the same integer in every slot, that integer in (-t/2, t/2]: it multiplies as a scalar. */
export const constantOf = ({ residues }: RingPlaintext, t: bigint): bigint | undefined => {
  if (t === 0n) return undefined
  for (let i = 1; i < residues.length; i++) if (residues[i] !== 0n) return undefined
  const [value = 0n] = residues
  return value > t >> 1n ? value - t : value
}

/** The kernel's text over an arithmetic. */
export const evaluateWith =
  (arithmetic: (degree: number, moduli: BigUint64Array) => Numbers) =>
  (input: EvaluateInput): readonly RingCiphertext[] => {
    checkRing(input.degree, input.moduli, undefined, input.plainModulus)
    return evaluateOn(arithmetic(input.degree, input.moduli), input)
  }

/** Runs a program over ciphertexts. Deterministic; not constant-time, and needs not be: everything it sees is public. */
export const evaluate: Kernel<EvaluateInput, readonly RingCiphertext[]> = {
  name: 'rlwe/evaluate',
  run: evaluateWith(bigintArithmetic),
}
