import { TallyError } from '@tallystick/core'
import type { GrowInput, PunctureInput } from './kernels.ts'

const misuse = (message: string): TallyError => new TallyError('api/misuse', 'self', message)

/** Levels below the root. */
export const depthOf = (leaves: number): number => Math.ceil(Math.log2(leaves))

/** Nodes of a tree on a level. */
export const widthAt = (leaves: number, level: number): number => Math.ceil(leaves / 2 ** (depthOf(leaves) - level))

const checkLeaves = (leaves: number): void => {
  if (Number.isInteger(leaves) && leaves >= 2 && leaves <= 2 ** 24) return
  throw misuse(`ggm: expected 2 to 2^24 leaves a tree, found ${leaves}`)
}

/** @throws TallyError api/misuse for roots that are no blocks or another number of leaves. */
export function checkGrow(input: GrowInput): GrowInput {
  checkLeaves(input.leaves)
  if (input.roots.length % 16 !== 0) {
    throw misuse(`ggm/grow: expected roots of 16 bytes, found ${input.roots.length} bytes`)
  }
  return input
}

/** @throws TallyError api/misuse for sums of another number of levels or points that are no leaves. */
export function checkPuncture(input: PunctureInput): PunctureInput {
  const { points, sums, leaves } = input
  checkLeaves(leaves)
  const expected = 16 * points.length * depthOf(leaves)
  if (sums.length !== expected) {
    throw misuse(`ggm/puncture: expected ${expected} bytes of sums for ${points.length} trees, found ${sums.length}`)
  }
  if (!points.every((point) => point < leaves)) throw misuse(`ggm/puncture: expected points below ${leaves}`)
  return input
}
