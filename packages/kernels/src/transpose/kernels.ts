/** Matrices of bits, row by row; bit i of a row is bit i mod 8 of its byte i div 8. */
import type { Kernel } from '@tallystick/protocol'
import * as reference from './reference.ts'
import { checkBits } from './shapes.ts'

export interface BitsInput {
  /** All rows, one after the other. */
  readonly rows: Uint8Array
  /** Number of rows, a multiple of 128; a row has a multiple of 16 bytes. */
  readonly height: number
}

/** The columns as rows: 8 · (bytes a row) rows of height / 8 bytes. */
export const bits: Kernel<BitsInput, Uint8Array> = {
  name: 'transpose/bits',
  run: (input) => reference.bits(checkBits(input)),
}
