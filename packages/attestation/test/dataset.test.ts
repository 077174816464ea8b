import { createHash, createHmac } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concatBytes, equalBytes, fromHex, toHex, u32, u64, utf8ToBytes, type Hex } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { commitDataset, commitRows, provesRow, rowAt, saltingOf, tileRoots, type Rows } from '../src/dataset.ts'
import { engineRunner } from '../src/replay.ts'
import { auditPath, createTree, foldPath } from '../src/merkle.ts'

const sha256 = (...parts: Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

const rowsOf = (rows: readonly Uint8Array[]): Rows => {
  const offsets = new Uint32Array(rows.length + 1)
  rows.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.length))
  return { bytes: concatBytes(...rows), offsets }
}

const numbered = (count: number): Rows => rowsOf(Array.from({ length: count }, (_, i) => utf8ToBytes(`id-${i}`)))

const options = {
  partySecret: new Uint8Array(32).fill(1),
  sessionId: new Uint8Array(32).fill(2),
  datasetId: new Uint8Array(32).fill(3),
}

/** RFC 6962 section 2.1 by its recursive definition, over leaf hashes. */
const recursiveRoot = (leaves: readonly Uint8Array[]): Uint8Array => {
  if (leaves.length === 0) return sha256()
  if (leaves.length === 1) return leaves[0]!
  let split = 1
  while (split * 2 < leaves.length) split *= 2
  const [left, right] = [recursiveRoot(leaves.slice(0, split)), recursiveRoot(leaves.slice(split))]
  return sha256(Uint8Array.of(1), left, right)
}

describe('the tree', () => {
  // Inputs and roots of the test data of the Certificate Transparency reference implementation.
  const inputs = [
    '0x',
    '0x00',
    '0x10',
    '0x2021',
    '0x3031',
    '0x40414243',
    '0x5051525354555657',
    '0x606162636465666768696a6b6c6d6e6f',
  ].map((hex) => fromHex(hex))
  const roots = [
    '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    '0x6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    '0xfac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
    '0xaeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
    '0xd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
    '0x4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
    '0x76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
    '0xddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
    '0x5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
  ]

  test.each(roots.map((root, size) => ({ size, root })))('of $size leaves is that of RFC 6962', ({ size, root }) => {
    const tree = createTree()
    for (const input of inputs.slice(0, size)) tree.append(sha256(Uint8Array.of(0), input))
    expect(toHex(tree.root())).toBe(root)
  })

  test('equals the recursive definition for 0 to 70 leaves, and every audit path leads to its root', () => {
    const leaves = Array.from({ length: 70 }, (_, i) => sha256(u32(i)))
    for (let size = 0; size <= leaves.length; size++) {
      const tree = createTree()
      for (const leaf of leaves.slice(0, size)) tree.append(leaf)
      expect(equalBytes(tree.root(), recursiveRoot(leaves.slice(0, size)))).toBe(true)
      for (let index = 0; index < size; index++) {
        const path = auditPath(index, size, (from, to) => recursiveRoot(leaves.slice(from, to)))
        expect(equalBytes(foldPath(leaves[index]!, index, size, path)!, tree.root())).toBe(true)
        expect(foldPath(leaves[index]!, index, size, path.slice(1))).toBe(size === 1 ? tree.root() : undefined)
      }
    }
  })
})

