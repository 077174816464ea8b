/** `tally replay`. */
import { randomBytes } from 'node:crypto'
import { replay } from '@tallystick/attestation'
import { codeDigest, nodeSha256, readEvidence, readRecord } from '@tallystick/attestation/node'
import { nodePool } from '@tallystick/kernels/pool'
import { readAuditorKey } from '../auditor-key.ts'
import type { Output } from '../output.ts'
import { checkResources } from '../query/resources.ts'
import { tellReport, withSources, type AuditOptions } from './verify.ts'
import { count } from '../text.ts'

interface ReplayOptions extends AuditOptions {
  readonly key: string
  readonly reference: 'sample' | 'all'
}

/** Share of the rows of each kernel call that the reference computes again: it takes milliseconds a row. */
const rate = 1 / 200

export const replayFile = async (
  output: Output,
  options: ReplayOptions,
  recordPath: string,
  evidencePath: string,
): Promise<void> => {
  const record = await readRecord(recordPath)
  const evidence = await readEvidence(evidencePath, await readAuditorKey(options.key))
  await using pool = nodePool()
  const progress = await output.progress()
  const audited = await withSources(options, (sources) =>
    replay(record, evidence, {
      ...sources,
      pool,
      code: codeDigest(),
      sha256: nodeSha256,
      resources: checkResources,
      // The auditor's own choice, which no party can foresee.
      sample: options.reference === 'all' ? 'all' : { seed: randomBytes(32), rate },
      onProgress: ({ rows }) => progress.update(`${count(rows)} rows computed again`, 0),
    }),
  ).finally(() => progress.stop())
  tellReport(output, audited, 'evidence/mismatch', options.expect)
}
