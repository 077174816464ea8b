/** Microsoft SEAL and our own kernels: what one makes the other understands, residue for residue. */
import { createHash } from 'node:crypto'
import { concatBytes, createRng } from '@tallystick/core'
import {
  rlweDecrypt,
  rlweEncode,
  rlweEncodeReals,
  rlweEncrypt,
  rlweEvaluate,
  rlweExpand,
  rlweMask,
  rlweSwitchKeys,
  ternary,
  type RlweEvaluateInput,
  type Instruction,
  type RingCiphertext,
  type RingPlaintext,
} from '@tallystick/kernels'
import { wasmEngine } from '@tallystick/kernels/engine'
import { runKernel, type Kernel } from '@tallystick/protocol'
import { initialize } from 'node-seal'
import { describe, expect, test } from 'vitest'
import { bigintArithmetic } from '../../kernels/src/rlwe/arithmetic.ts'
import { sealEngine } from '../src/seal/engine.ts'
import { ciphertextBytes, plaintextPieces } from '../src/seal/format.ts'

const portable = await wasmEngine()
const onSeal = await sealEngine()
const seal = await initialize()
const run = <I, O>(kernel: Kernel<I, O>, input: I): O => runKernel(portable, kernel, input)

const degree = 4096
const seed = (name: string): Uint8Array => createHash('sha256').update(name).digest()
const secretCoins = createRng(seed('secret'))
const secret = ternary((bytes) => secretCoins.bytes(bytes), degree)
/** 36, 36 and 37 bits: all that a degree of 4096 allows at 128 bits of security. */
const moduli = BigUint64Array.from(
  Array.from({ length: 3 }, (_, i) =>
    seal.CoeffModulus.Create(degree, Int32Array.of(36, 36, 37))
      .get(i)!
      .value(),
  ),
)
const t = 65537n
const scale = 2 ** 30
const bytesOf = (values: unknown): Uint8Array => new Uint8Array((values as BigUint64Array).slice().buffer)

/** s in NTT form modulo each prime, by the reference. */
const transformed = (): BigUint64Array => {
  const on = bigintArithmetic(degree)
  const out = new BigUint64Array(moduli.length * degree)
  moduli.forEach((q, i) => {
    const s = new BigUint64Array(degree)
    on.lift(s, Int32Array.from(secret), 1n, new BigUint64Array(degree), 1n, q)
    on.transform(s, q)
    out.set(s, i * degree)
  })
  return out
}
const secretForm = transformed()

const schemeOf = (scheme: 'bgv' | 'ckks') => {
  const plainModulus = scheme === 'bgv' ? t : 0n
  const parameters = new seal.EncryptionParameters(seal.SchemeType[scheme])
  parameters.setPolyModulusDegree(degree)
  parameters.setCoeffModulus(seal.vecFromArrayModulus(Array.from(moduli, (q) => new seal.Modulus(q))))
  if (scheme === 'bgv') parameters.setPlainModulus(new seal.Modulus(t))
  const context = new seal.SEALContext(parameters, true, seal.SecLevelType.tc128)
  const integers = scheme === 'bgv' ? new seal.BatchEncoder(context) : undefined
  const reals = scheme === 'ckks' ? new seal.CKKSEncoder(context) : undefined
  const key = new seal.SecretKey()
  key.loadFromArray(context, concatBytes(...plaintextPieces(bytesOf(context.keyParmsId().values()), 1, secretForm)))
  const decryptor = new seal.Decryptor(context, key)

  const encode = (values: readonly number[]): RingPlaintext => {
    const plain = new seal.Plaintext()
    if (reals) reals.encode(Float64Array.from(values), scale, plain)
    else integers!.encode(BigInt64Array.from(values, BigInt), plain)
    const bytes = plain.saveToArray(seal.ComprModeType.none) as Uint8Array
    const count = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(48, true))
    const residues = new BigUint64Array(reals ? count : degree)
    residues.set(new BigUint64Array(bytes.slice(bytes.length - 8 * count).buffer))
    return { residues, scale: reals ? scale : 1 }
  }
  const data = moduli.subarray(0, 2)
  const encrypt = (values: readonly number[], row: number): RingCiphertext => {
    const { residues: plain } = encode(values)
    const common = { degree, moduli: data, publicSeed: seed('public'), first: row, rows: 1 }
    const first = run(rlweEncrypt, { ...common, secret, coins: seed('coins'), plainModulus, plain })
    const residues = new BigUint64Array(2 * first.length)
    residues.set(first)
    residues.set(run(rlweExpand, common), first.length)
    return { level: 2, size: 2, residues, correction: 1n, scale: scheme === 'bgv' ? 1 : scale }
  }
  const load = ({ level, ...value }: RingCiphertext) => {
    const data = level === 2 ? context.firstContextData() : context.lastContextData()
    const out = new seal.Ciphertext()
    const identity = bytesOf(data.parmsId().values())
    out.loadFromArray(context, ciphertextBytes({ identity, degree, level, ...value }))
    return out
  }
  const decrypt = (ciphertext: RingCiphertext): readonly number[] => {
    const plain = new seal.Plaintext()
    decryptor.decrypt(load(ciphertext), plain)
    return reals
      ? [...(reals.decodeFloat64(plain) as Float64Array)]
      : Array.from(integers!.decodeBigInt64(plain) as BigInt64Array, Number)
  }
  const budget = (ciphertext: RingCiphertext): number => decryptor.invariantNoiseBudget(load(ciphertext))
  const targets = Uint32Array.of(0, 3, 2 * degree - 1)
  const first = run(rlweSwitchKeys, {
    degree,
    moduli,
    publicSeed: seed('keys'),
    secret,
    coins: seed('k'),
    plainModulus,
    targets,
  })
  const second = run(rlweExpand, { degree, moduli, publicSeed: seed('keys'), first: 0, rows: 2 * targets.length })
  const input = (
    program: readonly Instruction[],
    outputs: readonly number[],
    inputs: readonly RingCiphertext[],
    plains: readonly RingPlaintext[] = [],
  ): RlweEvaluateInput => ({
    ...{ degree, moduli, plainModulus, program, outputs, inputs, plains },
    keys: { id: scheme, targets, first, second },
  })
  return { encode, encrypt, decrypt, budget, input, plainModulus, data, load, decryptor }
}

