/** Products under encryption in WebAssembly. One call at a time; memory that held secrets is wiped. */
import type { Engine } from '@tallystick/protocol'
import { arithmetic, type RingExports } from '../rlwe/engine.ts'
import type { PublicStream } from '../rlwe/kernels.ts'
import { inverseModulo, inverseOf, radixInverses, residueOf, type ProductArithmetic } from './arithmetic.ts'
import { base64 } from './bgv.wasm.ts'
import { kernelsOn } from './kernels.ts'
import { packedBytes } from './shapes.ts'

type Numbers = (address: number, words: number, limbs: number, mask: number, less: bigint, n: number, q: bigint) => void

interface Exports extends RingExports {
  readonly numbers: Numbers
  divide(value: number, last: number, inverse: bigint, minus: bigint, t: bigint, n: number, q: bigint): void
  /** out, a, b; the inverse of q, q and p·q modulo t, factor, t; n, q, p. */
  reduce(...given: [number, number, number, bigint, bigint, bigint, bigint, bigint, number, bigint, bigint]): bigint
  /** out, values, primes, inverses, digits; count of primes, limbs, numbers, words between residues of one number. */
  recombine(...given: [number, number, number, number, number, number, number, number]): void
  pack(out: number, values: number, bits: number, n: number): void
  unpack(out: number, packed: number, bits: number, n: number, q: bigint): number
}

const bytesOf = (words: BigUint64Array): Int32Array => new Int32Array(words.buffer, words.byteOffset, 2 * words.length)

const productsOn = (wasm: Exports, n: number, moduli: BigUint64Array): ProductArithmetic<number, number> => {
  const on = arithmetic(wasm, n, moduli)
  /** Bytes of nothing, 8 more than asked. */
  const room = (bytes: number): number => on.small(new Int32Array(Math.ceil(bytes / 4) + 2))
  return {
    ...on,
    numbers(words, limbs, mask, less, q) {
      const out = room(8 * n)
      const at = on.small(new Int32Array(words.buffer, words.byteOffset, words.length))
      wasm.numbers(out, at, limbs, mask, less, n, q)
      return out
    },
    divide(value, last, qLast, t, q) {
      const minus = residueOf(-inverseModulo(qLast, t), t)
      wasm.divide(value, last, inverseOf(qLast, q), minus, t, n, q)
    },
    reduce(value, b, factor, t, count, q, p) {
      const [inverse, residue, product] = [inverseOf(q, p), residueOf(q, t), residueOf(q * p, t)]
      return wasm.reduce(value, value, b, inverse, residue, product, factor, t, count, q, p)
    },
    recombine(values, primes, count, limbs) {
      const all = room(8 * count * primes.length)
      const memory = new Uint8Array(wasm.memory.buffer)
      for (const [j, value] of values.entries()) memory.copyWithin(all + 8 * count * j, value, value + 8 * count)
      const [p, inverses] = [primes, radixInverses(primes)].map((list) => on.small(bytesOf(BigUint64Array.from(list))))
      const out = room(4 * limbs * count)
      wasm.recombine(out, all, p!, inverses!, room(8 * primes.length), primes.length, limbs, count)
      return new Uint32Array(wasm.memory.buffer, out, limbs * count).slice()
    },
    words: (value, count) => new Uint32Array(wasm.memory.buffer, value, 2 * count).slice(),
    pack(value, bits, count) {
      const out = room(packedBytes(count, bits))
      wasm.pack(out, value, bits, count)
      return new Uint8Array(wasm.memory.buffer, out, packedBytes(count, bits)).slice()
    },
    unpack(packed, bits, count, q) {
      const value = room(8 * n)
      const at = room(packed.length)
      new Uint8Array(wasm.memory.buffer).set(packed, at)
      return { value, above: wasm.unpack(value, at, bits, count, q) }
    },
  }
}

/** `stream`: a faster one than the portable. */
export const loadProducts = async (stream?: PublicStream): Promise<Engine> => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const { instance } = await WebAssembly.instantiate(bytes, {})
  const wasm = instance.exports as unknown as Exports
  const kernels = kernelsOn((n, moduli) => productsOn(wasm, n, moduli), stream)
  const wiped = Object.entries(kernels).map(([name, run]) => [
    `bgv/${name}`,
    (input: never) => {
      try {
        return run(input)
      } finally {
        new Uint8Array(wasm.memory.buffer, wasm.BASE.value).fill(0)
      }
    },
  ])
  return Object.fromEntries(wiped)
}
