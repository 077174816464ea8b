/** What the two roles of `psi/czzdl24` agree on before they start, and what they send beside the transfers. */
import { flatRows } from '@tallystick/core'
import { correlatedMessages } from '@tallystick/ot'
import { message, opening, parameterReader } from '@tallystick/protocol'
import type { Items, Parameters as Masking } from '../ecdh/messages.ts'

export type Role = 'receiver' | 'sender'

/** Public parameters, as they stand in the signed terms. */
export interface Parameters {
  /** Number of distinct rows of each role, 1 or more. */
  readonly sizes: Readonly<Record<Role, number>>
  readonly output: 'union'
  readonly to: 'receiver'
  /** No id of the sender is longer; all travel in so many bytes. */
  readonly idBytes: number
  readonly chunkRows: number
}

export type Outcome =
  /** The sender's ids that the receiver lacks, ascending by their bytes: with its own list, the union. */
  { readonly kind: 'union'; readonly others: Items } | { readonly kind: 'none' }

export const elementBytes = 32
export const blockBytes = 16
export const defaultIdBytes = 31
export const maxIdBytes = 255
export const defaultChunkRows = 4096
/** 4 MiB a frame of the longest ids. */
export const maxChunkRows = 16_384
/** Transfers of one run. */
export const maxRows = 2 ** 20

const elements = flatRows(elementBytes, maxChunkRows)

export const messages = {
  ...correlatedMessages('sender', 'receiver'),
  /** 8a·H(y) for the receiver's rows. */
  receiverMasked: message('receiver', 'sender', elements),
  /** 8b·H(x) for the sender's rows, shuffled. */
  senderMasked: message('sender', 'receiver', elements),
  /** 8b·8a·H(y), in an order that only the sender knows. */
  receiverDoubled: opening('sender', 'receiver', elements),
  /** By which choice bit each row is to be masked: the wanted one plus the random one of its transfer. */
  turned: message('receiver', 'sender', flatRows(1, maxRows / 8)),
  /** Padded ids, each under one key of its transfer. */
  masked: opening('sender', 'receiver', flatRows(blockBytes, (maxChunkRows * (maxIdBytes + 1)) / blockBytes)),
} as const

/** Bytes that an id travels in: its length, itself, zeros. */
export const widthOf = ({ idBytes }: Pick<Parameters, 'idBytes'>): number =>
  blockBytes * Math.ceil((1 + idBytes) / blockBytes)

/** The steps of `psi/ecdh` that mask sets, under its names. */
export const shapeOf = ({ sizes, chunkRows }: Parameters): Masking => ({
  ...{ sizes, chunkRows, output: 'cardinality', to: 'receiver' },
})

const { fields, integer, malformed } = parameterReader(
  'psi/czzdl24',
  'make new terms; `sizes` { receiver, sender }, `output` and `to` are required, `idBytes` and `chunkRows` not',
)

/** @throws TallyError terms/malformed for anything that this protocol cannot run. */
export const parseParameters = (value: unknown): Parameters => {
  const all = fields(value, 'parameters', ['sizes', 'output', 'to', 'idBytes', 'chunkRows'])
  const sizes = fields(all['sizes'], 'sizes', ['receiver', 'sender'])
  if (all['output'] !== 'union') throw malformed('expected output to be union')
  if (all['to'] !== 'receiver') throw malformed('expected to to be receiver: only the receiver learns')
  return {
    sizes: {
      receiver: integer(sizes['receiver'], 'sizes.receiver', 1, maxRows),
      sender: integer(sizes['sender'], 'sizes.sender', 1, maxRows),
    },
    output: 'union',
    to: 'receiver',
    idBytes: integer(all['idBytes'] ?? defaultIdBytes, 'idBytes', 1, maxIdBytes),
    chunkRows: integer(all['chunkRows'] ?? defaultChunkRows, 'chunkRows', 1, maxChunkRows),
  }
}
