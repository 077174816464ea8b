/** What the two roles of `homomorphic/lookup` hold, send and learn. */
import { flatRows, TallyError, type Codec } from '@tallystick/core'
import { elementBytes } from '@tallystick/kernels/oprf/scalars'
import type { Items } from '@tallystick/kernels/oprf'
import { message, opening } from '@tallystick/protocol'
import { maxKeys, type Parameters } from './plan.ts'

export type Role = 'client' | 'holder'

export interface ClientInput {
  /** What is asked for; the same key may come twice. */
  readonly keys: Items
}

export interface HolderInput {
  /** Distinct keys. */
  readonly keys: Items
  /** One for each key. */
  readonly values: Items
}

/** By key, in the order in which they were asked. */
export interface Answers {
  /** 1: there is such a row; 0: there is none; 2: not answered, which only this side knows. */
  readonly status: Uint8Array
  /** Values of the rows found, one after the other. */
  readonly values: Uint8Array
  /** n + 1 positions in them. */
  readonly offsets: Uint32Array
}

export interface ClientOutput {
  /** null where a reply did not decrypt, which only this side knows. */
  readonly answers: Answers | null
}

/** 32 bytes of a seed and one component of the widest ring, or two components. */
const maxBytes = 32 + 2 * 32_768 * 18 * 7

const bounded: Codec<Uint8Array> = { maxBytes, encode: (bytes) => bytes, decode: (bytes) => bytes }
const elements = flatRows(elementBytes, maxKeys)

export const messages = {
  /** r_i · HashToGroup(key_i). */
  blinded: message('client', 'holder', elements),
  /** k times each. Nothing of the table can be learned of them alone. */
  evaluated: message('holder', 'client', elements),
  /** Public seed, then the first component of the public key. */
  key: message('client', 'holder', bounded),
  /** First component of a ciphertext: a power of all residues a frame, from the first power on. */
  powers: message('client', 'holder', bounded),
  /** A masked ciphertext a frame: of each partition whether there is a row, then the parts of its value. */
  replies: opening('holder', 'client', bounded),
} as const

const wrong = (text: string): TallyError => new TallyError('input/malformed', 'self', text)

const checkItems = ({ bytes, offsets }: Items, rows: number, most: number, what: string): void => {
  if (offsets.length - 1 !== rows) {
    throw new TallyError('input/changed', 'self', `the terms say ${rows} ${what}, found ${offsets.length - 1}`, {
      remedy: 'bring what was declared, or agree on new terms',
    })
  }
  if (offsets[0] !== 0 || offsets.at(-1) !== bytes.length) {
    throw wrong(`expected n + 1 offsets of ${what} from 0 to the length of their bytes`)
  }
  for (let i = 0; i < rows; i++) {
    const length = offsets[i + 1]! - offsets[i]!
    if (length >= 0 && length <= most) continue
    throw new TallyError('input/oversize', 'self', `expected ${what} of at most ${most} bytes; number ${i} has more`)
  }
}

/** Bytes that a key may have. */
export const maxKeyBytes = 1024

/** @throws TallyError input/changed, input/malformed, input/oversize */
export const checkClient = ({ keys }: ClientInput, { sizes }: Parameters): void =>
  checkItems(keys, sizes.client, maxKeyBytes, 'keys')

/** @throws TallyError input/changed, input/malformed, input/oversize */
export const checkHolder = ({ keys, values }: HolderInput, { sizes, valueBytes }: Parameters): void => {
  checkItems(keys, sizes.holder, maxKeyBytes, 'rows')
  checkItems(values, sizes.holder, valueBytes, 'values')
}

export const itemOf = ({ bytes, offsets }: Items, i: number): Uint8Array => bytes.subarray(offsets[i], offsets[i + 1])
