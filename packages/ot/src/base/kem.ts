/**
 * Post-quantum base transfers: Masny and Rindal, "Endemic Oblivious Transfer" (CCS 2019, ia.cr/2019/706), which
 * names Kyber as an instance, on ML-KEM-768 (FIPS 203): the public vectors t of keys are pseudorandom in R_q^3 (module
 * LWE), so the receiver can show r_0 and r_1 of which only one holds a key whose secret it knows.
 *
 *     sender                                                     receiver, choice bit c of each transfer i
 *     ------------------------------------------------------------------------------------------
 *                                                                ((t, rho), sk) <- KeyGen, r_(1-c) <- R_q^3
 *                          otKemMasks: rho, r_0, r_1             r_c = t - H(i, c, rho, r_(1-c))
 *                          <--------------------------------
 *     t_c = r_c + H(..), (x_c, s_c) = Encaps(t_c, rho)
 *                          otKemCiphertexts: x_0, x_1
 *                          -------------------------------->     s_c = Decaps(sk, x_c)
 *     K_c = H'(i, c, rho, r_0, r_1, x_0, x_1, s_c)               K_c likewise
 *
 * Security. Malicious, either end, endemic: H, H' random oracles (SHA-256, then SHAKE128 with rejection into R_q^3), ML-KEM
 * with pseudorandom public keys under module LWE; 128 bits and more also against quantum computers (category 3). The seed
 * rho is bound by H, and the matrix is a random oracle's value of it.
 * Leakage. None. Cost. 2 rounds, 4512 bytes a transfer, about 2 ms of CPU a transfer for both ends (noble).
 * Constant time. Not promised by noble; the choice is by masks, and samples of public strings depend on them.
 */
import { concatBytes, taggedDigest, TallyError, u32 } from '@tallystick/core'
import { mlkemDecapsulate, mlkemEncapsulate, mlkemKeys, mlkemUniform } from '@tallystick/kernels'
import type { Context, Routine } from '@tallystick/protocol'
import { bitAt, blockBytes } from '../bytes.ts'
import type { BlockCost } from '../interface.ts'
import type { BaseSent } from './index.ts'
import { type BaseMessages, ciphertextBytes, kemMaskBytes, seedBytes, vectorBytes } from './messages.ts'

type Wire = Context<BaseMessages<'each', 'each'>, string>

const modulus = 3329
/** Two seeds of a key, and the seed of the other vector. */
const receiverCoins = 3 * seedBytes

export const kemCost = (n: number): BlockCost => ({
  rounds: n === 0 ? 0 : 2,
  bytes: n * (kemMaskBytes + 2 * ciphertextBytes),
  coins: { sender: 2 * seedBytes * n, receiver: n * receiverCoins },
})

const misbehaved = (peer: string, message: string): TallyError =>
  new TallyError('peer/misbehaved', { peer }, `base transfers of ${peer}: ${message}`, {
    remedy: `ask ${peer} which software it runs: the agreed protocol does not send this; keep the journal`,
  })

const row = (rows: Uint8Array, width: number, i: number): Uint8Array => rows.subarray(width * i, width * (i + 1))

/** The coefficients of packed vectors, 12 bits each. */
const unpack = (packed: Uint8Array): Uint16Array => {
  const out = new Uint16Array((packed.length / 3) * 2)
  for (let i = 0, at = 0; i < out.length; i += 2, at += 3) {
    out[i] = packed[at]! | ((packed[at + 1]! & 15) << 8)
    out[i + 1] = (packed[at + 1]! >> 4) | (packed[at + 2]! << 4)
  }
  return out
}

const pack = (values: Uint16Array): Uint8Array => {
  const out = new Uint8Array((values.length / 2) * 3)
  for (let i = 0, at = 0; i < values.length; i += 2, at += 3) {
    out[at] = values[i]! & 255
    out[at + 1] = (values[i]! >> 8) | ((values[i + 1]! & 15) << 4)
    out[at + 2] = values[i + 1]! >> 4
  }
  return out
}

/** a + sign · b modulo q, of vectors with coefficients below q; no branch on them. */
const combine = (a: Uint8Array, b: Uint8Array, sign: 1 | -1): Uint8Array => {
  const [x, y] = [unpack(a), unpack(b)]
  for (let i = 0; i < x.length; i++) {
    const sum = x[i]! + sign * y[i]!
    // One correction by q: up where the difference is negative, down where the sum is too large.
    const up = sum + (modulus & (sum >> 31))
    x[i] = up - modulus + (modulus & ((up - modulus) >> 31))
  }
  return pack(x)
}

/** The seed of H(i, c, rho, r), a vector of R_q^3. */
const seedOf = (i: number, choice: number, rho: Uint8Array, vector: Uint8Array): Uint8Array =>
  taggedDigest('tallystick/ot/base-kem/mask/v1', u32(i), Uint8Array.of(choice), rho, vector)

const keyOf = (i: number, choice: number, masks: Uint8Array, ciphertexts: Uint8Array, secret: Uint8Array): Uint8Array =>
  taggedDigest('tallystick/ot/base-kem/key/v1', u32(i), Uint8Array.of(choice), masks, ciphertexts, secret).subarray(
    0,
    blockBytes,
  )

