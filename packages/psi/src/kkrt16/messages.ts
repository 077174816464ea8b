/** What the two roles of `psi/kkrt16` agree on before they start, and what they send. */
import { fixedBytes, flatRows, TallyError } from '@tallystick/core'
import { baseMessages } from '@tallystick/ot'
import { message, opening, parameterReader } from '@tallystick/protocol'
import { binsOf as binsOfRows, slotsOf } from '../bins/index.ts'
import type { Role } from '../ecdh/messages.ts'
import { maskBytes as maskBytesOf } from '../rr22/messages.ts'

/** Public parameters, as they stand in the signed terms. */
export interface Parameters {
  /** Number of distinct rows of each role. */
  readonly sizes: Readonly<Record<Role, number>>
  /** The construction tells the receiver which of its rows are common: no cardinality alone. */
  readonly output: 'intersection'
  /** Who learns it. */
  readonly to: 'receiver' | 'both'
  /** Bins (up to a multiple of 128) or masks a frame, so that memory and what a crash costs stay bounded. */
  readonly chunkRows: number
}

/** k: columns of the matrix, bits of a code word, base transfers. */
export const codeBits = 512
export const codeBytes = codeBits / 8
export const saltBytes = 32
/** σ of false positives. */
export const statisticalBits = 40
/** 4 MiB a frame: the fewer frames, the fewer keys of columns. */
export const maxChunkRows = 65_536
export const defaultChunkRows = maxChunkRows
/** 1.4 GB for the sender's matrix. */
export const maxRows = 2 ** 24

const bytes = flatRows(1, 16 * maxChunkRows)

export const messages = {
  ...baseMessages('receiver', 'sender'),
  /** Salt of the digests of ids, drawn by the receiver. */
  salt: message('receiver', 'sender', fixedBytes(saltBytes)),
  /** The corrections of the matrix, bins from … to: 512 columns of (to - from) bits, one after the other. */
  columns: message('receiver', 'sender', flatRows(codeBytes, maxChunkRows)),
  /** The values of the sender's rows under hash function 0, then 1, then 2, each in ascending order. */
  masks: opening('sender', 'receiver', bytes),
  /** Only where both learn: a bit for each row of the sender in the order of its first set, the lowest bit of a byte first. */
  common: opening('receiver', 'sender', bytes),
} as const

/** Where one set is empty there is nothing to compute, and nothing is sent. */
export const isTrivial = ({ sizes }: Parameters): boolean => sizes.receiver === 0 || sizes.sender === 0

/** Bins of the receiver's cuckoo table. */
export const binsOf = ({ sizes }: Parameters): number => binsOfRows(sizes.receiver)

/** Rows of the matrix: whole blocks of bits. */
export const matrixRows = ({ sizes }: Parameters): number => slotsOf(sizes.receiver)

/** Bins a frame. */
export const frameBins = ({ chunkRows }: Parameters): number => 128 * Math.ceil(chunkRows / 128)

/** Bytes of a mask: σ + log2 n_x + log2 n_y bits, a row of the receiver being compared with n_y masks. */
export const maskBytes = (parameters: Parameters): number => maskBytesOf(parameters, { security: 'semi-honest' })

const { fields, integer, malformed } = parameterReader(
  'psi/kkrt16',
  'make new terms; `sizes` { receiver, sender }, `output` and `to` are required, `chunkRows` may be left out',
)

/** @throws TallyError terms/malformed or terms/unsupported for anything that this protocol cannot run. */
export const parseParameters = (value: unknown): Parameters => {
  const all = fields(value, 'parameters', ['sizes', 'output', 'to', 'chunkRows'])
  const sizes = fields(all['sizes'], 'sizes', ['receiver', 'sender'])
  const { output, to } = all
  if (output === 'cardinality') {
    throw new TallyError('terms/unsupported', 'self', 'psi/kkrt16 shows the receiver which rows are common', {
      remedy: 'take psi/ecdh for the cardinality alone',
    })
  }
  if (output !== 'intersection') throw malformed('expected output to be intersection')
  if (to !== 'receiver' && to !== 'both') throw malformed('expected to to be one of receiver, both')
  return {
    sizes: {
      receiver: integer(sizes['receiver'], 'sizes.receiver', 0, maxRows),
      sender: integer(sizes['sender'], 'sizes.sender', 0, maxRows),
    },
    output,
    to,
    chunkRows: integer(all['chunkRows'] ?? defaultChunkRows, 'chunkRows', 1, maxChunkRows),
  }
}
