/**
 * Power losses and copies that are put back, over real processes. An attempt in which something left after the last sync
 * must never go on: it is burned, its abort is in the record, and the same command runs a new attempt with other seeds.
 */
import { cp, mkdir, readdir, readFile, rm, truncate, stat } from 'node:fs/promises'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endOf, isTyped, journalFolder, judge, openJob, seedOf, verifyRecord, type Job } from './job.ts'
import type { Phase } from './processes.ts'
import type { Random } from './random.ts'
import { otherOf, sides, type Scene, type Side } from './scene.ts'

export interface Scenario {
  readonly name: string
  /** @returns what happened, for people; throws where it must not */
  play(scene: Scene): Promise<string>
}

const requireThat = (condition: boolean, what: string): void => {
  if (!condition) throw new Error(what)
}

/** Where a journal of this machine keeps its generation, as disk-journal.ts and generation.ts lay it out. */
const generationStatus = async (state: string): Promise<'clean' | 'sent' | 'burned'> => {
  const folder = join(state, 'tallystick', 'generations')
  const files = (await readdir(folder)).filter((name) => /^[0-9a-f]{32}$/.test(name))
  requireThat(files.length === 1, `expected one generation file, found ${files.length}`)
  return (['clean', 'sent', 'burned'] as const)[(await readFile(join(folder, files[0]!))).readUInt32BE(28)]!
}

const boots = fileURLToPath(new URL('./boot.ts', import.meta.url))

/** A machine of its own for a side: boot ids that count up, a log of what was synced, generations of its own. */
const machine = async (job: Job, side: Side) => {
  const folder = join(job.scene.folder, `machine-${basename(job.file, '.json')}-${side}`)
  await mkdir(folder)
  const log = join(folder, 'syncs')
  const state = join(folder, 'state')
  let boot = 1
  return {
    start: () =>
      job.start(side, {
        NODE_OPTIONS: `--import=${boots}`,
        FAULTS_BOOT: `boot ${boot}`,
        FAULTS_SYNCS: log,
        XDG_STATE_HOME: state,
      }),
    status: () => generationStatus(state),
    /** What was not synced is gone, and the machine starts anew. @returns bytes lost, of entries and of large bodies */
    async losePower(): Promise<{ readonly entries: number; readonly bodies: number }> {
      boot++
      const synced = new Map<string, number>()
      for (const line of readFileSync(log, 'utf8').split('\n').filter(Boolean)) {
        const { file, size } = JSON.parse(line) as { file: string; size: number }
        synced.set(file, size)
      }
      const lost = { entries: 0, bodies: 0 }
      const journal = journalFolder(job, side, 0)!
      for (const name of (await readdir(journal)).filter((each) => /\.(segment|bodies)$/.test(each))) {
        const file = join(journal, name)
        const { size } = await stat(file)
        // A segment is made whole (header and name) before it has any entry; of bodies nothing but the name.
        const kept = Math.min(size, synced.get(file) ?? (name.endsWith('.segment') ? headerBytes : 0))
        lost[name.endsWith('.segment') ? 'entries' : 'bodies'] += size - kept
        await truncate(file, kept)
      }
      return lost
    },
  }
}

const headerBytes = 124

const kill = async (job: Job, side: Side, phase: Phase, milliseconds = 0): Promise<void> => {
  const running = job.current[side]!
  requireThat(await running.reaches(phase), `${side} never came to ${phase}`)
  await sleep(milliseconds)
  running.kill()
  requireThat((await running.ended).signal === 'SIGKILL', `${side} ended before it could be killed in ${phase}`)
}

/**
 * Both end rightly in a second attempt, and the first is burned, in the record and counted; or the survivor had all
 * signatures before the kill came: then it has completed the attempt, terms run once, and the victim is refused.
 */
const requireNewAttempt = async (job: Job, victim: Side): Promise<string> => {
  const seed = seedOf(job, victim, 0)
  const ended = await endOf(job)
  const refused = ended[victim]
  if (refused !== null && refused.code !== 0 && isTyped(refused) && ended[otherOf(victim)]?.code === 0) {
    const said = String(refused.events.findLast(({ event }) => event === 'error')?.['code'])
    requireThat(['session/aborted', 'peer/aborted'].includes(said), `refused with ${said}`)
    return `refused (${said}), for the other side has completed the attempt`
  }
  const { faults, attempt, aborts } = await judge(job, ended)
  requireThat(faults.length === 0, faults.join('; '))
  requireThat(attempt === 1, `expected the second attempt, found number ${attempt + 1}`)
  const told = (side: Side) => aborts.find(({ role, attempt: of }) => role === job.scene[side].role && of === 0)?.code
  requireThat(told(victim) === 'journal/rewound', `the abort of ${victim} says ${told(victim)}`)
  requireThat(told(otherOf(victim)) !== undefined, `${otherOf(victim)} signed no abort`)
  requireThat(aborts.length === 2, `the record has ${aborts.length} aborts`)
  const journal = journalFolder(job, victim, 0)
  requireThat(journal === undefined || existsSync(join(journal, 'burned')), 'the journal is not marked as burned')
  const fresh = seedOf(job, victim, 1)
  requireThat(fresh !== undefined && fresh !== seed, 'the second attempt has the seed of the first')
  for (const side of sides) {
    const { checks } = await verifyRecord(job, side)
    const counted = checks.find(({ id }) => id === 'attempts')
    requireThat(
      counted?.status === 'passed' && counted.detail.includes('1 given up before'),
      'verify does not count it',
    )
  }
  return 'attempt 1 burned (journal/rewound), right result in attempt 2; verify: 1 given up before'
}

