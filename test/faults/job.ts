/** One job of the two banks: its processes, its journals, and the judgement over what came out. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replay, verify, type AuditReport, type VerifyOptions } from '@tallystick/attestation'
import { codeDigest, nodeSha256, readEvidence, readRecord } from '@tallystick/attestation/node'
import { readAuditorKey } from '@tallystick/cli'
import { canonicalJson, decodeValue, toHex, type Hex } from '@tallystick/core'
import { nodePool } from '@tallystick/kernels/pool'
import type { Journal, SessionRecord, Terms } from '@tallystick/session'
import { readJournal } from '@tallystick/session/node'
import { readResult } from '../../examples/blacklist/truth.ts'
import { freePort, leftOvers, startTally, type Ended, type Running } from './processes.ts'
import { agree, jobFolder, otherOf, sides, type Scene, type Side } from './scene.ts'

export interface Job {
  readonly scene: Scene
  readonly terms: Terms
  readonly file: string
  readonly port: number
  /** The process of a side that was started last. */
  readonly current: Partial<Record<Side, Running>>
  /** Starts, or starts again, the one command of a side. */
  start(side: Side, environment?: Readonly<Record<string, string>>): Running
  folder(side: Side): string
}

export const openJob = async (scene: Scene, chain?: string): Promise<Job> => {
  const { file, terms } = await agree(scene, chain)
  const port = await freePort()
  const current: Partial<Record<Side, Running>> = {}
  return {
    scene,
    terms,
    file,
    port,
    current,
    folder: (side) => jobFolder(scene, side, terms),
    start(side, environment = {}) {
      const { home, list } = scene[side]
      const args = ['psi', 'run', '--terms', file, '--input', list, '--home', home]
      const meeting = [side === 'a' ? '--listen' : '--connect', `127.0.0.1:${port}`]
      const running = startTally([...args, ...meeting, ...(chain === undefined ? [] : ['--chain', chain])], {
        ...scene.environment,
        ...environment,
      })
      current[side] = running
      return running
    },
  }
}

/** Folder of an attempt's journal, if it was begun. */
export const journalFolder = (job: Job, side: Side, attempt: number): string | undefined => {
  const folder = join(job.folder(side), `attempt-${attempt}`)
  return [join(folder, 'journal'), folder].find((each) => existsSync(join(each, 'id')))
}

/** Reads a journal that its process may be writing to; undefined where it was not begun. */
const withJournal = <T>(job: Job, side: Side, attempt: number, read: (journal: Journal) => T): T | undefined => {
  const folder = journalFolder(job, side, attempt)
  if (folder === undefined) return undefined
  const journal = readJournal({ folder, storageKey: job.scene[side].opened.keys.storageKey })
  try {
    return read(journal)
  } finally {
    journal.close()
  }
}

/** Whether both sides have written down the agreement of the other, in any attempt. */
export const termsSynced = (job: Job): boolean =>
  sides.every((side) => {
    const folder = job.folder(side)
    const attempts = existsSync(folder) ? readdirSync(folder).filter((name) => /^attempt-\d+$/.test(name)) : []
    const { role } = job.scene[otherOf(side)]
    return attempts.some((name) =>
      withJournal(job, side, Number(name.slice('attempt-'.length)), (journal) =>
        journal.has('state', `got/agreement/${role}`),
      ),
    )
  })

const patience = 180_000

/** Waits until both sides have ended; null for one that had to be ended. */
export const endOf = async (job: Job): Promise<Readonly<Record<Side, Ended | null>>> => {
  const end = async (side: Side): Promise<Ended | null> => {
    const running = job.current[side]!
    const { promise: late, resolve } = Promise.withResolvers<null>()
    const timer = setTimeout(() => resolve(null), patience)
    try {
      const ended = await Promise.race([running.ended, late])
      if (ended === null) running.kill()
      return ended
    } finally {
      clearTimeout(timer)
    }
  }
  const [a, b] = await Promise.all([end('a'), end('b')])
  return { a, b }
}

/** `error` events by code, or how else it ended. */
export const failureOf = (ended: Ended | null): string => {
  if (ended === null) return 'did not end'
  const said = ended.events.findLast(({ event }) => event === 'error')
  if (said !== undefined) return `${String(said['code'])}: ${String(said['message'])}`
  return `exit code ${ended.code ?? ended.signal}, and no word: ${ended.stderr.slice(-500)}`
}

