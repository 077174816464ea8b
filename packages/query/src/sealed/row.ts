/**
 * Sealed rows. From y = OPRF(id), 64 pseudorandom bytes, everything about a row follows:
 *
 *     ChaCha20(key y[0, 32), nonce = the table's salt, counter 0) = tag (8) ‖ column (8) ‖ row key (32) ‖ …
 *     slot = tag ‖ version (2) ‖ ChaCha20-Poly1305(row key, nonce = epoch (8) ‖ version (4), tag ‖ version; length ‖ value ‖ padding)
 *
 * of which the last 8 of the 16 bytes of the authenticator are left out: a slot is what is scanned, shipped and patched, and
 * nothing rests on more. Nobody in this protocol could forge: whoever holds the table knows all keys, and links and files are bound
 * otherwise. What the authenticator is for is that no slot be taken for another's. Under a key that did not seal it, a slot
 * passes with probability 2^-64, as the one-time pad of Poly1305 is then uniform and independent of it (after a tag
 * that is equal by chance, another 2^-64); a slot of which a byte was decoded wrongly (below 2^-70, shape.ts) with at most
 * 2^64 · 8 ⌈L/16⌉ / 2^106 (Bernstein, "The Poly1305-AES message-authentication code", FSE 2005, theorem 3.3), 2^-36 for rows
 * of 64 bytes and 2^-31 for the longest.
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
export const versionBytes = 2
/** Of the 16 that ChaCha20-Poly1305 gives. */
const authenticatorBytes = 8
const headBytes = tagBytes + versionBytes
/** Bytes of a slot beside the value's capacity: tag, version, length, authenticator. */
export const slotOverhead = headBytes + 2 + authenticatorBytes
export const outputBytes = 64
export const maxValueBytes = 4096
/** Versions are counted in 16 bits; a table that has used them up is built in a new folder. */
export const maxVersion = 2 ** 16 - 1

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

const nonceOf = (epoch: Uint8Array, slot: Uint8Array): Uint8Array => {
  const nonce = new Uint8Array(12)
  nonce.set(epoch)
  nonce.set(slot.subarray(tagBytes, headBytes), epochBytes)
  return nonce
}

const versionOf = (slot: Uint8Array): number =>
  new DataView(slot.buffer, slot.byteOffset, slot.byteLength).getUint16(tagBytes, true)

/** Writes a version where a slot has its own. */
export const writeVersion = (slot: Uint8Array, version: number): void =>
  new DataView(slot.buffer, slot.byteOffset, slot.byteLength).setUint16(tagBytes, version, true)

const checkRow = (version: number, value: Uint8Array, capacity: number): void => {
  if (value.length > capacity) {
    throw new TallyError('input/oversize', 'self', `a row has ${value.length} bytes, the table holds ${capacity}`, {
      remedy: 'build the table with wider rows, or shorten this one',
    })
  }
  if (!Number.isInteger(version) || version < 0 || version > maxVersion) {
    throw new TallyError('input/oversize', 'self', `expected a version of at most ${maxVersion}, found ${version}`, {
      remedy: 'build the table in a new folder, under a new key',
    })
  }
}

/**
 * Seals many rows at once; slots in the order of the keys.
 * @throws TallyError input/oversize
 */
export function* sealRows(
  ctx: Computing,
  keys: readonly RowKeys[],
  { version, epoch }: Seal,
  values: readonly Uint8Array[],
  capacity: number,
): Routine<Uint8Array[]> {
  const width = 2 + capacity
  const head = headBytes
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
    heads.setUint16(head * i + tagBytes, version, true)
    input.plain[width * i] = value.length & 255
    input.plain[width * i + 1] = value.length >> 8
    input.plain.set(value, width * i + 2)
  })
  const sealed = yield* ctx.compute(chachaSeal, input)
  const whole = sealed.length / keys.length
  return keys.map((_, i) => {
    const out = new Uint8Array(slotOverhead + capacity)
    out.set(input.associated.subarray(head * i, head * (i + 1)))
    out.set(sealed.subarray(whole * i, whole * i + width + authenticatorBytes), head)
    return out
  })
}

/** Ciphertext and authenticator of a slot whose tag and version are written. */
const sealedIn = (key: Uint8Array, epoch: Uint8Array, slot: Uint8Array, plain: Uint8Array): Uint8Array =>
  chacha20poly1305(key, nonceOf(epoch, slot), slot.subarray(0, headBytes))
    .encrypt(plain)
    .subarray(0, plain.length + authenticatorBytes)

/** Seals a value of at most `capacity` bytes. @throws TallyError input/oversize */
export const sealRow = (keys: RowKeys, { version, epoch }: Seal, value: Uint8Array, capacity: number): Uint8Array => {
  checkRow(version, value, capacity)
  const slot = new Uint8Array(slotOverhead + capacity)
  slot.set(keys.tag)
  writeVersion(slot, version)
  const plain = new Uint8Array(2 + capacity)
  plain[0] = value.length & 255
  plain[1] = value.length >> 8
  plain.set(value, 2)
  slot.set(sealedIn(keys.key, epoch, slot, plain), headBytes)
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
  const sealed = slot.subarray(headBytes)
  // Block 0 of the key stream is the authenticator's (RFC 8439, section 2.8).
  const plain = chacha20(keys.key, nonceOf(epoch, slot), sealed.subarray(0, -authenticatorBytes), undefined, 1)
  if (!equalBytes(sealedIn(keys.key, epoch, slot, plain), sealed)) return undefined
  const length = plain[0]! | (plain[1]! << 8)
  return length > plain.length - 2 ? undefined : plain.slice(2, 2 + length)
}
