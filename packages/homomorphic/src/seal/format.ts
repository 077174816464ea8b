/**
 * The serialised form of Microsoft SEAL 4.1 (`serialization.h`, `ciphertext.cpp`, `kswitchkeys.cpp`), written here from
 * residues that were checked, so that SEAL never parses bytes of a partner, and read back from SEAL's own output.
 */
import { concatBytes } from '@tallystick/core'

/** Bytes of a parms_id. */
export const identityBytes = 32
const headerBytes = 16

/** Pieces that are copied once, when all are known: residues are most of the bytes. */
export type Pieces = readonly Uint8Array[]

export type Scratch = (pieces: Pieces) => Uint8Array

/**
 * Joins pieces in memory that the next call uses again: half a megabyte each time would be most of a load's cost. The last
 * piece, which has the residues, lies on a word: out of shared memory V8 copies words at a tenth of what bytes take.
 */
export const createScratch = (): Scratch => {
  let memory = new Uint8Array(0)
  return (pieces: Pieces): Uint8Array => {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
    const from = -(length - pieces.at(-1)!.length) & 7
    if (memory.length < from + length) memory = new Uint8Array(from + length)
    let at = from
    for (const piece of pieces) {
      memory.set(piece, at)
      at += piece.length
    }
    return memory.subarray(from, from + length)
  }
}

/** Magic, header size, version 4.1, no compression, length of all; then the parts. */
const framed = (...parts: Pieces): Pieces => {
  const length = parts.reduce((sum, part) => sum + part.length, headerBytes)
  const header = new Uint8Array(headerBytes)
  header.set([0x5e, 0xa1, headerBytes, 4, 1, 0])
  new DataView(header.buffer).setBigUint64(8, BigInt(length), true)
  return [header, ...parts]
}

const words = (...values: readonly (number | bigint)[]): Uint8Array =>
  new Uint8Array(BigUint64Array.from(values, BigInt).buffer)

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

export interface SealCiphertext {
  /** parms_id of its level. */
  readonly identity: Uint8Array
  readonly degree: number
  readonly level: number
  readonly size: number
  readonly scale: number
  readonly correction: bigint
  /** size × level × degree */
  readonly residues: BigUint64Array
}

export const ciphertextPieces = (value: SealCiphertext): Pieces => {
  const { identity, degree, level, size, scale, correction, residues } = value
  return framed(
    identity,
    Uint8Array.of(1), // NTT form
    words(size, degree, level),
    bytesOf(Float64Array.of(scale)),
    words(correction),
    ...framed(words(residues.length), bytesOf(residues)),
  )
}

/** Bytes before the residues of a ciphertext, and those that bring the residues to a word. */
const prefixBytes = headerBytes + identityBytes + 1 + 40 + headerBytes + 8
export const headroomBytes = 8 * Math.ceil(prefixBytes / 8)

/** The same bytes where they lie, for residues with `headroomBytes` of free memory before them: nothing is copied. */
export const ciphertextInPlace = (value: SealCiphertext): Uint8Array => {
  const { buffer, byteOffset, byteLength } = value.residues
  const out = new Uint8Array(buffer, byteOffset - prefixBytes, prefixBytes + byteLength)
  let at = 0
  for (const piece of ciphertextPieces(value).slice(0, -1)) {
    out.set(piece, at)
    at += piece.length
  }
  return out
}

export const ciphertextBytes = (value: SealCiphertext): Uint8Array => concatBytes(...ciphertextPieces(value))

/** From what SEAL itself has saved, in memory of its own: the residues are moved to the start of it, where words begin. */
export const readCiphertext = (bytes: Uint8Array): Omit<SealCiphertext, 'identity'> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const word = (at: number): number => Number(view.getBigUint64(at, true))
  const fields = headerBytes + identityBytes + 1
  const data = fields + 40 + headerBytes
  const count = word(data)
  const parts = {
    size: word(fields),
    degree: word(fields + 8),
    level: word(fields + 16),
    scale: view.getFloat64(fields + 24, true),
    correction: view.getBigUint64(fields + 32, true),
  }
  const whole = bytes.byteOffset === 0 ? bytes : bytes.slice()
  whole.copyWithin(0, data + 8, data + 8 + 8 * count)
  return { ...parts, residues: new BigUint64Array(whole.buffer, 0, count) }
}

/** `rows[place]` are the digits' ciphertexts under the key's parms_id; places without a key are empty. */
export const switchKeysBytes = (
  identity: Uint8Array,
  places: number,
  rows: ReadonlyMap<number, readonly SealCiphertext[]>,
): Uint8Array => {
  const parts: Uint8Array[] = [identity, words(places)]
  let empty = 0
  for (let place = 0; place < places; place++) {
    const row = rows.get(place)
    if (row === undefined) {
      empty++
      continue
    }
    parts.push(new Uint8Array(8 * empty), words(row.length), ...row.flatMap(ciphertextPieces))
    empty = 0
  }
  return concatBytes(...framed(...parts, new Uint8Array(8 * empty)))
}

/** A plaintext: coefficients modulo t (zero identity), or residues in NTT form under a parms_id. */
export const plaintextPieces = (identity: Uint8Array, scale: number, residues: BigUint64Array): Pieces =>
  framed(
    identity,
    words(residues.length),
    bytesOf(Float64Array.of(scale)),
    ...framed(words(residues.length), bytesOf(residues)),
  )
