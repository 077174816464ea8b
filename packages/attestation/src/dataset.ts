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
 * SHA-256 is collision resistant. The same dataset in another job gives an unrelated root. A million rows need the root
 * of every 1024 leaves in memory (32 KB), and an opening hashes 1024 rows again.
 */
import {
  concatBytes,
  equalBytes,
  fromHex,
  taggedDigest,
  taggedMac,
  TallyError,
  toHex,
  u32,
  u64,
  utf8ToBytes,
  type Digest,
  type Hex,
} from '@tallystick/core'
import { auditPath, createTree, foldPath, hashBytes, portableSha256, type Sha256 } from './merkle.ts'

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

const leafTag = utf8ToBytes('tallystick/row/v1')
const leafPrefix = concatBytes(new Uint8Array([0]), u32(leafTag.length), leafTag)

const leafOf = (sha256: Sha256, index: number, rowSalt: Uint8Array, row: Uint8Array): Uint8Array =>
  sha256(concatBytes(leafPrefix, u64(index), rowSalt, row))

/** The dataset's id, hidden from those who see an opening. */
const hiddenId = ({ jobSaltKey: key, datasetId }: Salting): Digest =>
  taggedMac(key, 'tallystick/dataset-id/v1', datasetId)

const rootOf = (count: number, dataset: Uint8Array, tree: Uint8Array): Digest =>
  taggedDigest('tallystick/dataset-root/v1', u64(count), dataset, tree)

const blockBytes = 64

/** HMAC-SHA256 (RFC 2104) of the row index, over the injected hash: two one-shot calls a row. */
const rowSalts = (saltKey: Uint8Array, sha256: Sha256): ((index: number) => Uint8Array) => {
  const inner = new Uint8Array(blockBytes + 8).fill(0x36, 0, blockBytes)
  const outer = new Uint8Array(blockBytes + hashBytes).fill(0x5c, 0, blockBytes)
  for (let i = 0; i < saltKey.length; i++) {
    inner[i]! ^= saltKey[i]!
    outer[i]! ^= saltKey[i]!
  }
  return (index) => {
    inner.set(u64(index), blockBytes)
    outer.set(sha256(inner), blockBytes)
    return sha256(outer)
  }
}

/** Commits to rows as they stream by, in constant memory. */
export interface DatasetCommitter {
  append(row: Uint8Array): void
  finish(): { readonly root: Digest; readonly rows: number }
}

export const createDatasetCommitter = (salting: Salting, sha256: Sha256 = portableSha256): DatasetCommitter => {
  const saltOf = rowSalts(salting.jobSaltKey, sha256)
  const tree = createTree(sha256)
  return {
    append: (row) => tree.append(leafOf(sha256, tree.size, saltOf(tree.size), row)),
    finish: () => ({ root: rootOf(tree.size, hiddenId(salting), tree.root()), rows: tree.size }),
  }
}

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
  readonly sha256?: Sha256
}

/** Leaves under one node that is kept for openings. */
const tileRows = 1024

/** Commitment to rows under a given salt key: what the party computes, and the auditor again from the evidence. */
export const commitRows = (rows: Rows, salting: Salting, sha256: Sha256 = portableSha256): DatasetCommitment => {
  checkRows(rows)
  const dataset = hiddenId(salting)
  const size = rowCount(rows)
  const saltOf = rowSalts(salting.jobSaltKey, sha256)
  const leaf = (index: number): Uint8Array => leafOf(sha256, index, saltOf(index), rowAt(rows, index))
  const tiles: Uint8Array[] = []
  const tree = createTree(sha256)
  for (let from = 0; from < size; from += tileRows) {
    const tile = createTree(sha256)
    for (let index = from; index < Math.min(from + tileRows, size); index++) tile.append(leaf(index))
    const root = tile.root()
    tiles.push(root)
    tree.append(root)
  }
  const range = (from: number, to: number): Uint8Array => {
    const part = createTree(sha256)
    const whole = from % tileRows === 0 && to - from >= tileRows
    if (whole) for (let tile = from / tileRows; tile * tileRows < to; tile++) part.append(tiles[tile]!)
    else for (let index = from; index < to; index++) part.append(leaf(index))
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
      return { index, rows: size, dataset: toHex(dataset), row, rowSalt: toHex(saltOf(index)), path }
    },
  }
}

/** Commits to a dataset for one session. The root goes to the peers, the salt key into the evidence at most. */
export const commitDataset = (rows: Rows, options: CommitOptions): DatasetCommitment =>
  commitRows(
    rows,
    { jobSaltKey: jobSaltKey(options.partySecret, options.sessionId, options.datasetId), datasetId: options.datasetId },
    options.sha256,
  )

/** Whether the opened row is row `index` of the dataset behind `root`. @throws TallyError decode/malformed */
export const provesRow = (root: Uint8Array, opening: RowOpening, sha256: Sha256 = portableSha256): boolean => {
  const { index, rows: size } = opening
  if (!Number.isSafeInteger(size) || size < 1 || !Number.isInteger(index) || index < 0 || index >= size) return false
  const leaf = leafOf(sha256, index, fromHex(opening.rowSalt, hashBytes), fromHex(opening.row))
  const path = opening.path.map((hex) => fromHex(hex, hashBytes))
  const tree = foldPath(leaf, index, size, path, sha256)
  return tree !== undefined && equalBytes(rootOf(size, fromHex(opening.dataset, hashBytes), tree), root)
}

const checkRows = ({ bytes, offsets }: Rows): void => {
  const ordered = offsets.every((offset, i) => i === 0 || offset >= offsets[i - 1]!)
  if (offsets.length === 0 || offsets[0] !== 0 || offsets.at(-1) !== bytes.length || !ordered) {
    throw new TallyError('api/misuse', 'self', 'expected n + 1 offsets from 0 up to the length of the bytes')
  }
}
