/** Keys of a plan: of each plain modulus one secret, one public key, and the switching keys that its program needs. */
import { createRng, seedBytes, taggedDigest, TallyError, toHex, type Rng } from '@tallystick/core'
import { rlweEncrypt, rlweExpand, rlweSwitchKeys, type SwitchKeys } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import { contextOf, decodeFrame, encodeFrame, frameBytes, type FrameShape } from '../frames.ts'
import { drawKeys, joined, noKeys, ownerCoins, type OwnerKeys } from '../keys.ts'
import type { Ring } from '../parameters.ts'
import type { Plan } from '../plan/index.ts'
import type { Ground } from './ground.ts'

/** The owner's side of one ring. */
export interface RingKeys {
  readonly owner: OwnerKeys
  /** Seeds of the switching keys. */
  readonly switching: OwnerKeys
  readonly context: Uint8Array
}

/** As they are used by who computes or encrypts. */
export interface PublicKeys {
  readonly ring: Ring
  readonly context: Uint8Array
  readonly publicSeed: Uint8Array
  /** 2 × data primes × n. */
  readonly publicKey: BigUint64Array
  readonly keys: SwitchKeys
}

/** Bytes that {@link generateKeys} draws. */
export const keyCoins = ({ rings }: Plan): number => rings.length * 2 * ownerCoins

export const generateKeys = (plan: Plan, rng: Rng): readonly RingKeys[] =>
  plan.rings.map((ring) => {
    const owner = drawKeys(rng, ring.degree)
    return {
      owner,
      switching: { ...drawKeys(rng, ring.degree), secret: owner.secret },
      context: contextOf(ring, owner.publicSeed),
    }
  })

const publicShape = (ring: Ring, context: Uint8Array): FrameShape => ({
  ...{ kind: 'public-key', ring, context, components: 1, level: ring.data.length, index: 0 },
})

const switchShape = (ring: Ring, context: Uint8Array, index: number): FrameShape => ({
  ...{ kind: 'switch-key', ring, context, components: 1, level: ring.moduli.length, index },
})

/** Frames of one ring's keys: both public seeds, the public key, and a frame a digit of each switching key. */
export function* publishKeys(
  on: Ground,
  ring: Ring,
  targets: Uint32Array,
  keys: RingKeys,
): Routine<readonly Uint8Array[]> {
  const { degree, data, moduli, plainModulus } = ring
  const { owner, switching, context } = keys
  const zero = new BigUint64Array(degree * (plainModulus === 0n ? data.length : 1))
  const own = yield* on.compute(rlweEncrypt, {
    degree,
    moduli: data,
    plainModulus,
    first: 0,
    rows: 1,
    plain: zero,
    ...owner,
  })
  const seeds = new Uint8Array(2 * seedBytes)
  seeds.set(owner.publicSeed)
  seeds.set(switching.publicSeed, seedBytes)
  const frames = [seeds, encodeFrame(publicShape(ring, context), own)]
  // One target at a time: a key has as many megabytes as a small table.
  for (const [at, target] of targets.entries()) {
    const first = yield* switchKey(on, ring, target, at, switching)
    const width = moduli.length * degree
    for (let digit = 0; digit < data.length; digit++) {
      const shape = switchShape(ring, context, at * data.length + digit)
      frames.push(encodeFrame(shape, first.subarray(digit * width, (digit + 1) * width)))
    }
  }
  return frames
}

/** Of a target a seed and coins of its own, so that keys can be made one by one. */
const seedOf = (seed: Uint8Array, at: number): Uint8Array => createRng(seed).fork(`target/${at}`).bytes(seedBytes)

function* switchKey(
  on: Ground,
  { degree, moduli, plainModulus }: Ring,
  target: number,
  at: number,
  keys: OwnerKeys,
): Routine<BigUint64Array> {
  const { secret, coins, publicSeed } = keys
  return yield* on.compute(rlweSwitchKeys, {
    ...{ degree, moduli, plainModulus, targets: Uint32Array.of(target), secret },
    ...{ coins: seedOf(coins, at), publicSeed: seedOf(publicSeed, at) },
  })
}

/** Bytes of the frames of {@link publishKeys}, one after the other. */
export const keyFrameBytes = (ring: Ring, targets: number): readonly number[] => {
  const context = new Uint8Array(16)
  const digits = Array.from({ length: targets * ring.data.length }, (_, i) => frameBytes(switchShape(ring, context, i)))
  return [2 * seedBytes, frameBytes(publicShape(ring, context)), ...digits]
}

/** @throws TallyError peer/misbehaved for frames that are not the keys of this plan */
const parseSeeds = (ring: Ring, bytes: Uint8Array, peer: string) => {
  if (bytes.length !== 2 * seedBytes) {
    throw new TallyError('peer/misbehaved', { peer }, `expected two seeds of ${seedBytes} bytes from ${peer}`)
  }
  const publicSeed = bytes.slice(0, seedBytes)
  return { publicSeed, switchSeed: bytes.slice(seedBytes), context: contextOf(ring, publicSeed) }
}

/** `next` gives the frames in their order. */
export function* receiveKeys(
  on: Ground,
  ring: Ring,
  targets: Uint32Array,
  next: () => Routine<Uint8Array>,
  peer: string,
): Routine<PublicKeys> {
  const { degree, data, moduli } = ring
  const { publicSeed, switchSeed, context } = parseSeeds(ring, yield* next(), peer)
  const own = decodeFrame(publicShape(ring, context), yield* next(), peer)
  const second = yield* on.compute(rlweExpand, { degree, moduli: data, publicSeed, first: 0, rows: 1 })
  const publicKey = joined(own, second)
  if (targets.length === 0) return { ring, context, publicSeed, publicKey, keys: noKeys }
  const width = moduli.length * degree
  const first = new BigUint64Array(targets.length * data.length * width)
  for (let row = 0; row < targets.length * data.length; row++) {
    first.set(decodeFrame(switchShape(ring, context, row), yield* next(), peer), row * width)
  }
  const seconds = new BigUint64Array(first.length)
  for (const at of targets.keys()) {
    const part = { degree, moduli, publicSeed: seedOf(switchSeed, at), first: 0, rows: data.length }
    seconds.set(yield* on.compute(rlweExpand, part), at * data.length * width)
  }
  const digest = taggedDigest('tallystick/switch-keys/v2', context, switchSeed, new Uint8Array(first.buffer))
  return { ring, context, publicSeed, publicKey, keys: { id: toHex(digest), targets, first, second: seconds } }
}
