import { beforeAll, describe, expect, test } from 'vitest'
import { verify } from '../src/verify.ts'
import { replay, type ReplayOptions } from '../src/replay.ts'
import { codeDigest } from '../src/node/code.ts'
import { parseRecord, recordBytes } from '../src/record.ts'
import { pool, runJob, trustOf, type Job } from './job.ts'

const options: ReplayOptions = { trust: trustOf(), code: codeDigest(), pool, sample: 'all' }
const failedOf = (report: { checks: readonly { id: string; status: string }[] }): string[] =>
  report.checks.filter(({ status }) => status === 'failed').map(({ id }) => id)

describe('an honest job', () => {
  let job: Job
  beforeAll(async () => {
    job = await runJob()
  })
  test('verifies', async () => {
    const report = await verify(job.record, { trust: trustOf() })
    expect(failedOf(report)).toEqual([])
    expect(report.verdict).toBe('consistent')
    expect((await verify(job.record)).verdict).toBe('well-formed')
    expect(parseRecord(recordBytes(job.record))).toEqual(job.record)
  })
  test('replays', async () => {
    const report = await replay(job.record, job.evidence, options)
    expect(failedOf(report)).toEqual([])
    expect(report.verdict).toBe('replayed')
  })
})
