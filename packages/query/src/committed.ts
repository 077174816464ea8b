/**
 * The rows that a party of a query commits to, and the input that they are: the same text in a run and in a replay. The
 * asker's are its ids and, last, the sealed rows that it has (list or stash); the holder's are its OPRF key and, for
 * SimplePIR, the lines of its matrix, or where the terms say so the digest of the matrix. The matrix then stands outside of
 * the evidence: whoever replays brings it, and it counts only if it has the digest that was committed to and agreed on.
 */
import { concatBytes, fromHex, TallyError, toHex, type Hex } from '@tallystick/core'
import { referenceEngine } from '@tallystick/protocol'
import { computing, runLocally } from './local.ts'
import type { Items } from './rfc9497/suite.ts'
import type { ListInputs } from './sealed-list/index.ts'
import {
  tablesOf,
  type HeldMembers,
  type QuorumAskerInput,
  type QuorumHolderInput,
  type QuorumParameters,
} from './quorum/messages.ts'
import { candidates, cellsOf } from './quorum/table.ts'
import { cellIn, isOpening, leafBytes, openingBytes } from './quorum/tree.ts'
import { askerRole, byNumber } from './several.ts'
import { unitOf, type Matrix } from './simplepir/matrix.ts'
import type { PirInputs, PirParameters } from './simplepir/messages.ts'
import { matrixBytesOf } from './simplepir/shape.ts'
import type { WhichAskerInput, WhichHolderInput, WhichParameters } from './which/index.ts'

const malformed = (found: string): TallyError =>
  new TallyError('input/malformed', 'self', `expected the rows of a query, found ${found}`)

/** Ids and sealed rows as rows. */
export const askerRows = (ids: Items, sealed: Uint8Array): Items => {
  const bytes = new Uint8Array(ids.bytes.length + sealed.length)
  bytes.set(ids.bytes)
  bytes.set(sealed, ids.bytes.length)
  const offsets = new Uint32Array(ids.offsets.length + 1)
  offsets.set(ids.offsets)
  offsets[ids.offsets.length] = bytes.length
  return { bytes, offsets }
}

const askerInput = ({ bytes, offsets }: Items): { readonly ids: Items; readonly sealed: Uint8Array } => {
  if (offsets.length < 2) throw malformed('none')
  const end = offsets[offsets.length - 2]!
  const ids = { bytes: bytes.subarray(0, end), offsets: offsets.subarray(0, offsets.length - 1) }
  return { ids, sealed: bytes.subarray(end, offsets[offsets.length - 1]) }
}

/** The bounds of the holder's rows: 32 bytes of key, then lines of `columns` bytes up to `total` bytes in all. */
export const holderOffsets = (total: number, columns: number): Uint32Array =>
  Uint32Array.from({ length: 2 + (columns === 0 ? 0 : (total - 32) / columns) }, (_, i) =>
    i === 0 ? 0 : 32 + (i - 1) * columns,
  )

/** For `query/sealed-list`. */
export const listInput = (rows: Items, role: string): ListInputs['asker'] | ListInputs['holder'] => {
  if (role === 'holder') return { secretKey: rows.bytes.subarray(0, 32) }
  const { ids, sealed } = askerInput(rows)
  return { ids, list: sealed }
}

const holderInput = (
  { bytes }: Items,
  parameters: Pick<PirParameters, 'committed'> | undefined,
  outside: Matrix | undefined,
): PirInputs['holder'] => ({
  secretKey: bytes.subarray(0, 32),
  matrix: parameters?.committed === 'digest' ? outsideMatrix(outside) : [bytes.subarray(32)],
})

/** The rows of a holder that commits to the digest of its matrix. */
export const digestRows = (secretKey: Uint8Array, matrix: Hex): Items => {
  const bytes = concatBytes(secretKey, fromHex(matrix, 32))
  return { bytes, offsets: holderOffsets(bytes.length, 32) }
}

/** What a party's program reads beside its committed rows, and what binds it. */
export interface Outside {
  readonly what: string
  readonly bytes: number
  /** It comes in blocks of a multiple of so many bytes, but for the last. */
  readonly unit: number
  /** SHA-256 of its blocks, one after the other. */
  readonly sha256: Hex
}

/** The matrix of a holder that committed to its digest. */
export const matrixOutside = (role: string, parameters: unknown): Outside | undefined => {
  const { committed, matrix: sha256, ...shape } = parameters as PirParameters
  if (role !== 'holder' || committed === undefined) return undefined
  return { what: 'the matrix of the table', bytes: matrixBytesOf(shape), unit: unitOf(shape), sha256 }
}

const outsideMatrix = (outside: Matrix | undefined): Matrix => {
  if (outside !== undefined) return outside
  throw new TallyError('input/malformed', 'self', 'expected the matrix of the table beside the committed rows', {
    remedy: 'bring the matrix whose digest the terms name: it is in the folder of the table at its holder',
  })
}

/**
 * Whether the lines that a holder of `query/simplepir` committed to are the matrix that the terms name; true of an asker,
 * whose sealed rows the protocol itself compares. For a replay: a run would hash the whole matrix once more for each job. Of a
 * holder that committed to a digest, whether it is the one that the terms name.
 */
