/**
 * A whole job of an oblivious query, both parties in one process over links in memory: terms, commitments (the holder's
 * over every line of its matrix), OPRF with proof, retrieval, checkpoint, signed close. Journals in memory, so no disk;
 * no TLS; scans and signatures of both sides on one core.
 */
import { createHash } from 'node:crypto'
import { commitDataset } from '@tallystick/attestation'
import { createRng, fromHex, taggedDigest, toHex, utf8ToBytes, type Hex } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { resident } from '@tallystick/kernels/engine'
import { inlinePool } from '@tallystick/kernels/pool'
import {
  askerRows,
  bindUnits,
  deriveKeyPair,
  emptyTable,
  holderOffsets,
  linesOf,
  listDigest,
  matrixBytesOf,
  pirInput,
  simplePirQuery,
  stashOf,
  type Items,
  type Shape,
} from '@tallystick/query'
import {
  createSigner,
  memoryJournals,
  memoryLinks,
  packageVersion,
  partyId,
  runSession,
  type Terms,
} from '@tallystick/session'

const rng = createRng(new Uint8Array(32).fill(4))
const noDigest: Hex = `0x${'00'.repeat(32)}`

const chainHash = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

const partyOf = (role: string, signer: Hex) => {
  const tls = toHex(taggedDigest('tallystick/no-tls-key/v1', fromHex(signer)))
  return { role, name: role, party: partyId(signer, tls), signer, tls }
}

/** Seconds of CPU and by the clock of a job with `queries` ids, none of them on the list. */
export const measureJob = async (shape: Shape, queries: number) => {
  const engine = await nodeEngine()
  const { secretKey, publicKey } = deriveKeyPair(new Uint8Array(32).fill(6), new Uint8Array())
  const memory = resident(64 + matrixBytesOf(shape))
  const table = emptyTable(shape, rng.fork('job table'), [memory.subarray(64)])
  memory.set(secretKey, 32)
  const lines: Items = {
    bytes: memory.subarray(32),
    offsets: holderOffsets(32 + matrixBytesOf(shape), shape.columns),
  }
  // What units hold does not change what a job costs.
  const bodies = Array.from({ length: queries }, () => new Uint8Array(4 * (shape.columns + linesOf(shape))))
  const { root, units } = bindUnits(bodies)
  const ids = Array.from({ length: queries }, (_, i) => utf8ToBytes(`nobody-${String(i).padStart(6, '0')}`))
  const asked = askerRows(
    { bytes: Buffer.concat(ids), offsets: Uint32Array.from({ length: queries + 1 }, (_, i) => 13 * i) },
    stashOf(table),
  )
  const signers = {
    asker: createSigner(rng.fork('asker').bytes(32)),
    holder: createSigner(rng.fork('holder').bytes(32)),
  }
  const terms: Terms = {
    format: 'tallystick/terms/1',
    domain: toHex(new Uint8Array(32).fill(7)),
    nonce: toHex(rng.fork(`nonce ${queries}`).bytes(32)),
    purpose: 'bench',
    protocol: { id: simplePirQuery.id, version: simplePirQuery.version, package: packageVersion, code: noDigest },
    parameters: {
      ...{ columns: shape.columns, slots: shape.slots, valueBytes: shape.valueBytes, queries },
      ...{ publicKey: toHex(publicKey), salt: toHex(table.salt), table: noDigest, matrix: noDigest },
      ...{ stashRows: 0, stash: listDigest(stashOf(table)) },
    },
    parties: [partyOf('asker', signers.asker.address), partyOf('holder', signers.holder.address)],
    receivers: ['asker'],
    data: {},
    leakage: simplePirQuery.leakage,
    auditor: { name: 'auditor', recipient: `age1${'q'.repeat(58)}`, limit: 1, reveals: { asker: 'a', holder: 'b' } },
    resources: { asker: { 'query/prepared': root } },
    attempts: 1,
    expires: '2099-01-01T00:00:00Z',
    deadlines: { handshake: 60, message: 60, close: 60 },
    retention: '2099-12-31',
  }
  const [left, right] = memoryLinks()
  const side = async (role: 'asker' | 'holder', rows: Items) => {
    const session = await runSession({
      terms,
      role,
      protocol: simplePirQuery,
      signer: signers[role],
      links: async () => (role === 'asker' ? { holder: left } : { asker: right }),
      input: pirInput(rows, role, terms.parameters),
      commitInput: (sessionId) =>
        commitDataset(rows, {
          partySecret: secretKey,
          sessionId: fromHex(sessionId),
          datasetId: fromHex(noDigest),
        }),
      pool: inlinePool(engine),
      journals: memoryJournals(),
      hash: chainHash,
      correlations: { digest: () => root, reserve: async () => Buffer.concat(units) },
    })
    await session.close()
  }
  const before = process.cpuUsage()
  const began = performance.now()
  await Promise.all([side('asker', asked), side('holder', lines)])
  const seconds = (performance.now() - began) / 1e3
  const { user, system } = process.cpuUsage(before)
  return { queries, seconds, cpuSeconds: (user + system) / 1e6, millisecondsAnId: (seconds * 1e3) / queries }
}
