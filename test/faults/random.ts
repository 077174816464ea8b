/** Draws that a seed repeats. */
import { createRng, readU32 } from '@tallystick/core'
import { createHash } from 'node:crypto'

export interface Random {
  /** From 0 up to, not including, 1. */
  fraction(): number
  pick<T>(list: readonly T[]): T
}

export const createRandom = (seed: string): Random => {
  const rng = createRng(createHash('sha256').update(`tallystick/faults ${seed}`).digest())
  const fraction = (): number => readU32(rng.bytes(4)) / 2 ** 32
  return { fraction, pick: (list) => list[Math.floor(fraction() * list.length)]! }
}