/** Of a transfer's masks: rho, r_0, r_1. */
const partsOf = (mask: Uint8Array) => ({
  rho: mask.subarray(0, seedBytes),
  vectors: [0, 1].map((c) => mask.subarray(seedBytes + vectorBytes * c, seedBytes + vectorBytes * (c + 1))),
})

/** @throws TallyError peer/misbehaved for another number of masks, or coefficients that are no residues. */
export function* kemSend(ctx: Wire, peer: string, n: number): Routine<BaseSent> {
  const messages = ctx.rng.bytes(2 * seedBytes * n)
  const masks = yield* ctx.receive('otKemMasks', peer)
  if (masks.length !== kemMaskBytes * n) {
    throw misbehaved(peer, `expected ${kemMaskBytes * n} bytes of masks, found ${masks.length}`)
  }
  const seeds: Uint8Array[] = []
  for (let i = 0; i < n; i++) {
    const { rho, vectors } = partsOf(row(masks, kemMaskBytes, i))
    for (const choice of [0, 1]) {
      if (!unpack(vectors[choice]!).every((value) => value < modulus)) {
        throw misbehaved(peer, `mask ${i} has a coefficient that is no residue modulo ${modulus}`)
      }
      seeds.push(seedOf(i, choice, rho, vectors[choice ^ 1]!))
    }
  }
  const hashed = yield* ctx.compute(mlkemUniform, { seeds: concatBytes(...seeds) })
  const publicKeys: Uint8Array[] = []
  for (let i = 0; i < 2 * n; i++) {
    const { rho, vectors } = partsOf(row(masks, kemMaskBytes, i >> 1))
    publicKeys.push(combine(vectors[i & 1]!, row(hashed, vectorBytes, i), 1), rho)
  }
  const made = yield* ctx.compute(mlkemEncapsulate, { publicKeys: concatBytes(...publicKeys), messages })
  yield* ctx.send('otKemCiphertexts', made.ciphertexts, peer)
  const out = { zero: new Uint8Array(blockBytes * n), one: new Uint8Array(blockBytes * n) }
  for (let i = 0; i < 2 * n; i++) {
    const mask = row(masks, kemMaskBytes, i >> 1)
    const pair = row(made.ciphertexts, 2 * ciphertextBytes, i >> 1)
    const key = keyOf(i >> 1, i & 1, mask, pair, row(made.secrets, seedBytes, i))
    ;(i & 1 ? out.one : out.zero).set(key, blockBytes * (i >> 1))
  }
  return out
}

/** Two rows of one width in an order that a bit decides, without a branch on it. */
const ordered = (own: Uint8Array, other: Uint8Array, choice: number): Uint8Array => {
  const out = concatBytes(own, other)
  for (let k = 0; k < own.length; k++) {
    const swap = -choice & (own[k]! ^ other[k]!)
    out[k]! ^= swap
    out[k + own.length]! ^= swap
  }
  return out
}

/** @throws TallyError peer/misbehaved for another number of ciphertexts. */
export function* kemReceive(ctx: Wire, peer: string, n: number, choices: Uint8Array): Routine<Uint8Array> {
  const own = yield* ctx.compute(mlkemKeys, { seeds: ctx.rng.bytes(2 * seedBytes * n) })
  const others = yield* ctx.compute(mlkemUniform, { seeds: ctx.rng.bytes(seedBytes * n) })
  const publicBytes = vectorBytes + seedBytes
  const rhoOf = (i: number): Uint8Array => row(own.publicKeys, publicBytes, i).subarray(vectorBytes)
  const seeds = Array.from({ length: n }, (_, i) => seedOf(i, bitAt(choices, i), rhoOf(i), row(others, vectorBytes, i)))
  const hashed = yield* ctx.compute(mlkemUniform, { seeds: concatBytes(...seeds) })
  const masks = concatBytes(
    ...seeds.map((_, i) => {
      const vector = row(own.publicKeys, publicBytes, i).subarray(0, vectorBytes)
      const masked = combine(vector, row(hashed, vectorBytes, i), -1)
      return concatBytes(rhoOf(i), ordered(masked, row(others, vectorBytes, i), bitAt(choices, i)))
    }),
  )
  yield* ctx.send('otKemMasks', masks, peer)
  const ciphertexts = yield* ctx.receive('otKemCiphertexts', peer)
  if (ciphertexts.length !== 2 * ciphertextBytes * n) {
    throw misbehaved(peer, `expected ${2 * ciphertextBytes * n} bytes of ciphertexts, found ${ciphertexts.length}`)
  }
  const taken = concatBytes(
    ...seeds.map((_, i) => {
      const [zero, one] = [0, 1].map((c) => row(ciphertexts, ciphertextBytes, 2 * i + c))
      return ordered(zero!, one!, bitAt(choices, i)).subarray(0, ciphertextBytes)
    }),
  )
  const secrets = yield* ctx.compute(mlkemDecapsulate, { secretKeys: own.secretKeys, ciphertexts: taken })
  const out = new Uint8Array(blockBytes * n)
  for (let i = 0; i < n; i++) {
    const pair = row(ciphertexts, 2 * ciphertextBytes, i)
    const key = keyOf(i, bitAt(choices, i), row(masks, kemMaskBytes, i), pair, row(secrets, seedBytes, i))
    out.set(key, blockBytes * i)
  }
  return out
}
