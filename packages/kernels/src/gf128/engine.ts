/**
 * `gf128/*` in WebAssembly. No branch and no address depends on an element or a factor (header of the assembly); what
 * WebAssembly cannot promise about time is said in `curve25519/engine.ts`.
 */
import type { Engine } from '@tallystick/protocol'
import { arenaOf, type ArenaExports } from '../arena.ts'
import type { EvaluateInput, PairsInput, ScaleInput } from './kernels.ts'
import { checkEvaluate, checkPairs, checkScale } from './shapes.ts'
import { base64 } from './simd.wasm.ts'

interface Exports extends ArenaExports {
  readonly setFactor: (place: number) => void
  readonly scale: (place: number, groups: number) => void
  readonly horner: (place: number, groups: number) => void
  readonly resetState: () => void
  readonly hornerState: (place: number) => void
  readonly multiply: (left: number, right: number, elements: number) => void
  readonly wipe: () => void
}

/** 16 elements. */
const groupBytes = 256
/** 64 KiB a piece. */
const pieceBytes = 65_536

const sumInto = (sum: Uint8Array, bytes: Uint8Array): void => {
  for (let i = 0; i < bytes.length; i++) sum[i & 15]! ^= bytes[i]!
}

export async function loadGf128(): Promise<Engine> {
  const arena = await arenaOf<Exports>(base64)
  const work = <T>(run: (exports: Exports, memory: Uint8Array, base: number) => T): T =>
    arena.run(2 * pieceBytes + groupBytes, (exports, base) => {
      try {
        return run(exports, new Uint8Array(exports.memory.buffer), base)
      } finally {
        exports.wipe()
      }
    })

  const scale = (input: ScaleInput): Uint8Array => {
    const { factor, elements } = checkScale(input)
    const out = new Uint8Array(elements.length)
    return work((exports, memory, base) => {
      memory.set(factor, base)
      exports.setFactor(base)
      for (let from = 0; from < elements.length; from += pieceBytes) {
        const piece = elements.subarray(from, from + pieceBytes)
        memory.set(piece, base)
        exports.scale(base, Math.ceil(piece.length / groupBytes))
        out.set(memory.subarray(base, base + piece.length), from)
      }
      return out
    })
  }

  /** The products of each piece, as a view of the module's memory. */
  const products = ({ left, right }: PairsInput, take: (piece: Uint8Array, from: number) => void): void =>
    work((exports, memory, base) => {
      for (let from = 0; from < left.length; from += pieceBytes) {
        const { length } = left.subarray(from, from + pieceBytes)
        memory.set(left.subarray(from, from + length), base)
        memory.set(right.subarray(from, from + length), base + pieceBytes)
        exports.multiply(base, base + pieceBytes, 2 * Math.ceil(length / 32))
        take(memory.subarray(base, base + length), from)
      }
    })

  const multiply = (input: PairsInput): Uint8Array => {
    const out = new Uint8Array(checkPairs('gf128/multiply', input).left.length)
    products(input, (piece, from) => out.set(piece, from))
    return out
  }

  const inner = (input: PairsInput): Uint8Array => {
    const sum = new Uint8Array(16)
    products(checkPairs('gf128/inner', input), (piece) => sumInto(sum, piece))
    return sum
  }

  /** x, x^2, …, x^16 by repeated scaling of one group. */
  const powers = (exports: Exports, memory: Uint8Array, base: number, point: Uint8Array): Uint8Array => {
    const out = new Uint8Array(groupBytes)
    out.set(point)
    memory.set(point, base)
    exports.setFactor(base)
    for (let i = 1; i < 16; i++) {
      memory.fill(0, base, base + groupBytes)
      memory.set(out.subarray(16 * i - 16, 16 * i), base)
      exports.scale(base, 1)
      out.set(memory.subarray(base, base + 16), 16 * i)
    }
    return out
  }

  /** One polynomial; the factor is point^16. */
  const value = (
    exports: Exports,
    memory: Uint8Array,
    base: number,
    power: Uint8Array,
    elements: Uint8Array,
  ): Uint8Array => {
    exports.resetState()
    const last = Math.max(0, Math.ceil(elements.length / pieceBytes) - 1) * pieceBytes
    for (let from = last; from >= 0; from -= pieceBytes) {
      const piece = elements.subarray(from, from + pieceBytes)
      const groups = Math.ceil(piece.length / groupBytes)
      memory.fill(0, base + piece.length, base + groups * groupBytes)
      memory.set(piece, base)
      exports.horner(base, groups)
    }
    // Stride j holds the coefficients of x^(16 i + j).
    exports.hornerState(base)
    const sum = memory.slice(base, base + 16)
    memory.copyWithin(base, base + 16, base + groupBytes)
    memory.set(power.subarray(0, 240), base + pieceBytes)
    memory.fill(0, base + 240, base + groupBytes)
    exports.multiply(base, base + pieceBytes, 16)
    sumInto(sum, memory.subarray(base, base + 240))
    return sum
  }

  const evaluate = (input: EvaluateInput): Uint8Array => {
    const { point, elements, polynomials } = checkEvaluate(input)
    const length = elements.length / polynomials
    return work((exports, memory, base) => {
      const power = powers(exports, memory, base, point)
      memory.set(power.subarray(240), base)
      exports.setFactor(base)
      const out = new Uint8Array(16 * polynomials)
      for (let row = 0; row < polynomials; row++) {
        out.set(value(exports, memory, base, power, elements.subarray(row * length, row * length + length)), 16 * row)
      }
      return out
    })
  }

  return { 'gf128/scale': scale, 'gf128/multiply': multiply, 'gf128/inner': inner, 'gf128/evaluate': evaluate }
}
