/**
 * Seconds of one core at who computes, to compare rings and for the order of magnitude: fitted to what `evaluateEncrypted`
 * took on SEAL in programs of `bench/homomorphic.ts` and smaller ones, degrees 8192 and 16384.
 */
import type { Step } from './instructions.ts'

/**
 * Nanoseconds a coefficient and prime. `switching`: a digit too. `encode`: a plaintext that differs by place, a coefficient;
 * of reals a coefficient and prime. `receive`: inputs and keys, which are unpacked, checked, expanded and loaded.
 */
const nanoseconds = {
  ...{ light: 8, product: 50, plain: 30, uniform: 12, drop: 65, switching: 60 },
  ...{ encode: 105, encodeReals: 300, receive: 115 },
}

interface Sizes {
  readonly degree: number
  readonly exact: boolean
  /** Primes of all inputs, and of all digits of all keys. */
  readonly inputs: number
  readonly keys: number
}

/** Of plaintexts that differ by place: each is encoded once a call. */
const encodingOf = (steps: readonly Step[], { degree, exact }: Sizes): number => {
  const encoded = new Set<string>()
  let total = 0
  for (const { plain, group } of steps) {
    if (plain === undefined || plain.constant.uniform || encoded.has(`${group}/${plain.key}`)) continue
    encoded.add(`${group}/${plain.key}`)
    total += exact ? degree * nanoseconds.encode : degree * plain.level * nanoseconds.encodeReals
  }
  return total
}

export const secondsOf = (steps: readonly Step[], levels: ReadonlyMap<number, number>, sizes: Sizes): number => {
  const { degree, inputs, keys } = sizes
  let total = (inputs + keys) * degree * nanoseconds.receive + encodingOf(steps, sizes)
  for (const { name, a, plain } of steps) {
    const level = levels.get(a) ?? 1
    const words = degree * level
    if (name === 'relinearise' || name === 'rotate') total += words * (level + 1) * nanoseconds.switching
    else if (name === 'multiply') total += words * nanoseconds.product
    else if (name === 'multiply-plain')
      total += words * nanoseconds[plain?.constant.uniform === true ? 'uniform' : 'plain']
    else if (name === 'rescale') total += words * nanoseconds.drop
    else total += words * nanoseconds.light
  }
  return total / 1e9
}