/** A typed refusal, as opposed to a crash or a defect of ours. */
export const isTyped = (ended: Ended | null): boolean => {
  const said = ended?.events.findLast(({ event }) => event === 'error')
  return said !== undefined && !String(said['code']).startsWith('invariant/') && ended?.code === said['exitCode']
}

const recordOf = async (job: Job, side: Side): Promise<SessionRecord> =>
  (await readRecord(join(job.folder(side), 'record.json'))).session

const trustOf = ({ a, b }: Scene) => [a, b].map(({ opened: { identity } }) => identity)

export const verifyRecord = async (job: Job, side: Side, sources: VerifyOptions = {}): Promise<AuditReport> =>
  verify(Uint8Array.from(readFileSync(join(job.folder(side), 'record.json'))), {
    trust: trustOf(job.scene),
    ...sources,
  })

const replayEvidence = async (job: Job): Promise<AuditReport> => {
  await using pool = nodePool({ workers: 1 })
  const evidence = await readEvidence(join(job.folder('a'), 'evidence.age'), await readAuditorKey(job.scene.auditorKey))
  return await replay(await readRecord(join(job.folder('a'), 'record.json')), evidence, {
    trust: trustOf(job.scene),
    pool,
    code: codeDigest(),
    sha256: nodeSha256,
    sample: { seed: new Uint8Array(32).fill(1), rate: 1 / 100 },
  })
}

const unpassed = ({ checks }: AuditReport): string =>
  checks
    .filter(({ status, optional }) => status === 'failed' || (status !== 'passed' && optional !== true))
    .map(({ id, status, detail }) => `${id} ${status} (${detail})`)
    .join(', ')

/** What both hold alike; each names itself as the holder. */
const shared = ({ role: _, ...record }: SessionRecord): string => canonicalJson(record)

export interface Judgement {
  /** Everything that is not as it must be; empty where all is. */
  readonly faults: readonly string[]
  readonly attempt: number
  readonly aborts: SessionRecord['aborts']
}

/** Both have ended: the result, the records, the replay, and that nothing is left running. */
export const judge = async (job: Job, endings: Readonly<Record<Side, Ended | null>>): Promise<Judgement> => {
  const { scene, file, port } = job
  const faults: string[] = []
  const wrong = (what: string): void => void faults.push(what)
  for (const side of sides) if (endings[side]?.code !== 0) wrong(`${side}: ${failureOf(endings[side])}`)
  for (const left of await leftOvers(file, port)) wrong(`left over: ${left}`)
  if (faults.length > 0) return { faults, attempt: -1, aborts: [] }

  const { ids } = await readResult(join(job.folder('a'), 'result.csv'), scene.a.column)
  if (ids.join() !== scene.truth.join()) wrong('the result is not the plain intersection')
  const learned = endings.b!.events.findLast(({ event }) => event === 'result')
  if (learned?.['kind'] !== 'none') wrong('the sender learned something')
  const [a, b] = await Promise.all([recordOf(job, 'a'), recordOf(job, 'b')])
  if (shared(a) !== shared(b)) wrong('the records of the two differ')
  if (a.outcome !== 'completed') wrong(`the record says ${a.outcome}`)
  if (a.close?.signatures.length !== 2) wrong(`${a.close?.signatures.length ?? 0} of 2 signed the close`)
  for (const side of sides) {
    const { verdict, failed } = await verifyRecord(job, side)
    if (verdict !== 'consistent' || failed) wrong(`${side}: verify says ${verdict}`)
  }
  const replayed = await replayEvidence(job)
  if (replayed.verdict !== 'replayed' || replayed.failed)
    wrong(`replay says ${replayed.verdict}: ${unpassed(replayed)}`)
  return { faults, attempt: a.attempt, aborts: a.aborts }
}

/** The seed that a party drew for an attempt. */
export const seedOf = (job: Job, side: Side, attempt: number): Hex | undefined =>
  withJournal(job, side, attempt, (journal) => {
    const bytes = journal.get('state', 'secrets')
    return bytes === undefined ? undefined : toHex((decodeValue(bytes) as { seed: Uint8Array }).seed)
  })