/** A ciphertext without a mask: c1 = 0. */
const both = (residues: BigUint64Array): BigUint64Array => {
  const out = new BigUint64Array(2 * residues.length)
  out.set(residues)
  return out
}

const left = Array.from({ length: degree / 2 }, (_, i) => (i % 29) - 14)
const right = Array.from({ length: degree / 2 }, (_, i) => (i % 31) - 15)

describe.each(['bgv', 'ckks'] as const)('%s', (scheme) => {
  const { encode, encrypt, decrypt, budget, input, plainModulus, data } = schemeOf(scheme)
  const near = (found: readonly number[], wanted: readonly number[], digits: number): void => {
    const error = Math.max(...wanted.map((value, i) => Math.abs(value - found[i]!)))
    expect(error).toBeLessThan(scheme === 'bgv' ? 1e-9 : 10 ** -digits)
  }

  test('the kernels encode and decrypt as SEAL does', () => {
    const values = [...left.map((x) => x * 3), ...right].slice(0, scheme === 'bgv' ? degree : degree / 2)
    const wanted = encode(values)
    const [ciphertext] = [encrypt(values, 4)]
    const common = { degree, moduli: data, plainModulus, secret }
    const { integers, reals, noiseBits, roomBits } = run(rlweDecrypt, { ...common, ciphertexts: [ciphertext] })
    expect(noiseBits).toBeLessThan(roomBits)
    if (scheme === 'bgv') {
      expect(run(rlweEncode, { degree, plainModulus, values: BigInt64Array.from(values, BigInt) })).toEqual(
        wanted.residues,
      )
      expect(Array.from(integers, Number)).toEqual(decrypt(ciphertext))
    } else {
      const own = run(rlweEncodeReals, { degree, moduli: data, scale, values: Float64Array.from(values) })
      // SEAL rounds elsewhere: single coefficients may differ by one.
      const [x, y] = [own, wanted.residues].map((residues) => decrypt({ ...ciphertext, residues: both(residues) }))
      expect(Math.max(...x!.map((value, i) => Math.abs(value - y![i]!)))).toBeLessThan(1e-5)
      expect(Math.max(...decrypt(ciphertext).map((value, i) => Math.abs(value - reals[i]!)))).toBeLessThan(1e-9)
    }
  })

  test('SEAL decrypts what the kernel encrypts', () => near(decrypt(encrypt(left, 0)), left, 3))

  const programs: Record<string, readonly [readonly Instruction[], (x: number, y: number, i: number) => number]> = {
    'adds, subtracts, negates': [
      [
        ['add', 2, 0, 1],
        ['negate', 2, 2],
        ['subtract', 2, 2, 0],
        ['add-plain', 2, 2, 0],
      ],
      (x, y) => -(x + y) - x + y,
    ],
    'multiplies by a plaintext': [[['multiply-plain', 2, 0, 0]], (x, y) => x * y],
    'multiplies and relinearises': [
      [
        ['multiply', 2, 0, 1],
        ['relinearise', 2, 2],
      ],
      (x, y) => x * y,
    ],
    'squares and rescales': [
      [
        ['multiply', 2, 0, 0],
        ['relinearise', 2, 2],
        ['rescale', 2, 2],
      ],
      (x) => x * x,
    ],
    rotates: [[['rotate', 2, 0, 3]], (_x, _y, i) => left[(i + 1) % left.length]!],
  }
  test.each(Object.entries(programs))('%s like the reference', (_, [program, expected]) => {
    const call = input(program, [2], [encrypt(left, 0), encrypt(right, 1)], [encode(right)])
    const [fast] = onSeal['rlwe/evaluate']!(call as never) as RingCiphertext[]
    const [slow] = run(rlweEvaluate, call)
    expect(fast).toEqual(slow)
    near(
      decrypt(fast!),
      left.map((x, i) => expected(x, right[i]!, i)),
      1,
    )
  })

  test('a mask hides the noise, and nothing of the message', () => {
    const c = encrypt(left, 0)
    const common = { degree, moduli: data, publicSeed: seed('key'), first: 0, rows: 1 }
    const plain = new BigUint64Array(degree * (scheme === 'bgv' ? 1 : 2))
    const own = run(rlweEncrypt, { ...common, secret, coins: seed('pk'), plainModulus, plain })
    const publicKey = new BigUint64Array(2 * own.length)
    publicKey.set(own)
    publicKey.set(run(rlweExpand, common), own.length)
    const bits = scheme === 'bgv' ? 40 : 15
    const residues = run(rlweMask, {
      degree,
      moduli: data,
      publicKey,
      coins: seed('mask'),
      plainModulus,
      bits,
      plain: new BigUint64Array(),
    })
    const [masked] = run(rlweEvaluate, input([['add', 0, 0, 1]], [0], [c, { ...c, residues }]))
    near(decrypt(masked!), left, 2)
    if (scheme === 'bgv') {
      // Of 72 bits, 16 are the plaintext's and 40 the flood's.
      expect(budget(c)).toBeGreaterThan(35)
      expect(budget(masked!)).toBeGreaterThan(10)
      expect(budget(masked!)).toBeLessThan(17)
    }
  })
})
