/** Seconds of one core, for the order of magnitude and to compare rings: measured by `bench/homomorphic.ts` on SEAL. */
import type { Step } from './instructions.ts'

/** Nanoseconds a coefficient and prime; key switching a coefficient, digit and prime. */
const nanoseconds = { light: 8, product: 55, plain: 30, drop: 90, switching: 62, upload: 900 }

/** `inputs`: primes of all input ciphertexts, which are encrypted, expanded and loaded. */
export const secondsOf = (
  steps: readonly Step[],
  levels: ReadonlyMap<number, number>,
  degree: number,
  inputs: number,
): number => {
  let total = inputs * degree * nanoseconds.upload
  for (const { name, a } of steps) {
    const words = degree * (levels.get(a) ?? 1)
    const level = levels.get(a) ?? 1
    if (name === 'relinearise' || name === 'rotate') total += words * (level + 1) * nanoseconds.switching
    else if (name === 'multiply') total += words * nanoseconds.product
    else if (name === 'multiply-plain') total += words * nanoseconds.plain
    else if (name === 'rescale') total += words * nanoseconds.drop
    else total += words * nanoseconds.light
  }
  return total / 1e9
}