export const isMatrix = (
  rows: Items,
  role: string,
  parameters: unknown,
  sha256: (bytes: Uint8Array) => Uint8Array,
): boolean => {
  if (role !== 'holder') return true
  const { committed, matrix } = parameters as PirParameters
  const rest = rows.bytes.subarray(32)
  return toHex(committed === undefined ? sha256(rest) : rest) === matrix
}

/** Ids, and for each holder one row of what the asker has of it. */
export const severalRows = (ids: Items, sealed: readonly Uint8Array[]): Items =>
  sealed.reduce((rows, own) => askerRows(rows, own), ids)

const severalInput = ({ bytes, offsets }: Items, roles: readonly string[]) => {
  const rows = offsets.length - 1 - roles.length
  if (rows < 0) throw malformed(`fewer than a row for each of ${roles.length} holders`)
  const ids = { bytes: bytes.subarray(0, offsets[rows]), offsets: offsets.subarray(0, rows + 1) }
  const ownOf = (i: number): Uint8Array => bytes.subarray(offsets[rows + i], offsets[rows + i + 1])
  return { ids, sealed: Object.fromEntries(roles.map((role, i) => [role, ownOf(i)])) }
}

/** For `query/which-n`. */
export const whichInput = (
  rows: Items,
  role: string,
  parameters: unknown,
  outside?: Matrix,
): WhichAskerInput | WhichHolderInput => {
  if (role !== askerRole) {
    const table = (parameters as WhichParameters).holders[role]
    return holderInput(rows, table?.kind === 'simplepir' ? table : undefined, outside)
  }
  return severalInput(rows, Object.keys((parameters as WhichParameters).holders).toSorted(byNumber))
}

/** The openings of a holder's row, table by table; one that is cut short or too long is so here too. */
const openingsIn = (row: Uint8Array, held: HeldMembers, ids: number) => {
  const tables = tablesOf(held)
  let start = 0
  return tables.map((table, t) => {
    const size = openingBytes(table.rows)
    const end = t === tables.length - 1 ? row.length : Math.min(row.length, start + candidates * size * ids)
    const own = row.subarray(start, end)
    start = end
    const openings = Array.from({ length: Math.ceil(own.length / size) }, (_, i) =>
      own.subarray(size * i, size * (i + 1)),
    )
    return { table, openings }
  })
}

const quorumRows = (rows: Items, { holders }: QuorumParameters) =>
  severalInput(rows, Object.keys(holders).toSorted(byNumber))

/** For `query/quorum-n`: of the asker one row a holder, the openings of its cells; of a holder its keys. */
export const quorumInput = (rows: Items, role: string, parameters: unknown): QuorumAskerInput | QuorumHolderInput => {
  if (role !== askerRole) return { secretKey: rows.bytes }
  const { holders } = parameters as QuorumParameters
  const { ids, sealed } = quorumRows(rows, parameters as QuorumParameters)
  const cells = Object.entries(sealed).map(([holder, row]) => {
    const tables = openingsIn(row, holders[holder]!, ids.offsets.length - 1)
    const openings = tables.flatMap(({ openings: own }) => own)
    if (openings.some(({ length }) => length < leafBytes)) throw malformed(`an opening of ${holder} that is cut short`)
    return [holder, concatBytes(...openings.map(cellIn))]
  })
  return { ids, cells: Object.fromEntries(cells) as Record<string, Uint8Array> }
}

/** Whether the cells that an asker entered are those of the tables that the terms name, at the places of its ids. */
export const isQuorumCells = (rows: Items, role: string, parameters: unknown): boolean => {
  if (role !== askerRole) return true
  const { holders } = parameters as QuorumParameters
  const { ids, sealed } = quorumRows(rows, parameters as QuorumParameters)
  return Object.entries(sealed).every(([holder, row]) =>
    openingsIn(row, holders[holder]!, ids.offsets.length - 1).every(({ table, openings }) => {
      const places = runLocally(cellsOf(computing, fromHex(table.salt), table.rows, ids), referenceEngine)
      return (
        openings.length === places.length &&
        openings.every((opening, i) => isOpening(table.rows, table.cells, places[i]!, opening))
      )
    }),
  )
}

/** {@link isMatrix} of a holder among several. */
export const isWhichMatrix = (
  rows: Items,
  role: string,
  parameters: unknown,
  sha256: (bytes: Uint8Array) => Uint8Array,
): boolean => {
  const table = (parameters as WhichParameters).holders[role]
  return table?.kind !== 'simplepir' || isMatrix(rows, 'holder', table, sha256)
}

/** {@link matrixOutside} of a holder among several. */
export const whichOutside = (role: string, parameters: unknown): Outside | undefined => {
  const table = (parameters as WhichParameters).holders[role]
  return table?.kind === 'simplepir' ? matrixOutside('holder', table) : undefined
}

/** For `query/simplepir`; a matrix that was committed to whole is a view of the same memory. */
export const pirInput = (
  rows: Items,
  role: string,
  parameters: unknown,
  outside?: Matrix,
): PirInputs['asker'] | PirInputs['holder'] => {
  if (role === 'holder') return holderInput(rows, parameters as PirParameters, outside)
  const { ids, sealed } = askerInput(rows)
  return { ids, stash: sealed }
}
