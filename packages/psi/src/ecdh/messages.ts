/** What the two roles of `psi/ecdh` agree on before they start, what they send, and what they learn. */
import { flatRows } from '@tallystick/core'
import { message, opening, parameterReader } from '@tallystick/protocol'

export type Role = 'receiver' | 'sender'

/** Distinct, already normalised identifiers, flat: row i is bytes[offsets[i], offsets[i + 1]). */
export interface Items {
  readonly bytes: Uint8Array
  /** n + 1 non-decreasing positions from 0 to bytes.length. */
  readonly offsets: Uint32Array
}

/** Public parameters, as they stand in the signed terms. */
export interface Parameters {
  /** Number of distinct rows of each role. */
  readonly sizes: Readonly<Record<Role, number>>
  /** The common rows themselves, or only how many they are. */
  readonly output: 'intersection' | 'cardinality'
  /** Who learns it. */
  readonly to: 'receiver' | 'both'
  /** Rows a frame, so that memory and what a crash costs stay bounded. */
  readonly chunkRows: number
}

/** What a role learns; `rows` are indices into its own items, ascending. */
export type Outcome =
  | { readonly kind: 'intersection'; readonly rows: Uint32Array }
  | { readonly kind: 'cardinality'; readonly size: number }
  | { readonly kind: 'none' }

/** Bytes of a group element: the u-coordinate on curve25519, little endian, canonical. */
export const elementBytes = 32
export const defaultChunkRows = 4096
/** 2 MiB a frame. */
export const maxChunkRows = 65_536
/** 3.2 GB for one flat array of elements. */
export const maxRows = 100_000_000

const elements = flatRows(elementBytes, maxChunkRows)

/** Each is a sequence of ⌈rows / chunkRows⌉ frames, all but the last full. */
export const messages = {
  /** 8a·H(x) for the receiver's rows. */
  receiverMasked: message('receiver', 'sender', elements),
  /** 8b·H(y) for the sender's rows, shuffled. */
  senderMasked: message('sender', 'receiver', elements),
  /** 8b·8a·H(x), in the order in which the rows came or, for the cardinality, shuffled. */
  receiverDoubled: opening('sender', 'receiver', elements),
  /** 8a·8b·H(y) likewise; only where both learn. */
  senderDoubled: opening('receiver', 'sender', elements),
} as const

const { fields, integer, oneOf } = parameterReader(
  'psi/ecdh',
  'make new terms; `sizes` { receiver, sender }, `output` and `to` are required, `chunkRows` may be left out',
)

/** @throws TallyError terms/malformed for anything that this protocol cannot run. */
export const parseParameters = (value: unknown): Parameters => {
  const all = fields(value, 'parameters', ['sizes', 'output', 'to', 'chunkRows'])
  const sizes = fields(all['sizes'], 'sizes', ['receiver', 'sender'])
  return {
    sizes: {
      receiver: integer(sizes['receiver'], 'sizes.receiver', 0, maxRows),
      sender: integer(sizes['sender'], 'sizes.sender', 0, maxRows),
    },
    output: oneOf(all['output'], 'output', ['intersection', 'cardinality']),
    to: oneOf(all['to'], 'to', ['receiver', 'both']),
    chunkRows: integer(all['chunkRows'] ?? defaultChunkRows, 'chunkRows', 1, maxChunkRows),
  }
}
