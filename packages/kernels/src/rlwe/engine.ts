/** The arithmetic in WebAssembly. One call at a time; memory that held secrets is wiped, and reused by the next. */
import type { Engine } from '@tallystick/protocol'
import { align } from '../arena.ts'
import type { Arithmetic } from './arithmetic.ts'
import { encodingWith } from './encoding.ts'
import { evaluateWith } from './evaluate.ts'
import { loadInterpolation } from './module.ts'
import { kernelsOn, type PublicStream } from './kernels.ts'
import { base64 } from './ring.wasm.ts'
import { inversePowers, power, rootPowers } from './ring.ts'

/** What the modules that compute on polynomials export. */
export interface RingExports {
  readonly memory: WebAssembly.Memory
  readonly BASE: WebAssembly.Global<'i32'>
  transform(values: number, powers: number, n: number, q: bigint): void
  inverse(values: number, powers: number, n: number, inverseDegree: bigint, q: bigint): void
  scaledDifference(out: number, a: number, b: number, factor: bigint, n: number, q: bigint): void
  scale(out: number, a: number, factor: bigint, n: number, q: bigint): void
  permute(out: number, a: number, places: number, n: number): void
  negativeProduct(out: number, a: number, b: number, c: number, n: number, q: bigint): void
  addProduct(out: number, a: number, b: number, n: number, q: bigint): void
  addScaled(out: number, a: number, factor: bigint, n: number, q: bigint): void
  lift(out: number, small: number, factor: bigint, plain: number, t: bigint, n: number, q: bigint): void
  uniform(out: number, random: number, words: number, n: number, q: bigint): number
  binomial(out: number, random: number, n: number): void
}

const page = 65_536

/** `transforms`: whether its user transforms; tables of roots are half of what a small call copies. */
export const arithmetic = (
  wasm: RingExports,
  n: number,
  moduli: BigUint64Array,
  transforms = true,
): Arithmetic<number, number> => {
  let top = align(wasm.BASE.value)
  const allocate = (bytes: number): number => {
    const at = top
    top = align(at + bytes)
    const missing = top - wasm.memory.buffer.byteLength
    if (missing > 0) wasm.memory.grow(Math.ceil(missing / page))
    return at
  }
  const bytesAt = (bytes: Uint8Array): number => {
    const at = allocate(bytes.length)
    new Uint8Array(wasm.memory.buffer).set(bytes, at)
    return at
  }
  const viewOf = ({ buffer, byteOffset, byteLength }: BigUint64Array | Int32Array): Uint8Array =>
    new Uint8Array(buffer, byteOffset, byteLength)
  const primes = transforms ? [...moduli] : []
  const powers = new Map(primes.map((q) => [q, bytesAt(viewOf(rootPowers(n, q)))]))
  const inverses = new Map(primes.map((q) => [q, bytesAt(viewOf(inversePowers(n, q)))]))
  return {
    within(work) {
      const mark = top
      try {
        return work()
      } finally {
        top = mark
      }
    },
    polynomial: (residues) => bytesAt(viewOf(residues)),
    small: (words) => bytesAt(viewOf(words)),
    read: (value) => new BigUint64Array(wasm.memory.buffer, value, n).slice(),
    transform: (value, q) => wasm.transform(value, powers.get(q)!, n, q),
    inverse: (value, q) => wasm.inverse(value, inverses.get(q)!, n, power(BigInt(n), q - 2n, q), q),
    scaledDifference: (out, a, b, factor, q) => wasm.scaledDifference(out, a, b, factor, n, q),
    scale: (out, a, factor, q) => wasm.scale(out, a, factor, n, q),
    permute: (out, a, places) => wasm.permute(out, a, places, n),
    negativeProduct: (out, a, b, c, q) => wasm.negativeProduct(out, a, b, c, n, q),
    addProduct: (out, a, b, q) => wasm.addProduct(out, a, b, n, q),
    addScaled: (out, a, factor, q) => wasm.addScaled(out, a, factor, n, q),
    lift: (out, small, factor, plain, t, q) => wasm.lift(out, small, factor, plain, t, n, q),
    uniform: (out, from, random, q) =>
      from + wasm.uniform(out + 8 * from, bytesAt(random), random.length >> 3, n - from, q),
    binomial(random) {
      const out = allocate(4 * n)
      wasm.binomial(out, bytesAt(random), n)
      return out
    },
  }
}

/** `stream`: a faster one than the portable. */
export const loadRing = async (stream?: PublicStream): Promise<Engine> => {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const { instance } = await WebAssembly.instantiate(bytes, {})
  const wasm = instance.exports as unknown as RingExports
  const fresh = (n: number, moduli: BigUint64Array, transforms?: boolean) =>
    arithmetic(wasm, n, moduli, transforms) as Arithmetic<unknown, unknown>
  const { expand, encrypt, switchKeys, mask } = kernelsOn(fresh, stream)
  const { encode, encodeReals, decrypt } = encodingWith(fresh)
  const wiped =
    <I, O>(run: (input: I) => O) =>
    (input: I): O => {
      try {
        return run(input)
      } finally {
        new Uint8Array(wasm.memory.buffer, wasm.BASE.value).fill(0)
      }
    }
  return {
    ...(await loadInterpolation()),
    'rlwe/encode': wiped(encode),
    'rlwe/encode-reals': wiped(encodeReals),
    'rlwe/decrypt': wiped(decrypt),
    // Nothing that these see is secret, and what the others leave is wiped.
    'rlwe/evaluate': evaluateWith(fresh),
    'rlwe/expand': expand,
    'rlwe/encrypt': wiped(encrypt),
    'rlwe/switch-keys': wiped(switchKeys),
    'rlwe/mask': wiped(mask),
  }
}
