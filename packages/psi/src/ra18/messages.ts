/** What the two roles of `psi/ra18` agree on before they start, and what they send. */
import { flatRows, type Hex } from '@tallystick/core'
import { message, opening, parameterReader } from '@tallystick/protocol'

/** What stands in the terms about a prepared list: it was shipped before, and is not sent again. */
export interface ListTerms {
  /** Ids on the list, at this version. */
  readonly rows: number
  /** Digest of the filter with all updates up to this version: `filterDigest`. */
  readonly digest: Hex
  readonly version: number
  /** The key's public part, k·G, 32 bytes. */
  readonly key: Hex
  /** Bits of a fingerprint: a query that is not on the list is taken for being on it with probability 2^-bits. */
  readonly fingerprint: 32 | 64
}

/** Public parameters, as they stand in the signed terms. */
export interface Parameters {
  /** Queries, and 1: of the sender its key enters, one row. Its list does not. */
  readonly sizes: { readonly receiver: number; readonly sender: 1 }
  readonly list: ListTerms
  readonly output: 'intersection'
  readonly to: 'receiver'
  readonly chunkRows: number
}

export type Role = 'receiver' | 'sender'

/** What a role learns: the receiver a tag of 16 bytes for each of its rows, to be looked up in the filter. */
export type Outcome = { readonly kind: 'tags'; readonly tags: Uint8Array } | { readonly kind: 'none' }

export const elementBytes = 32
export const tagBytes = 16
export const defaultChunkRows = 4096
/** 2 MiB a frame. */
export const maxChunkRows = 65_536
/** An asker with more queries than this has a set, not queries. */
export const maxQueries = 1_000_000
export const maxListRows = 2 ** 30

const elements = flatRows(elementBytes, maxChunkRows)

export const messages = {
  /** r_i · HashToGroup(x_i), ⌈rows / chunkRows⌉ frames, all but the last full. */
  blinded: message('receiver', 'sender', elements),
  /** k times each, in the same order and frames. */
  evaluated: opening('sender', 'receiver', elements),
} as const

const { fields, integer, malformed } = parameterReader(
  'psi/ra18',
  'make new terms; `sizes` { receiver, sender: 1 }, `list`, `output` and `to` are required, `chunkRows` may be left out',
)

const hex32 = (value: unknown, name: string): Hex => {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{64}$/.test(value))
    throw malformed(`expected ${name} as 32 bytes in hex`)
  return value as Hex
}

const parseList = (value: unknown): ListTerms => {
  const list = fields(value, 'list', ['rows', 'digest', 'version', 'key', 'fingerprint'])
  const { fingerprint } = list
  if (fingerprint !== 32 && fingerprint !== 64) throw malformed('expected list.fingerprint to be 32 or 64')
  return {
    rows: integer(list['rows'], 'list.rows', 0, maxListRows),
    digest: hex32(list['digest'], 'list.digest'),
    version: integer(list['version'], 'list.version', 1, 2 ** 31 - 1),
    key: hex32(list['key'], 'list.key'),
    fingerprint,
  }
}

/** @throws TallyError terms/malformed for anything that this protocol cannot run. */
export const parseParameters = (value: unknown): Parameters => {
  const all = fields(value, 'parameters', ['sizes', 'list', 'output', 'to', 'chunkRows'])
  const sizes = fields(all['sizes'], 'sizes', ['receiver', 'sender'])
  if (all['output'] !== 'intersection') throw malformed('expected output to be intersection')
  if (all['to'] !== 'receiver') throw malformed('expected to to be receiver')
  return {
    sizes: {
      receiver: integer(sizes['receiver'], 'sizes.receiver', 0, maxQueries),
      sender: integer(sizes['sender'], 'sizes.sender', 1, 1) as 1,
    },
    list: parseList(all['list']),
    output: 'intersection',
    to: 'receiver',
    chunkRows: integer(all['chunkRows'] ?? defaultChunkRows, 'chunkRows', 1, maxChunkRows),
  }
}
