/**
 * Encryption and keys of ring-LWE schemes from given coins, in the form of Microsoft SEAL 4 (NTT form, data primes first,
 * the special prime last): Brakerski-Gentry-Vaikuntanathan (ia.cr/2011/277) and Cheon-Kim-Kim-Song (ia.cr/2016/421), key
 * switching by RNS decomposition with a special prime (Bajard-Eynard-Hasan-Zucca, ia.cr/2016/510; Kim-Polyakov-Zucca,
 * ia.cr/2021/204). SEAL draws its own coins; here they come in, so that a party stays a function of its seed and an
 * auditor can replay it byte for byte. What comes out, SEAL computes with and decrypts: the tests show it.
 *
 * Distributions are SEAL's: uniform ternary secrets, errors of a centred binomial with 21 coins a side (standard deviation
 * 3.24), as the security tables of HomomorphicEncryption.org assume (at least 3.19).
 */
import { chacha20 } from '@noble/ciphers/chacha.js'
import { createRng } from '@tallystick/core'
import type { Kernel } from '@tallystick/protocol'
import { bigintArithmetic, type Arithmetic } from './arithmetic.ts'
import { checkRing, power } from './ring.ts'

interface Ring {
  /** n: 1024 to 32768 in use. */
  readonly degree: number
  /** Primes of 32 to 50 bits, 1 mod 2n. */
  readonly moduli: BigUint64Array
}

export interface ExpandInput extends Ring {
  /** 32 bytes, sent in place of the second components. */
  readonly publicSeed: Uint8Array
  /** Index of the first ciphertext. */
  readonly first: number
  readonly rows: number
}

export interface EncryptInput extends ExpandInput {
  /** n words of -1, 0, 1. */
  readonly secret: Int8Array
  /** 32 bytes: the coins of the errors. */
  readonly coins: Uint8Array
  /** Plain modulus of BGV; 0 for CKKS. */
  readonly plainModulus: bigint
  /** BGV: rows × n coefficients modulo t. CKKS: rows × moduli × n residues in NTT form. */
  readonly plain: BigUint64Array
}

export interface SwitchKeysInput extends Ring {
  readonly publicSeed: Uint8Array
  readonly secret: Int8Array
  readonly coins: Uint8Array
  readonly plainModulus: bigint
  /** Galois elements; 0 stands for the square of the secret (relinearisation). */
  readonly targets: Uint32Array
}

export interface MaskInput extends Ring {
  /** 2 × moduli × n: an encryption of zero under the receiver's key. */
  readonly publicKey: BigUint64Array
  readonly coins: Uint8Array
  readonly plainModulus: bigint
  /** The flood is uniform over 2^bits values around zero, times t; 0 for none. */
  readonly bits: number
  /** BGV: n coefficients modulo t that are encrypted; empty for zero. */
  readonly plain: BigUint64Array
}

type Numbers = Arithmetic<unknown, unknown>

/**
 * Bytes that both ends derive from a public seed: the ChaCha20 key stream (RFC 8439) under the seed as key and, as nonce,
 * prime (4 bytes) and row (8 bytes), little endian; 64·`blocks` bytes from block `from` on.
 */
export type PublicStream = (seed: Uint8Array, nonce: Uint8Array, from: number, blocks: number) => Uint8Array

export const portableStream: PublicStream = (seed, nonce, from, blocks) => {
  const out = new Uint8Array(64 * blocks)
  return chacha20(seed, nonce, out, out, from)
}

/** Uniform residues that both ends derive from the public seed: 64-bit words, masked to the bits of q, below q. */
const second = (
  { on, stream }: Ground,
  { degree, publicSeed }: ExpandInput,
  row: number,
  prime: number,
  q: bigint,
): unknown => {
  const nonce = new Uint8Array(12)
  const view = new DataView(nonce.buffer)
  view.setUint32(0, prime, true)
  view.setBigUint64(4, BigInt(row), true)
  const out = on.polynomial(new BigUint64Array(degree))
  for (let found = 0, block = 0; found < degree;) {
    const blocks = Math.ceil((degree - found) / 8) + 8
    found = on.uniform(out, found, stream(publicSeed, nonce, block, blocks), q)
    block += blocks
  }
  return out
}

interface Ground {
  readonly on: Numbers
  readonly stream: PublicStream
}