describe('commitDataset', () => {
  test('is the construction of its header, computed by hand', () => {
    const rows = numbered(3)
    const encoded = (...parts: Uint8Array[]) => concatBytes(...parts.flatMap((part) => [u32(part.length), part]))
    const saltInput = encoded(
      utf8ToBytes('tallystick/job-salt/v1'),
      utf8ToBytes('salt'),
      options.sessionId,
      options.datasetId,
    )
    const saltKey = createHmac('sha256', options.partySecret).update(saltInput).digest()
    const leaves = [0, 1, 2].map((i) => {
      const rowSalt = createHmac('sha256', saltKey).update(u64(i)).digest()
      return sha256(Uint8Array.of(0), encoded(utf8ToBytes('tallystick/row/v1')), u64(i), rowSalt, rowAt(rows, i))
    })
    const dataset = createHmac('sha256', saltKey)
      .update(encoded(utf8ToBytes('tallystick/dataset-id/v1'), options.datasetId))
      .digest()
    const root = sha256(encoded(utf8ToBytes('tallystick/dataset-root/v1'), u64(3), dataset, recursiveRoot(leaves)))
    expect(toHex(commitDataset(rows, options).root)).toBe(toHex(root))
  })

  test('opens every row of datasets around tile borders', () => {
    for (const size of [1, 2, 1023, 1024, 1025, 2048, 3000]) {
      const rows = numbered(size)
      const commitment = commitDataset(rows, options)
      for (const index of [0, 1, 511, 1022, 1023, 1024, 1500, 2047, 2048, size - 1].filter((i) => i < size)) {
        const opening = commitment.open(index)
        expect(provesRow(commitment.root, opening)).toBe(true)
        expect(fromHex(opening.row)).toEqual(Uint8Array.from(rowAt(rows, index)))
      }
    }
  })

  test('an opening proves its own row at its own place only, and nothing else of it can be altered', () => {
    const commitment = commitDataset(numbered(37), options)
    const flip = (hex: Hex): Hex => `0x${hex.slice(2, -1)}${(parseInt(hex.slice(-1), 16) ^ 1).toString(16)}`
    fc.assert(
      fc.property(fc.nat(36), fc.nat(5), (index, level) => {
        const opening = commitment.open(index)
        const path = opening.path.map((hex, i) => (i === level % opening.path.length ? flip(hex) : hex))
        const altered = [
          { ...opening, index: (index + 1) % 37 },
          { ...opening, index: index + 0.5 },
          { ...opening, rows: 38 },
          { ...opening, rows: 2 ** 60 },
          { ...opening, dataset: flip(opening.dataset) },
          { ...opening, row: flip(opening.row) },
          { ...opening, row: `${opening.row}00` as const },
          { ...opening, rowSalt: flip(opening.rowSalt) },
          { ...opening, path },
          { ...opening, path: opening.path.slice(1) },
          { ...opening, path: [...opening.path, opening.rowSalt] },
        ]
        expect(provesRow(commitment.root, opening)).toBe(true)
        expect(altered.filter((other) => provesRow(commitment.root, other))).toEqual([])
      }),
    )
  })

  test('holds neither the key of the salts nor the party secret in an opening', () => {
    const commitment = commitDataset(numbered(5), options)
    const text = JSON.stringify(commitment.open(2))
    expect(text).not.toContain(toHex(commitment.jobSaltKey).slice(2))
    expect(text).not.toContain(toHex(options.partySecret).slice(2))
  })

  test('binds the number of rows, the order, the session, the dataset and the secret', () => {
    const rows = numbered(4)
    const other = new Uint8Array(32).fill(9)
    const roots = [
      commitDataset(rows, options),
      commitDataset(numbered(3), options),
      commitDataset(rowsOf([3, 1, 2, 0].map((i) => rowAt(rows, i))), options),
      commitDataset(
        rowsOf([utf8ToBytes('id-0id-1'), utf8ToBytes(''), utf8ToBytes('id-2'), utf8ToBytes('id-3')]),
        options,
      ),
      ...(['partySecret', 'sessionId', 'datasetId'] as const).map((field) =>
        commitDataset(rows, { ...options, [field]: other }),
      ),
    ].map(({ root }) => toHex(root))
    expect(new Set(roots).size).toBe(roots.length)
  })

  test('by the fast kernel and by the reference gives one root, over several tiles too', async () => {
    const engine = engineRunner(await wasmEngine())
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 60 }),
        fc.constantFrom(1, 50),
        async (some, times) => {
          const items = Array.from({ length: times }, () => some).flat()
          const rows = rowsOf(items)
          const commitment = commitDataset(rows, options)
          const salting = saltingOf(options)
          expect(commitRows(rows, salting, await tileRoots(engine, rows, salting)).root).toEqual(commitment.root)
        },
      ),
      { numRuns: 20 },
    )
  })

  test('refuses offsets that do not describe the bytes, and rows that are not there', () => {
    const bytes = utf8ToBytes('abc')
    const salting = { jobSaltKey: new Uint8Array(32), datasetId: options.datasetId }
    for (const offsets of [[], [0], [0, 2], [1, 3], [0, 3, 2, 3], [0, 4]]) {
      expect(() => commitRows({ bytes, offsets: Uint32Array.from(offsets) }, salting)).toThrow('offsets')
    }
    const commitment = commitDataset(numbered(3), options)
    for (const index of [-1, 3, 0.5, NaN]) expect(() => commitment.open(index)).toThrow('expected a row')
  })
})
