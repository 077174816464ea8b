/**
 * Sealed rows. From y = OPRF(id), 64 pseudorandom bytes, everything about a row follows:
 *
 *     ChaCha20(key y[0, 32), nonce = the table's salt, counter 0) = tag (8) ‖ column (8) ‖ row key (32) ‖ …
 *     slot = tag ‖ version (4) ‖ ChaCha20-Poly1305(row key, nonce = epoch (8) ‖ version, tag ‖ version; length ‖ value ‖ padding)
 *
 * ChaCha20 (RFC 8439) serves as the pseudorandom function that expands y: the salt is fresh for each build of a table, so
 * one key of the OPRF may seal many tables. The epoch is fresh for each version of a table (epochs.ts), also where a number
 * comes again in a folder that was put back, and a version seals one content of a row: so no nonce and no key stream is ever
 * used twice, and who holds two versions of a row learns nothing of their difference. All slots of a
 * table have one length, whatever the value's. Without y a slot is 8 pseudorandom bytes, a public version and
 * ciphertext; tag and row key say nothing of the id. Empty slots of a table bear a version too.
 *
 * Two ids share a tag with probability 2^-64 for each pair; a row is taken for an id only if it opens under its key.
 */
import { chacha20, chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { equalBytes, TallyError } from '@tallystick/core'
import { chachaSeal } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import type { Computing } from '../rfc9497/suite.ts'
import { epochBytes, sealOf, type Epochs, type Seal } from './epochs.ts'

export const tagBytes = 8
export const saltBytes = 12
/** Bytes of a slot beside the value's capacity: tag, version, length, authenticator. */
export const slotOverhead = tagBytes + 4 + 2 + 16
export const outputBytes = 64
export const maxValueBytes = 4096
/** Versions are counted in 32 bits; a table that has used them up is built anew. */
export const maxVersion = 2 ** 32 - 1

export interface RowKeys {
  readonly tag: Uint8Array
  /** 32 bits that choose the column. */
  readonly column: number
  readonly key: Uint8Array
}

/** @param output the row's 64 bytes of the OPRF; @param salt the table's 12 bytes */
export const rowKeys = (output: Uint8Array, salt: Uint8Array): RowKeys => {
  const stream = chacha20(output.subarray(0, 32), salt, new Uint8Array(48))
  const column = new DataView(stream.buffer).getUint32(tagBytes, true)
  return { tag: stream.subarray(0, tagBytes), column, key: stream.subarray(16, 48) }
}

const cipherOf = (key: Uint8Array, epoch: Uint8Array, slot: Uint8Array) => {
  const nonce = new Uint8Array(12)
  nonce.set(epoch)
  nonce.set(slot.subarray(tagBytes, tagBytes + 4), epochBytes)
  return chacha20poly1305(key, nonce, slot.subarray(0, tagBytes + 4))
}

const versionOf = (slot: Uint8Array): number =>
  new DataView(slot.buffer, slot.byteOffset, slot.byteLength).getUint32(tagBytes, true)

const checkRow = (version: number, value: Uint8Array, capacity: number): void => {
  if (value.length > capacity) {
    throw new TallyError('input/oversize', 'self', `a row has ${value.length} bytes, the table holds ${capacity}`, {
      remedy: 'build the table with wider rows, or shorten this one',
    })
  }
  if (!Number.isInteger(version) || version < 0 || version > maxVersion) {
    throw new TallyError('api/misuse', 'self', `expected a version below 2^32, found ${version}`)
  }
}

/**
 * Seals many rows at once; slots in the order of the keys.
 * @throws TallyError input/oversize, api/misuse
 */
export function* sealRows(
  ctx: Computing,
  keys: readonly RowKeys[],
  { version, epoch }: Seal,
  values: readonly Uint8Array[],
  capacity: number,
): Routine<Uint8Array[]> {
  const width = 2 + capacity
  const head = tagBytes + 4
  const input = {
    keys: new Uint8Array(32 * keys.length),
    nonces: new Uint8Array(12 * keys.length),
    plain: new Uint8Array(width * keys.length),
    width,
    associated: new Uint8Array(head * keys.length),
    associatedWidth: head,
  }
  const heads = new DataView(input.associated.buffer)
  const nonces = new DataView(input.nonces.buffer)
  keys.forEach(({ key, tag }, i) => {
    const value = values[i]!
    checkRow(version, value, capacity)
    input.keys.set(key, 32 * i)
    input.nonces.set(epoch, 12 * i)
    nonces.setUint32(12 * i + epochBytes, version, true)
    input.associated.set(tag, head * i)
    heads.setUint32(head * i + tagBytes, version, true)
    input.plain[width * i] = value.length & 255
    input.plain[width * i + 1] = value.length >> 8
    input.plain.set(value, width * i + 2)
  })
  const sealed = yield* ctx.compute(chachaSeal, input)
  const slot = slotOverhead + capacity
  return keys.map((_, i) => {
    const out = new Uint8Array(slot)
    out.set(input.associated.subarray(head * i, head * (i + 1)))
    out.set(sealed.subarray((slot - head) * i, (slot - head) * (i + 1)), head)
    return out
  })
}

/** Seals a value of at most `capacity` bytes. @throws TallyError input/oversize, api/misuse */
export const sealRow = (keys: RowKeys, { version, epoch }: Seal, value: Uint8Array, capacity: number): Uint8Array => {
  checkRow(version, value, capacity)
  const slot = new Uint8Array(slotOverhead + capacity)
  slot.set(keys.tag)
  new DataView(slot.buffer).setUint32(tagBytes, version, true)
  const plain = new Uint8Array(2 + capacity)
  plain[0] = value.length & 255
  plain[1] = value.length >> 8
  plain.set(value, 2)
  slot.set(cipherOf(keys.key, epoch, slot).encrypt(plain), tagBytes + 4)
  return slot
}

export const hasTag = ({ tag }: RowKeys, slot: Uint8Array): boolean => equalBytes(tag, slot.subarray(0, tagBytes))

const noEpoch = new Uint8Array(epochBytes)

/**
 * The value, or undefined where the slot was not sealed under this key, or was changed. A slot of a version that the table
 * never had is tried all the same, so that this takes as long.
 */
export const openRow = (keys: RowKeys, slot: Uint8Array, epochs: Epochs): Uint8Array | undefined => {
  const epoch = sealOf(epochs, versionOf(slot))?.epoch ?? noEpoch
  let plain: Uint8Array
  try {
    plain = cipherOf(keys.key, epoch, slot).decrypt(slot.subarray(tagBytes + 4))
  } catch {
    return undefined
  }
  const length = plain[0]! | (plain[1]! << 8)
  return length > plain.length - 2 ? undefined : plain.slice(2, 2 + length)
}
