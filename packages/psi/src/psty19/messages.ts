/** What the two roles of `psi/psty19` agree on before they start, and what they send beside the building blocks. */
import { fixedBytes, flatRows, flatWords32 } from '@tallystick/core'
import { okvsShape, okvsSize, type OkvsShape } from '@tallystick/kernels'
import { message, opening, parameterReader } from '@tallystick/protocol'
import { hashes, slotsOf as slotsOfRows, tagBits as binTagBits } from '../bins/index.ts'
import type { Items, Role } from '../ecdh/messages.ts'

/** A column of whole numbers from 0 to 2^bits - 1; for people its name, and by which power of ten it was multiplied. */
export interface Column {
  readonly column: string
  readonly decimals: number
}

/** Public parameters, as they stand in the signed terms. */
export interface Parameters {
  /** Number of distinct rows of each role, 1 or more. */
  readonly sizes: Readonly<Record<Role, number>>
  /**
   * `cardinality`: how many rows are common. `sum`: of each column the sum over the common rows, not their number.
   * `statistics`: their number, the sums, and the sums of all products of two columns.
   */
  readonly output: 'cardinality' | 'sum' | 'statistics'
  readonly to: Role | 'both'
  /** Columns that the roles bring, in the order of their values. */
  readonly columns: Readonly<Record<Role, readonly Column[]>>
  /** Width of all values. */
  readonly bits: number
  /** With fewer common rows nothing is opened but that they are fewer: 0 unless told. */
  readonly minimum: number
  /** Elements a frame, so that memory and what a crash costs stay bounded. */
  readonly chunkRows: number
}

/** Rows with a number a column each, column after column. */
export interface Valued extends Items {
  readonly values: Float64Array
}

export const elementBytes = 16
export const saltBytes = 32
export const seedBytes = 16
/** σ: a false member in any bin, a store or table that cannot be made: 2^-40 each. */
export const statisticalBits = 40
/** 1 MiB a frame. */
export const defaultChunkRows = 65_536
/** 4 MiB a frame. */
export const maxChunkRows = 262_144
const maxReceiverRows = 2 ** 20
const maxSenderRows = 2 ** 22
export const maxColumns = 4
const maxBits = 40
export const maxDecimals = 9
/** What is opened at most: a number, 8 columns and 36 products of 128 bits each, and a bit. */
const maxOpened = 4 * (1 + 2 * maxColumns + 36) + 1

const elements = flatRows(elementBytes, maxChunkRows)

export const messages = {
  /** Salt of the digests of ids, drawn by the receiver. */
  salt: message('receiver', 'sender', fixedBytes(saltBytes)),
  /** P + A', a sequence of ⌈elements / chunkRows⌉ frames, all but the last full. */
  encoded: message('receiver', 'sender', elements),
  /** The stores of targets and masked payloads, in chunks likewise. */
  hint: message('sender', 'receiver', elements),
  /** Shares of what is opened, each as two words, four of statistics; then, where there is a minimum, a bit. */
  opened: opening('each', 'each', flatWords32(maxOpened)),
} as const

/** Bins of the receiver's table up to whole vectors of bits; those past `binsOf` are empty. */
export const slotsOf = ({ sizes }: Pick<Parameters, 'sizes'>): number => slotsOfRows(sizes.receiver)

/** Bits of a bin's tag: among all bins two different tags agree with probability 2^-σ at most. */
export const tagBits = ({ sizes }: Pick<Parameters, 'sizes'>, statistical = statisticalBits): number =>
  binTagBits(sizes.receiver, 1, statistical)

/** The receiver's store, of one point a row. */
export const ownShape = ({ sizes }: Parameters): OkvsShape => okvsShape(sizes.receiver, statisticalBits)
/** The sender's, of three points a row. */
export const hintShape = ({ sizes }: Parameters): OkvsShape => okvsShape(hashes * sizes.sender, statisticalBits)
export const ownSize = (parameters: Parameters): number => okvsSize(ownShape(parameters))
export const hintSize = (parameters: Parameters): number => okvsSize(hintShape(parameters))

const pairsOf = (columns: number): number => (columns * (columns + 1)) / 2

/** Bits of a sum of ones over all rows that may be common. */
const countBits = ({ sizes }: Parameters): number => {
  let bits = 0
  for (let reach = 1; reach <= Math.min(sizes.receiver, sizes.sender); reach *= 2) bits++
  return bits
}

/** Bits of a sum; what is added up over all rows stays below 2^63. */
const sumBits = 63