const expandOn = (ground: Ground, input: ExpandInput): BigUint64Array => {
  const { on } = ground
  const { degree, moduli, first, rows } = input
  const out = new BigUint64Array(rows * moduli.length * degree)
  for (let row = 0; row < rows; row++) {
    for (const [i, q] of moduli.entries()) {
      const residues = on.within(() => on.read(second(ground, input, first + row, i, q)))
      out.set(residues, (row * moduli.length + i) * degree)
    }
  }
  return out
}

/** The secret in NTT form, for each prime. */
const secretOn = (on: Numbers, { degree, moduli }: Ring, secret: Int8Array): unknown[] => {
  const words = on.small(Int32Array.from(secret))
  const nothing = on.polynomial(new BigUint64Array(degree))
  return Array.from(moduli, (q) => {
    const s = on.polynomial(new BigUint64Array(degree))
    on.lift(s, words, 1n, nothing, 1n, q)
    on.transform(s, q)
    return s
  })
}

const encryptOn = (ground: Ground, input: EncryptInput): BigUint64Array => {
  const { on } = ground
  const { degree, moduli, first, rows, coins, plainModulus: t, plain } = input
  const secret = secretOn(on, input, input.secret)
  const errors = createRng(coins)
  const out = new BigUint64Array(rows * moduli.length * degree)
  const width = t === 0n ? moduli.length * degree : degree
  const encryptRow = (row: number): void => {
    const error = on.binomial(errors.fork(`${first + row}`).bytes(6 * degree))
    const message = plain.subarray(row * width, (row + 1) * width)
    for (const [i, q] of moduli.entries()) {
      const m = on.polynomial(t === 0n ? new BigUint64Array(degree) : message)
      const x = on.polynomial(new BigUint64Array(degree))
      on.lift(x, error, t === 0n ? 1n : t % q, m, t === 0n ? 1n : t, q)
      on.transform(x, q)
      if (t === 0n) on.addScaled(x, on.polynomial(message.subarray(i * degree, (i + 1) * degree)), 1n, q)
      on.negativeProduct(x, second(ground, input, first + row, i, q), secret[i], x, q)
      out.set(on.read(x), (row * moduli.length + i) * degree)
    }
  }
  for (let row = 0; row < rows; row++) on.within(() => encryptRow(row))
  return out
}

/** Coefficients of s(x^g). */
const automorphism = (secret: Int8Array, g: number): Int8Array => {
  const n = secret.length
  const out = new Int8Array(n)
  for (let i = 0; i < n; i++) {
    const at = (i * g) % (2 * n)
    out[at % n] = at < n ? secret[i]! : -secret[i]!
  }
  return out
}

const switchKeysOn = (ground: Ground, input: SwitchKeysInput): BigUint64Array => {
  const { on } = ground
  const { degree, moduli, secret, targets } = input
  const digits = moduli.length - 1
  const special = moduli[digits]!
  const own = secretOn(on, input, secret)
  const rows = targets.length * digits
  // Encryptions of zero at the key level …
  const out = encryptOn(ground, {
    ...input,
    ...{ first: 0, rows, plain: new BigUint64Array(rows * (input.plainModulus === 0n ? moduli.length : 1) * degree) },
  })
  for (const [target, g] of targets.entries()) {
    const moved = g === 0 ? undefined : secretOn(on, input, automorphism(secret, g))
    for (let i = 0; i < digits; i++) {
      // … to whose i-th residue, in the i-th key, the special prime times the other secret is added.
      const q = moduli[i]!
      const other = moved?.[i] ?? on.polynomial(new BigUint64Array(degree))
      if (moved === undefined) on.addProduct(other, own[i], own[i], q)
      const at = ((target * digits + i) * moduli.length + i) * degree
      const sum = on.polynomial(out.subarray(at, at + degree))
      on.addScaled(sum, other, special % q, q)
      out.set(on.read(sum), at)
    }
  }
  return out
}

const digitBits = 30

/** Little-endian signed digits of n uniform integers of `bits` bits, around zero. */
const floodDigits = (random: Uint8Array, degree: number, bits: number): Int32Array[] => {
  const words = new DataView(random.buffer, random.byteOffset, random.length)
  return Array.from({ length: Math.ceil(bits / digitBits) }, (_, digit) => {
    const width = Math.min(digitBits, bits - digit * digitBits)
    const top = (digit + 1) * digitBits >= bits
    const out = new Int32Array(degree)
    const [mask, offset] = [2 ** width - 1, top ? 2 ** (width - 1) : 0]
    for (let i = 0; i < degree; i++) out[i] = (words.getUint32(4 * (digit * degree + i), true) & mask) - offset
    return out
  })
}

