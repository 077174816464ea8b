/** What the protocols of this package share: the owner's key, ciphertexts from their parts, and keys on the wire. */
import { concatBytes, createRng, seedBytes, TallyError, type Rng } from '@tallystick/core'
import { ternary, type RingCiphertext, type SwitchKeys } from '@tallystick/kernels'
import type { Ring } from './parameters.ts'
import { packedBytes, unpack } from './wire.ts'

/** What the holder of a secret key draws: 96 bytes. */
export interface OwnerKeys {
  readonly secret: Int8Array
  /** Of the errors. */
  readonly coins: Uint8Array
  /** Stands for the second components of what the owner encrypts. */
  readonly publicSeed: Uint8Array
}

export const ownerCoins = 3 * seedBytes

export const drawKeys = (rng: Rng, degree: number): OwnerKeys => {
  // How many bytes a ternary word takes depends on the bytes: a stream of its own keeps the coins of a run exact.
  const stream = createRng(rng.bytes(seedBytes))
  const secret = ternary((bytes) => stream.bytes(bytes), degree)
  return { secret, coins: rng.bytes(seedBytes), publicSeed: rng.bytes(seedBytes) }
}

export const noKeys: SwitchKeys = {
  id: '',
  targets: new Uint32Array(),
  first: new BigUint64Array(),
  second: new BigUint64Array(),
}

export const joined = (first: BigUint64Array, second: BigUint64Array): BigUint64Array => {
  const out = new BigUint64Array(first.length + second.length)
  out.set(first)
  out.set(second, first.length)
  return out
}

/** A fresh ciphertext of BGV from its two components. */
export const freshCiphertext = ({ data }: Ring, residues: BigUint64Array): RingCiphertext => ({
  ...{ level: data.length, size: 2, correction: 1n, scale: 1 },
  residues,
})

/** A public key as it is sent: the seed of its second component, then its first. */
export const publicKeyBytes = (publicSeed: Uint8Array, first: Uint8Array): Uint8Array => concatBytes(publicSeed, first)

/** @throws TallyError peer/misbehaved */
export const parsePublicKey = (bytes: Uint8Array, { degree, data }: Ring, peer: string) => {
  const length = seedBytes + packedBytes(degree, data, 1)
  if (bytes.length !== length) {
    const message = `expected a key of ${length} bytes from ${peer}, found ${bytes.length}`
    throw new TallyError('peer/misbehaved', { peer }, message, { remedy: `ask ${peer} which software it runs` })
  }
  return { publicSeed: bytes.slice(0, seedBytes), first: unpack(degree, data, 1, bytes.subarray(seedBytes), peer) }
}

/**
 * Whether noise has stayed in its room. Where it has not, the run goes on with the frames, the close and the record that it
 * would have had, and only the output of the key's owner says so: what does not decrypt, and when, must not reach whoever
 * made the ciphertext, for it is an answer to a question about the plaintext.
 */
export const hasRoom = ({ noiseBits, roomBits }: { noiseBits: number; roomBits: number }): boolean =>
  noiseBits < roomBits

/** Coins of `uniformSlots`. */
export const slotCoins = 16

/** `count` slots in (-t/2, t/2], uniform within 2^-78: 128 bits each, reduced modulo t < 2^50. */
export const uniformSlots = (rng: Rng, count: number, t: bigint): BigInt64Array => {
  const coins = new BigUint64Array(rng.bytes(slotCoins * count).buffer)
  return BigInt64Array.from({ length: count }, (_, i) =>
    centred((((coins[2 * i]! % t) << 64n) + coins[2 * i + 1]!) % t, t),
  )
}

export const centred = (residue: bigint, t: bigint): bigint => (residue > t >> 1n ? residue - t : residue)
