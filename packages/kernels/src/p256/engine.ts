/**
 * The WebAssembly engine of the P-256 kernels, two rows at a time with fused multiply-add; where a machine has none, the
 * reference runs.
 *
 * Constant time, as far as WebAssembly goes: recoding, table, doublings and additions have no branch and no address that
 * depends on the scalar. Not so hashing, which tries as often as its row needs, and which rows are bad. What is not
 * promised is as in `../curve25519/engine.ts`. 31 scalars at either end of the range, whose last addition would be a
 * doubling or none, go to the reference: a random key is one of them with probability 2^-250.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { concatBytes } from '@tallystick/core'
import type { Engine } from '@tallystick/protocol'
import { decode } from '../arena.ts'
import { base64 } from './fma.wasm.ts'
import { hashScale, scale, type HashScaleInput, type ScaleInput, type ScaleOutput } from './kernels.ts'
import { candidateOf, nextCandidate } from './reference.ts'
import { checkHashScale, checkScale, integerOf, order } from './shapes.ts'

interface Exports {
  readonly memory: WebAssembly.Memory
  readonly BLOCK: WebAssembly.Global<'i32'>
  readonly POINTS: WebAssembly.Global<'i32'>
  readonly SCALAR: WebAssembly.Global<'i32'>
  readonly fused: () => number
  readonly init: () => void
  readonly read: (rows: number) => number
  readonly isBad: (row: number) => number
  readonly multiply: (rows: number) => void
  readonly write: (rows: number) => void
  readonly wipe: (rows: number) => void
}

export interface P256Engine {
  readonly hashScale: (input: HashScaleInput) => Uint8Array
  readonly scale: (input: ScaleInput) => ScaleOutput
}

const width = 33

/** Scalars that the regular recoding does not take. */
const isAtAnEnd = (scalar: Uint8Array): boolean => {
  const value = integerOf(scalar)
  return value < 32n || value > order - 32n
}

export const engineOn = (exports: Exports): P256Engine => {
  const block = exports.BLOCK.value
  const at = (address: number, length: number): Uint8Array => new Uint8Array(exports.memory.buffer, address, length)

  /** Calls `work` for each block of rows [from, to) once it stands in the module; the first bad row, or -1. */
  const blocks = (points: Uint8Array, work: (from: number, to: number) => void): number => {
    const rows = points.length / width
    let bad = -1
    try {
      for (let from = 0; from < rows; from += block) {
        const to = Math.min(rows, from + block)
        at(exports.POINTS.value, width * (to - from)).set(points.subarray(width * from, width * to))
        const first = exports.read(to - from)
        if (bad < 0 && first >= 0) bad = from + first
        work(from, to)
      }
    } finally {
      exports.wipe(Math.min(block, rows))
    }
    return bad
  }

  const multiply = ({ scalar, points }: ScaleInput): ScaleOutput => {
    const out = new Uint8Array(points.length)
    const bad = blocks(points, (from, to) => {
      at(exports.SCALAR.value, 32).set(scalar)
      exports.multiply(to - from)
      exports.write(to - from)
      out.set(at(exports.POINTS.value, width * (to - from)), width * from)
    })
    return { points: out, bad }
  }

  /** Points with the first x of each row that is on the curve, and its even y. */
  const hash = ({ bytes, offsets }: HashScaleInput): Uint8Array => {
    const out = new Uint8Array(width * (offsets.length - 1))
    let open = Array.from({ length: offsets.length - 1 }, (_, row) => ({
      row,
      candidate: candidateOf(bytes.subarray(offsets[row], offsets[row + 1])),
    }))
    while (open.length > 0) {
      const points = concatBytes(...open.map(({ candidate }) => candidate))
      const missed: typeof open = []
      blocks(points, (from, to) => {
        for (let i = from; i < to; i++) {
          const { row, candidate } = open[i]!
          if (exports.isBad(i - from) === 0) out.set(candidate, width * row)
          else missed.push({ row, candidate: nextCandidate(candidate) })
        }
      })
      open = missed
    }
    return out
  }

  return {
    scale: (input) => (isAtAnEnd(checkScale(input).scalar) ? scale.run(input) : multiply(input)),
    hashScale: (input) =>
      isAtAnEnd(checkHashScale(input).scalar)
        ? hashScale.run(input)
        : multiply({ scalar: input.scalar, points: hash(input) }).points,
  }
}

/** SHA-256 of what {@link answers} gives by the reference. */
export const knownAnswers = 'b9b73d81879636d9c50229e1db72537887f868c201c55739e92d134374700db0'

/** What each kernel gives on a few rows, a bad one among them. */
export const answers = (engine: P256Engine): Uint8Array => {
  const scalar = Uint8Array.from({ length: 32 }, (_, i) => 7 * i + 1)
  const points = engine.hashScale({ scalar, bytes: hexToBytes('00010203'), offsets: Uint32Array.of(0, 1, 3, 4) })
  const holed = points.slice()
  holed[width] = 4
  const scaled = engine.scale({ scalar: scalar.toReversed(), points: holed })
  return concatBytes(points, scaled.points, Uint8Array.of(scaled.bad))
}

/** undefined where this JavaScript engine does not know the instructions, does not fuse them, or computes wrongly. */
export const instantiate = async (): Promise<P256Engine | undefined> => {
  const bytes = decode(base64)
  if (!WebAssembly.validate(bytes)) return undefined
  const { instance } = await WebAssembly.instantiate(bytes, {})
  const exports = instance.exports as unknown as Exports
  if (exports.fused() !== 1) return undefined
  exports.init()
  const engine = engineOn(exports)
  return bytesToHex(sha256(answers(engine))) === knownAnswers ? engine : undefined
}

export const loadP256 = async (): Promise<Engine> => {
  const engine = (await instantiate()) ?? { hashScale: hashScale.run, scale: scale.run }
  return { 'p256/hash-scale': engine.hashScale, 'p256/scale': engine.scale }
}