const maskOn = ({ on }: Ground, input: MaskInput): BigUint64Array => {
  const { degree, moduli, publicKey, coins, plainModulus, bits } = input
  const t = plainModulus === 0n ? 1n : plainModulus
  const rng = createRng(coins)
  const blinding = rng.fork('u')
  const blind = ternary((bytes) => blinding.bytes(bytes), degree)
  const errors = ['e0', 'e1'].map((label) => on.binomial(rng.fork(label).bytes(6 * degree)))
  const digits = Math.ceil(bits / digitBits)
  const flood = floodDigits(rng.fork('flood').bytes(4 * digits * degree), degree, bits).map((words) => on.small(words))
  const nothing = on.polynomial(new BigUint64Array(degree))
  const u = secretOn(on, input, blind)
  const out = new BigUint64Array(2 * moduli.length * degree)
  for (const component of [0, 1]) {
    for (const [i, q] of moduli.entries()) {
      const at = (component * moduli.length + i) * degree
      const x = on.polynomial(new BigUint64Array(degree))
      const message = component === 0 && input.plain.length > 0 ? on.polynomial(input.plain) : undefined
      on.lift(x, errors[component], t % q, message ?? nothing, message === undefined ? 1n : t, q)
      if (component === 0) {
        for (const [digit, words] of flood.entries()) {
          const part = on.polynomial(new BigUint64Array(degree))
          on.lift(part, words, (t * power(2n, BigInt(digit * digitBits), q)) % q, nothing, 1n, q)
          on.addScaled(x, part, 1n, q)
        }
      }
      on.transform(x, q)
      on.addProduct(x, on.polynomial(publicKey.subarray(at, at + degree)), u[i], q)
      out.set(on.read(x), at)
    }
  }
  return out
}

/** n uniform words of -1, 0, 1; `draw` gives the next random bytes. A byte of at least 252 is drawn again. */
export const ternary = (draw: (bytes: number) => Uint8Array, degree: number): Int8Array => {
  const out = new Int8Array(degree)
  for (let found = 0; found < degree;) {
    for (const byte of draw(degree - found + 32)) {
      if (byte >= 252 || found === degree) continue
      out[found++] = (byte % 3) - 1
    }
  }
  return out
}

const rowsOf = (input: ExpandInput): number => input.rows
const concat = (parts: readonly BigUint64Array[]): BigUint64Array => {
  const out = new BigUint64Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

/** The kernels over an arithmetic that is made for each call. */
export const kernelsOn = (
  arithmetic: (degree: number, moduli: BigUint64Array, transforms?: boolean) => Numbers,
  stream: PublicStream = portableStream,
) => {
  const on = <I extends Ring & { readonly plainModulus?: bigint }, O>(
    compute: (ground: Ground, input: I) => O,
    transforms = true,
  ) => {
    return (input: I): O => {
      checkRing(input.degree, input.moduli, undefined, input.plainModulus)
      return compute({ on: arithmetic(input.degree, input.moduli, transforms), stream }, input)
    }
  }
  return { expand: on(expandOn, false), encrypt: on(encryptOn), switchKeys: on(switchKeysOn), mask: on(maskOn) }
}

const reference = kernelsOn(bigintArithmetic)

/** rows × moduli × n residues: the second components, which a public seed stands for. */
export const expand: Kernel<ExpandInput, BigUint64Array> = {
  name: 'rlwe/expand',
  run: reference.expand,
  batch: {
    rows: rowsOf,
    slice: (input, from, to) => ({ ...input, first: input.first + from, rows: to - from }),
    join: concat,
  },
}

/** rows × moduli × n residues: the first components c0 = m + t·e - c1·s. */
export const encrypt: Kernel<EncryptInput, BigUint64Array> = {
  name: 'rlwe/encrypt',
  run: reference.encrypt,
  batch: {
    rows: rowsOf,
    slice(input, from, to) {
      const width = input.rows === 0 ? 0 : input.plain.length / input.rows
      const plain = input.plain.subarray(from * width, to * width)
      return { ...input, first: input.first + from, rows: to - from, plain }
    },
    join: concat,
  },
}

/** targets × digits × moduli × n residues: first components of the keys; the second are `expand`ed from the seed. */
export const switchKeys: Kernel<SwitchKeysInput, BigUint64Array> = {
  name: 'rlwe/switch-keys',
  run: reference.switchKeys,
}

/** 2 × moduli × n residues: an encryption under the public key, of zero or of `plain`, with noise that floods what it is added to. */
export const mask: Kernel<MaskInput, BigUint64Array> = { name: 'rlwe/mask', run: reference.mask }