/**
 * Bits of a limb of a product of two values: sums of products may take more than 63 bits, so they are made of sums of limbs,
 * which stay below 2^63 each.
 */
export const limbBits = (parameters: Parameters): number => sumBits - countBits(parameters)
/** Limbs of a product of two values that one role has. */
export const ownLimbs = (parameters: Parameters): number => Math.ceil((2 * parameters.bits) / limbBits(parameters))

/** Widths of the limbs of a value of the receiver, so that a limb times a value of the sender is a limb of a product. */
export const crossWidths = (parameters: Parameters): readonly number[] => {
  const { bits } = parameters
  const most = limbBits(parameters) - bits
  return Array.from({ length: Math.ceil(bits / most) }, (_, i) => Math.min(most, bits - i * most))
}

/** Sums that each role's values give: the columns themselves, then for statistics the limbs of products of its own pairs. */
export const ownSums = (parameters: Parameters, role: Role): number => {
  const { output, columns } = parameters
  const { length } = columns[role]
  if (output === 'cardinality') return 0
  return length + (output === 'statistics' ? pairsOf(length) * ownLimbs(parameters) : 0)
}

/** Whether the number of common rows is needed: to be opened, or to be compared with the minimum. */
export const counts = ({ output, minimum }: Parameters): boolean => output !== 'sum' || minimum > 0

/** Pairs of a column of the receiver and one of the sender. */
export const crossPairs = ({ output, columns }: Parameters): number =>
  output === 'statistics' ? columns.receiver.length * columns.sender.length : 0

/** Stores of the sender: the first has the tag and one payload of 64 bits, each further one two payloads. */
export const storesOf = (parameters: Parameters): number => 1 + Math.floor(ownSums(parameters, 'sender') / 2)

const { fields, integer, malformed } = parameterReader(
  'psi/psty19',
  'make new terms; `sizes` { receiver, sender }, `output` and `to` are required; for a sum or statistics also ' +
    '`columns` { receiver, sender } and `bits`; `minimum` and `chunkRows` may be left out',
)

const parseColumns = (value: unknown, role: Role): readonly Column[] => {
  if (value === undefined) return []
  if (!Array.isArray(value) || value.length > maxColumns) {
    throw malformed(`expected columns.${role} to be a list of at most ${maxColumns}`)
  }
  return value.map((item: unknown, i) => {
    const { column, decimals } = fields(item, `columns.${role}[${i}]`, ['column', 'decimals'])
    if (typeof column !== 'string' || column === '')
      throw malformed(`expected columns.${role}[${i}].column to be a name`)
    return { column, decimals: integer(decimals, `columns.${role}[${i}].decimals`, 0, maxDecimals) }
  })
}

/** @throws TallyError terms/malformed for anything that this protocol cannot run. */
export const parseParameters = (value: unknown): Parameters => {
  const known = ['sizes', 'output', 'to', 'columns', 'bits', 'minimum', 'chunkRows']
  const all = fields(value, 'parameters', known)
  const sizes = fields(all['sizes'], 'sizes', ['receiver', 'sender'])
  const { output, to } = all
  if (output !== 'cardinality' && output !== 'sum' && output !== 'statistics') {
    throw malformed('expected output to be one of cardinality, sum, statistics')
  }
  if (to !== 'receiver' && to !== 'sender' && to !== 'both') {
    throw malformed('expected to to be one of receiver, sender, both')
  }
  const columns = fields(all['columns'] ?? {}, 'columns', ['receiver', 'sender'])
  const parsed: Parameters = {
    sizes: {
      receiver: integer(sizes['receiver'], 'sizes.receiver', 1, maxReceiverRows),
      sender: integer(sizes['sender'], 'sizes.sender', 1, maxSenderRows),
    },
    output,
    to,
    columns: {
      receiver: parseColumns(columns['receiver'], 'receiver'),
      sender: parseColumns(columns['sender'], 'sender'),
    },
    bits: integer(all['bits'] ?? 1, 'bits', 1, maxBits),
    minimum: integer(all['minimum'] ?? 0, 'minimum', 0, maxReceiverRows),
    chunkRows: integer(all['chunkRows'] ?? defaultChunkRows, 'chunkRows', 1, maxChunkRows),
  }
  const given = parsed.columns.receiver.length + parsed.columns.sender.length
  if ((output === 'cardinality') !== (given === 0)) {
    throw malformed(output === 'cardinality' ? 'a cardinality has no columns' : `a ${output} takes a column or more`)
  }
  return parsed
}