const requireResumed = async (job: Job): Promise<string> => {
  const { faults, attempt } = await judge(job, await endOf(job))
  requireThat(faults.length === 0, faults.join('; '))
  requireThat(attempt === 0, `expected the first attempt, found number ${attempt + 1}`)
  return 'resumed, right result in the first attempt'
}

/** The victim's machine loses power some time into a phase; its journal tells whether anything had left unsynced. */
export const powerLoss = (victim: Side, phase: Phase, milliseconds: number): Scenario => ({
  name: `${victim} loses power ${milliseconds} ms into ${phase}`,
  async play(scene) {
    const job = await openJob(scene)
    const computer = await machine(job, victim)
    computer.start()
    job.start(otherOf(victim))
    await kill(job, victim, phase, milliseconds)
    if (journalFolder(job, victim, 0) === undefined) {
      computer.start()
      return `no journal was begun: ${await requireResumed(job)}`
    }
    const status = await computer.status()
    const lost = await computer.losePower()
    computer.start()
    const how = `${lost.entries} bytes of entries and ${lost.bodies} of bodies lost, ${status === 'sent' ? 'frames' : 'nothing'} had left since the last sync`
    return `${how}: ${status === 'sent' ? await requireNewAttempt(job, victim) : await requireResumed(job)}`
  },
})

/** An older copy of the journal is put back in the same boot. */
export const olderCopy = (victim: Side, copied: Phase, killed: Phase): Scenario => ({
  name: `${victim}: killed in ${killed}, the journal of its ${copied} put back`,
  async play(scene) {
    const job = await openJob(scene)
    for (const side of sides) job.start(side)
    requireThat(await job.current[victim]!.reaches(copied), `${victim} never came to ${copied}`)
    const journal = journalFolder(job, victim, 0)!
    const copy = `${journal}-copy`
    await cp(journal, copy, { recursive: true })
    await kill(job, victim, killed)
    await rm(journal, { recursive: true })
    await cp(copy, journal, { recursive: true })
    await rm(copy, { recursive: true })
    job.start(victim)
    return await requireNewAttempt(job, victim)
  },
})

/** The copy is of a process before the last: as many entries may be in it, but its generation is over. */
const earlierStart = (victim: Side): Scenario => ({
  name: `${victim}: killed twice, the journal as the first kill left it put back`,
  async play(scene) {
    const job = await openJob(scene)
    for (const side of sides) job.start(side)
    await kill(job, victim, 'opening')
    const journal = journalFolder(job, victim, 0)!
    const copy = join(scene.folder, `copy-${basename(job.file, '.json')}`)
    await cp(journal, copy, { recursive: true })
    job.start(victim)
    await kill(job, victim, 'handshake')
    await rm(journal, { recursive: true })
    await cp(copy, journal, { recursive: true })
    job.start(victim)
    return await requireNewAttempt(job, victim)
  },
})

/** The home is put back from a backup that knows nothing of the job. */
const homeBefore = (victim: Side): Scenario => ({
  name: `${victim}: killed in opening, its home put back as it was before the job`,
  async play(scene) {
    const job = await openJob(scene)
    for (const side of sides) job.start(side)
    await kill(job, victim, 'opening')
    await rm(job.folder(victim), { recursive: true })
    job.start(victim)
    return await requireNewAttempt(job, victim)
  },
})

/** The last entries are gone in the same boot: a disk that was repaired, or somebody at work. */
const cutTail = (victim: Side, random: Random): Scenario => ({
  name: `${victim}: killed in opening, the tail of its journal cut`,
  async play(scene) {
    const job = await openJob(scene)
    for (const side of sides) job.start(side)
    await kill(job, victim, 'opening')
    const journal = journalFolder(job, victim, 0)!
    const [last = ''] = (await readdir(journal))
      .filter((name) => name.endsWith('.segment'))
      .sort()
      .reverse()
    const { size } = await stat(join(journal, last))
    const kept = headerBytes + Math.floor(random.fraction() * (size - headerBytes))
    await truncate(join(journal, last), kept)
    job.start(victim)
    return `${size - kept} of ${size} bytes cut: ${await requireNewAttempt(job, victim)}`
  },
})

export const rewindScenarios = (random: Random): Scenario[] => {
  const elsewhere = sides.flatMap((side) => [
    olderCopy(side, 'running', 'opening'),
    earlierStart(side),
    homeBefore(side),
    cutTail(side, random),
  ])
  if (process.platform !== 'linux') return elsewhere
  const lost = (['handshake', 'committing', 'running', 'checkpoint', 'opening', 'closing'] as const).flatMap((phase) =>
    sides.map((side) => powerLoss(side, phase, Math.round(random.fraction() * (phase === 'running' ? 300 : 10)))),
  )
  return [...lost, ...elsewhere]
}
