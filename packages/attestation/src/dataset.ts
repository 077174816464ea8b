/**
 * Salted commitment to a dataset: a Merkle root that says nothing about the rows, though an identity number has under
 * 40 bits, and from which each row can be opened alone.
 *
 *   jobSaltKey = HMAC(party secret, 'salt' ‖ sessionId ‖ dataset id)          one a job; goes into the evidence
 *   rowSalt    = HMAC(jobSaltKey, row index)                                  one a row; goes into that row's opening
 *   leaf       = H(0x00 ‖ tag ‖ index ‖ rowSalt ‖ row)                        RFC 6962 leaf of a salted row
 *   root       = H(tag ‖ leaf count ‖ HMAC(jobSaltKey, dataset id) ‖ RFC 6962 tree of the leaves)
 *
 * Hiding: HMAC-SHA256 is a pseudorandom function, so without the salts a leaf is a hash of 256 unknown bits. Binding:
 * SHA-256 is collision resistant. The same dataset in another job gives an unrelated root. Salts, leaves and the lowest
 * ten levels are a kernel's (`merkle/tiles`), whose roots are kept: 32 KB for a million rows; an opening hashes 1024 rows
 * again.
 */
import {
  concatBytes,
  equalBytes,
  fromHex,
  taggedDigest,
  taggedMac,
  TallyError,
  toHex,
  u64,
  type Digest,
  type Hex,
} from '@tallystick/core'
import { leafPrefix, merkleTiles, tileRows, type TilesInput } from '@tallystick/kernels/merkle'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { KernelRunner } from './execute.ts'
import { auditPath, createTree, foldPath, hashBytes } from './merkle.ts'

/** Rows as flat bytes: row i is bytes[offsets[i], offsets[i + 1]). */
export interface Rows {
  readonly bytes: Uint8Array
  /** n + 1 positions, non-decreasing, from 0 to the length of `bytes`. */
  readonly offsets: Uint32Array
}

export const rowCount = (rows: Rows): number => rows.offsets.length - 1

export const rowAt = (rows: Rows, index: number): Uint8Array =>
  rows.bytes.subarray(rows.offsets[index], rows.offsets[index + 1])

export const jobSaltKey = (partySecret: Uint8Array, sessionId: Uint8Array, datasetId: Uint8Array): Digest =>
  taggedMac(partySecret, 'tallystick/job-salt/v1', 'salt', sessionId, datasetId)

/** What beside the rows a root is a function of. */
export interface Salting {
  readonly jobSaltKey: Uint8Array
  readonly datasetId: Uint8Array
}

const saltOf = (saltKey: Uint8Array, index: number): Uint8Array => hmac(sha256, saltKey, u64(index))

const leafOf = (index: number, rowSalt: Uint8Array, row: Uint8Array): Uint8Array =>
  sha256(concatBytes(leafPrefix, u64(index), rowSalt, row))

/** The dataset's id, hidden from those who see an opening. */
const hiddenId = ({ jobSaltKey: key, datasetId }: Salting): Digest =>
  taggedMac(key, 'tallystick/dataset-id/v1', datasetId)

const rootOf = (count: number, dataset: Uint8Array, tree: Uint8Array): Digest =>
  taggedDigest('tallystick/dataset-root/v1', u64(count), dataset, tree)

/** One row shown to somebody who knows the root: nothing about any other row, nor the key of the salts. */
export interface RowOpening {
  readonly index: number
  /** Rows of the dataset. */
  readonly rows: number
  /** HMAC of the dataset's id under the key of the salts. */
  readonly dataset: Hex
  readonly row: Hex
  readonly rowSalt: Hex
  /** Sibling hashes, nearest the leaf first. */
  readonly path: readonly Hex[]
}

export interface DatasetCommitment {
  readonly root: Digest
  readonly rows: number
  readonly jobSaltKey: Uint8Array
  /** @throws TallyError api/misuse for a row that is not there */
  open(index: number): RowOpening
}

