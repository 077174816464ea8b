/** `tally replay`. */
import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { replay, type Evidence, type Outside } from '@tallystick/attestation'
import { codeDigest, nodeSha256, readEvidence, readRecord } from '@tallystick/attestation/node'
import { TallyError } from '@tallystick/core'
import { nodePool } from '@tallystick/kernels/pool'
import { readAuditorKey } from '../auditor-key.ts'
import type { Output } from '../output.ts'
import { tellReport, withSources, type AuditOptions } from './verify.ts'
import { count } from '../text.ts'

interface ReplayOptions extends AuditOptions {
  readonly key: string
  readonly reference: 'sample' | 'all'
  readonly table?: string
}

/** The matrix of a holder's table, from the folder of the table or the file itself. @throws TallyError input/* */
const outsideIn =
  (table: string) =>
  async (wanted: Outside): Promise<readonly Uint8Array[]> => {
    const { matrixFile, readMatrix } = await import('../query/table.ts')
    const folder = await stat(table).then(
      (found) => found.isDirectory(),
      () => true,
    )
    const file = folder ? await matrixFile(table, wanted.sha256) : table
    if (file !== undefined) return readMatrix(file, wanted)
    throw new TallyError('input/changed', 'self', `${table} holds no table with the matrix ${wanted.sha256}`, {
      remedy: 'ask the holder for the version of the table that the terms name',
    })
  }

/** Share of the rows of each kernel call that the reference computes again: it takes milliseconds a row. */
const rate = 1 / 200

/**
 * A worker takes about as long to start as to compute 20,000 rows of a set, of which a replay has two for each that was
 * committed to. Of other protocols the rows tell little.
 */
const workersFor = (protocol: string, { input }: Evidence): number => {
  const most = availableParallelism()
  if (!protocol.startsWith('psi/')) return most
  return Math.max(1, Math.min(most, Math.ceil((input.rows.offsets.length - 1) / 10_000)))
}

export const replayFile = async (
  output: Output,
  options: ReplayOptions,
  recordPath: string,
  evidencePath: string,
): Promise<void> => {
  const record = await readRecord(recordPath)
  const evidence = await readEvidence(evidencePath, await readAuditorKey(options.key))
  const prepared = evidence.resources.length > 0 ? await import('../query/resources.ts') : undefined
  await using pool = nodePool({ workers: workersFor(record.session.terms.protocol.id, evidence) })
  const progress = await output.progress()
  const audited = await withSources(options, (sources) =>
    replay(record, evidence, {
      ...sources,
      pool,
      code: codeDigest(),
      sha256: nodeSha256,
      ...(prepared === undefined ? {} : { resources: prepared.checkResources }),
      ...(options.table === undefined ? {} : { outside: outsideIn(options.table) }),
      // The auditor's own choice, which no party can foresee.
      sample: options.reference === 'all' ? 'all' : { seed: randomBytes(32), rate },
      onProgress: ({ rows }) => progress.update(`${count(rows)} rows computed again`, 0),
    }),
  ).finally(() => progress.stop())
  tellReport(output, audited, 'evidence/mismatch', options.expect)
}
