/** What a replay asks of the rows of an oblivious query. */
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { programs } from '../src/programs/index.ts'

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()

it('compares the lines of the matrix with the digest in the parameters', () => {
  const { bound } = programs['query/simplepir']!
  const rows = { bytes: new Uint8Array(32 + 128).fill(3), offsets: Uint32Array.of(0, 32, 96, 160) }
  const parameters = { matrix: `0x${Buffer.from(sha256(rows.bytes.subarray(32))).toString('hex')}` }
  expect(bound!(rows, 'holder', parameters, sha256)).toBe(true)
  // The key is not part of it: another line is.
  const other = { ...rows, bytes: rows.bytes.slice() }
  other.bytes[0] = 9
  expect(bound!(other, 'holder', parameters, sha256)).toBe(true)
  other.bytes[100] = 9
  expect(bound!(other, 'holder', parameters, sha256)).toBe(false)
  expect(bound!(other, 'asker', parameters, sha256)).toBe(true)
})

it('knows who learns where parameters do not say it', () => {
  const silent = Object.values(programs).filter(({ protocol }) => /^(?:query|homomorphic)\//.test(protocol.id))
  expect(silent.length).toBeGreaterThan(20)
  for (const { protocol } of silent) {
    expect([protocol.id, protocol.receivers]).toEqual([
      protocol.id,
      [expect.stringMatching(/^(?:asker|client|receiver)$/)],
    ])
    expect(protocol.roles).toContain(protocol.receivers![0])
  }
})
