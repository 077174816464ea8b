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

/** A noise that has outgrown its room is an error, never a wrong number. */
export const requireRoom = ({ noiseBits, roomBits }: { noiseBits: number; roomBits: number }, peer: string): void => {
  if (noiseBits < roomBits) return
  const message = `the reply of ${peer} does not decrypt: its noise exceeds what was planned`
  throw new TallyError('peer/misbehaved', { peer }, message, {
    remedy: `ask ${peer} which software it runs; nothing of the outcome was told to it`,
  })
}
