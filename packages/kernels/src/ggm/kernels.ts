/**
 * GGM trees, a puncturable pseudorandom function (Boneh and Waters; Boyle, Goldwasser, Ivan; Kiayias et al.), as silent
 * correlation generators use them: many trees of one size, level by level. A node x has the children pi_0(x) xor x and
 * pi_1(x) xor x, pi_b being AES under a fixed public key (a pseudorandom generator with pi_b ideal permutations:
 * ia.cr/2019/074). A tree has `leaves` leaves; nodes without a leaf below them do not exist. Against an active
 * asker only full trees (a power of two) are safe: beside a node that does not exist, its sibling's sum gives the sibling.
 */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkGrow, checkPuncture } from './shapes.ts'

export interface GrowInput {
  /** A root of 16 bytes for each of t trees. */
  readonly roots: Uint8Array
  /** Leaves a tree, 2 to 2^24; with depth d = ceil(log2(leaves)). */
  readonly leaves: number
}

export interface GrowOutput {
  /** t · leaves blocks, tree by tree. */
  readonly leaves: Uint8Array
  /** t · d · 2 blocks: for each tree and level from the top the sum of the nodes with even, then with odd index. */
  readonly sums: Uint8Array
}

export interface PunctureInput {
  /** The leaf of each tree that stays unknown. */
  readonly points: Uint32Array
  /** t · d blocks: for each tree and level the sum of the nodes whose index has the other parity than the path's. */
  readonly sums: Uint8Array
  /** Leaves a tree. */
  readonly leaves: number
}

/** All leaves from the roots, and what a punctured evaluation needs of each level. */
export const grow: Kernel<GrowInput, GrowOutput> = {
  name: 'ggm/grow',
  run: (input) => reference.grow(checkGrow(input)),
}

export interface PunctureOutput {
  /** t · leaves blocks, tree by tree; the unknown leaf is zero. */
  readonly leaves: Uint8Array
  /** For each tree the sum of its known leaves. */
  readonly totals: Uint8Array
}

/** All leaves but one of each tree. */
export const puncture: Kernel<PunctureInput, PunctureOutput> = {
  name: 'ggm/puncture',
  run: (input) => reference.puncture(checkPuncture(input)),
}