export interface CommitOptions {
  /** 32 secret bytes of the party, never in any file but its own. */
  readonly partySecret: Uint8Array
  readonly sessionId: Uint8Array
  /** Names the snapshot of the dataset, 32 bytes. */
  readonly datasetId: Uint8Array
}

const tilesOf = ({ bytes, offsets }: Rows, { jobSaltKey: key }: Salting): TilesInput => ({
  key,
  first: 0,
  bytes,
  offsets,
})

/**
 * Commitment to rows under a given salt key: what the party computes, and the auditor again from the evidence.
 * @param roots of the tiles, where they have been computed; the reference kernel computes them else
 */
export const commitRows = (rows: Rows, salting: Salting, roots?: Uint8Array): DatasetCommitment => {
  checkRows(rows)
  const dataset = hiddenId(salting)
  const size = rowCount(rows)
  const tiles = roots ?? merkleTiles.run(tilesOf(rows, salting))
  const tile = (index: number): Uint8Array => tiles.subarray(hashBytes * index, hashBytes * (index + 1))
  const salt = (index: number): Uint8Array => saltOf(salting.jobSaltKey, index)
  const tree = createTree()
  for (let index = 0; index * tileRows < size; index++) tree.append(tile(index))
  const range = (from: number, to: number): Uint8Array => {
    const part = createTree()
    const whole = from % tileRows === 0 && to - from >= tileRows
    if (whole) for (let index = from / tileRows; index * tileRows < to; index++) part.append(tile(index))
    else for (let index = from; index < to; index++) part.append(leafOf(index, salt(index), rowAt(rows, index)))
    return part.root()
  }
  return {
    root: rootOf(size, dataset, tree.root()),
    rows: size,
    jobSaltKey: salting.jobSaltKey,
    open(index) {
      if (!Number.isInteger(index) || index < 0 || index >= size) {
        throw new TallyError('api/misuse', 'self', `expected a row from 0 to ${size - 1}, found ${index}`)
      }
      const path = auditPath(index, size, range).map(toHex)
      const row = toHex(rowAt(rows, index))
      return { index, rows: size, dataset: toHex(dataset), row, rowSalt: toHex(salt(index)), path }
    },
  }
}

/**
 * The roots of the tiles, for {@link commitRows}, by fast kernels: in worker threads where the runner has them.
 * @throws TallyError api/misuse for offsets that do not describe the bytes
 */
export const tileRoots = async (kernels: KernelRunner, rows: Rows, salting: Salting): Promise<Uint8Array> => {
  checkRows(rows)
  return kernels.run(merkleTiles, tilesOf(rows, salting))
}

/** How a dataset is salted for one session: the salt key goes into the evidence at most. */
export const saltingOf = ({ partySecret, sessionId, datasetId }: CommitOptions): Salting => ({
  jobSaltKey: jobSaltKey(partySecret, sessionId, datasetId),
  datasetId,
})

/** Commits to a dataset for one session. The root goes to the peers. */
export const commitDataset = (rows: Rows, options: CommitOptions): DatasetCommitment =>
  commitRows(rows, saltingOf(options))

/** Whether the opened row is row `index` of the dataset behind `root`. @throws TallyError decode/malformed */
export const provesRow = (root: Uint8Array, opening: RowOpening): boolean => {
  const { index, rows: size } = opening
  if (!Number.isSafeInteger(size) || size < 1 || !Number.isInteger(index) || index < 0 || index >= size) return false
  const leaf = leafOf(index, fromHex(opening.rowSalt, hashBytes), fromHex(opening.row))
  const path = opening.path.map((hex) => fromHex(hex, hashBytes))
  const tree = foldPath(leaf, index, size, path)
  return tree !== undefined && equalBytes(rootOf(size, fromHex(opening.dataset, hashBytes), tree), root)
}

const checkRows = ({ bytes, offsets }: Rows): void => {
  const ordered = offsets.every((offset, i) => i === 0 || offset >= offsets[i - 1]!)
  if (offsets.length === 0 || offsets[0] !== 0 || offsets.at(-1) !== bytes.length || !ordered) {
    throw new TallyError('api/misuse', 'self', 'expected n + 1 offsets from 0 up to the length of the bytes')
  }
}
