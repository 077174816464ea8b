/** What the two roles of `psi/rr22` agree on before they start, and what they send beside the VOLE. */
import { fixedBytes, flatRows, TallyError } from '@tallystick/core'
import { okvsShape, okvsSize, type OkvsShape } from '@tallystick/kernels'
import { message, opening, parameterReader } from '@tallystick/protocol'
import type { Adversary } from '@tallystick/ot'
import type { Role } from '../ecdh/messages.ts'

/** Public parameters, as they stand in the signed terms. */
export interface Parameters {
  /** Number of distinct rows of each role. */
  readonly sizes: Readonly<Record<Role, number>>
  /** The construction tells the receiver which of its rows are common: no cardinality alone. */
  readonly output: 'intersection'
  /** Who learns it; `both` only against semi-honest parties. */
  readonly to: 'receiver' | 'both'
  /** Elements or masks a frame, so that memory and what a crash costs stay bounded. */
  readonly chunkRows: number
}

export const elementBytes = 16
/** 1 MiB a frame. */
export const defaultChunkRows = 65_536
/** 4 MiB a frame. */
export const maxChunkRows = 262_144
/** So that the store stays within the largest VOLE, 2^26 elements. */
export const maxRows = 2 ** 25
/** σ: a false positive, a store that cannot be made: 2^-40 each. */
export const statisticalBits = 40
export const saltBytes = 32

const bytes = flatRows(1, elementBytes * maxChunkRows)

export const messages = {
  /** Salt of the digests of ids, drawn by the receiver. */
  salt: message('receiver', 'sender', fixedBytes(saltBytes)),
  /** P + A', a sequence of ⌈elements / chunkRows⌉ frames, all but the last full. */
  encoded: message('receiver', 'sender', flatRows(elementBytes, maxChunkRows)),
  /** F(y) for the sender's rows, in ascending order: chunkRows masks a frame, their width by {@link maskBytes}. */
  masks: opening('sender', 'receiver', bytes),
  /** Only where both learn: a bit for each mask, in the order of the masks, the lowest bit of a byte first. */
  common: opening('receiver', 'sender', bytes),
} as const

/** Only against malicious parties: a coin w = w_r + w_s that the sender is bound to before it sees the receiver's part. */
export const coinMessages = {
  coinCommitment: message('sender', 'receiver', fixedBytes(32)),
  receiverCoin: message('receiver', 'sender', fixedBytes(elementBytes)),
  senderCoin: message('sender', 'receiver', fixedBytes(elementBytes)),
} as const

/**
 * Bytes of a mask. Semi-honest: σ + log2 n_x + log2 n_y bits, so that among n_x · n_y pairs of different rows any two
 * masks are equal with probability 2^-σ at most; malicious: the 128 bits that extraction needs.
 */
export const maskBytes = (
  { sizes }: Pick<Parameters, 'sizes'>,
  { security, statistical = statisticalBits }: { readonly security: Adversary; readonly statistical?: number },
): number => {
  if (security === 'malicious') return elementBytes
  let pairs = BigInt(sizes.receiver) * BigInt(sizes.sender)
  let bits = statistical
  for (pairs -= 1n; pairs > 0n; pairs >>= 1n) bits++
  return Math.min(elementBytes, Math.ceil(bits / 8))
}

/** Where one set is empty there is nothing to compute, and nothing is sent. */
export const isTrivial = ({ sizes }: Parameters): boolean => sizes.receiver === 0 || sizes.sender === 0

export const storeShape = ({ sizes }: Parameters): OkvsShape => okvsShape(sizes.receiver, statisticalBits)
export const storeSize = (parameters: Parameters): number => okvsSize(storeShape(parameters))

const { fields, integer, malformed } = parameterReader(
  'psi/rr22',
  'make new terms; `sizes` { receiver, sender }, `output` and `to` are required, `chunkRows` may be left out',
)

const parseOutput = (value: unknown): 'intersection' => {
  if (value === 'intersection') return value
  if (value !== 'cardinality') throw malformed('expected output to be intersection')
  throw new TallyError('terms/unsupported', 'self', 'psi/rr22 shows the receiver which rows are common', {
    remedy: 'take psi/ecdh for the cardinality alone',
  })
}

const parseReceivers = (value: unknown, security: Adversary): 'receiver' | 'both' => {
  if (value !== 'receiver' && value !== 'both') throw malformed('expected to to be one of receiver, both')
  if (value === 'receiver' || security === 'semi-honest') return value
  throw new TallyError('terms/unsupported', 'self', 'psi/rr22-malicious gives an output to the receiver only', {
    remedy: 'run it twice with the roles exchanged; a receiver could otherwise tell the sender anything',
  })
}

/** @throws TallyError terms/malformed or terms/unsupported for anything that this protocol cannot run. */
export const parserFor =
  (security: Adversary) =>
  (value: unknown): Parameters => {
    const all = fields(value, 'parameters', ['sizes', 'output', 'to', 'chunkRows'])
    const sizes = fields(all['sizes'], 'sizes', ['receiver', 'sender'])
    return {
      sizes: {
        receiver: integer(sizes['receiver'], 'sizes.receiver', 0, maxRows),
        sender: integer(sizes['sender'], 'sizes.sender', 0, maxRows),
      },
      output: parseOutput(all['output']),
      to: parseReceivers(all['to'], security),
      chunkRows: integer(all['chunkRows'] ?? defaultChunkRows, 'chunkRows', 1, maxChunkRows),
    }
  }
