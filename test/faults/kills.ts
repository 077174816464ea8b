/**
 * `kill -9`, in all phases of a run: each killed process is started again with the same command, and both must end with
 * the right result. After both sides have synced the terms nothing else counts; before, a typed refusal or a new attempt
 * is a clean abort, and the same commands must then come to the right result too.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { endOf, failureOf, isTyped, judge, openJob, termsSynced, type Job } from './job.ts'
import { phases, type Phase } from './processes.ts'
import type { Random } from './random.ts'
import { sides, type Scene, type Side } from './scene.ts'

/** A share of the undisturbed run of the first victim (see `at`), or some milliseconds after a phase of it has begun. */
export type Moment = { readonly share: number } | { readonly phase: Phase; readonly milliseconds: number }

export interface Plan {
  readonly name: string
  /** Killed at the same moment. */
  readonly victims: readonly Side[]
  readonly at: Moment
  /** Killed once more, at this moment of the process that was started again. */
  readonly again?: Moment
  /** Milliseconds until the killed processes are started again. */
  readonly pause: number
}

export interface Kill {
  readonly side: Side
  /** The last that the process told. */
  readonly phase: Phase
  /** Whether both sides had synced the terms. */
  readonly synced: boolean
}

export type Outcome = 'resumed' | 'clean abort' | 'defect'

export interface Fate {
  readonly plan: Plan
  readonly kills: readonly Kill[]
  readonly outcome: Outcome
  /** What was not as it must be, or the code of a clean abort. */
  readonly why: readonly string[]
  readonly milliseconds: number
}

/** Of a run that nobody disturbs: milliseconds from the start of the process to its first look at the network, and to its end. */
export type Timing = Readonly<Record<Side, { readonly network: number; readonly end: number }>>

/** The first fifth of all shares is for what happens before the network; most of what can go wrong comes after. */
const at = (share: number, { network, end }: Timing[Side]): number =>
  share < 0.2 ? (share / 0.2) * network : network + ((share - 0.2) / 0.8) * (end - network)

export const calibrate = async (scene: Scene): Promise<Timing> => {
  const job = await openJob(scene)
  const began = performance.now()
  const reached = sides.map(async (side) => {
    await job.start(side).reaches('connecting')
    return performance.now() - began
  })
  const endings = await endOf(job)
  const [a, b] = (await Promise.all(reached)) as [number, number]
  const { faults } = await judge(job, endings)
  if (faults.length > 0) throw new Error(`an undisturbed run came out wrong: ${faults.join('; ')}`)
  return { a: { network: a, end: endings.a!.milliseconds }, b: { network: b, end: endings.b!.milliseconds } }
}

const targets: readonly Phase[] = [
  'connecting',
  'handshake',
  'committing',
  'running',
  'checkpoint',
  'opening',
  'closing',
  'closed',
  'settling',
]

/** Milliseconds within which to kill; other phases are met within 15. */
const lengths: Partial<Record<Phase, number>> = { running: 400, checkpoint: 5, opening: 2 }

/** Each phase at each side, then the two at once and one twice, the rest at random times over the whole run. */
export const plansOf = (runs: number, random: Random): Plan[] => {
  const pause = (): number => Math.round(random.fraction() * 400)
  const targeted = targets.flatMap((phase) =>
    sides.map((side): Plan => {
      const milliseconds = Math.round(random.fraction() * (lengths[phase] ?? 15))
      const name = `${side} ${milliseconds} ms into ${phase}`
      return { name, victims: [side], at: { phase, milliseconds }, pause: pause() }
    }),
  )
  const twice = Array.from({ length: 8 }, (_, i): Plan => {
    const share = (Math.floor(i / 2) + random.fraction()) / 4
    if (i % 2 === 0) return { name: `both at ${percent(share)}`, victims: sides, at: { share }, pause: pause() }
    const side = random.pick(sides)
    const again = random.fraction()
    const name = `${side} at ${percent(share)}, again at ${percent(again)} of the resume`
    return { name, victims: [side], at: { share }, again: { share: again }, pause: pause() }
  })
  const left = Math.max(0, runs - targeted.length - twice.length)
  const timed = Array.from({ length: left }, (_, i): Plan => {
    const share = (i + random.fraction()) / left
    const side = random.pick(sides)
    return { name: `${side} at ${percent(share)}`, victims: [side], at: { share }, pause: pause() }
  })
  return [...targeted, ...twice, ...timed].slice(0, runs)
}

const percent = (share: number): string => `${Math.round(100 * share)} %`

/** Kills what still runs. @returns what was killed, as it was at that moment */
const killNow = async (job: Job, victims: readonly Side[]): Promise<readonly Kill[]> => {
  const alive = victims.filter((side) => !job.current[side]!.hasEnded())
  for (const side of alive) job.current[side]!.kill()
  const ended = await Promise.all(alive.map(async (side) => [side, await job.current[side]!.ended] as const))
  const synced = termsSynced(job)
  // One that ended by itself in the same moment was not killed.
  return ended.filter(([, { signal }]) => signal === 'SIGKILL').map(([side, { phase }]) => ({ side, phase, synced }))
}

const wait = async (job: Job, victim: Side, moment: Moment, timing: Timing, early: number): Promise<void> => {
  if ('phase' in moment) await job.current[victim]!.reaches(moment.phase)
  await sleep(early * ('phase' in moment ? moment.milliseconds : at(moment.share, timing[victim])))
}

/** @returns undefined where the process had ended before it could be killed */
const attemptPlan = async (scene: Scene, plan: Plan, timing: Timing, early: number): Promise<Fate | undefined> => {
  const began = performance.now()
  const job = await openJob(scene)
  for (const side of sides) job.start(side)
  await wait(job, plan.victims[0]!, plan.at, timing, early)
  const kills = [...(await killNow(job, plan.victims))]
  if (kills.length < plan.victims.length) {
    await restart(job, kills, plan.pause)
    await endOf(job)
    return undefined
  }
  await restart(job, kills, plan.pause)
  if (plan.again !== undefined) {
    await wait(job, plan.victims[0]!, plan.again, timing, early)
    const more = await killNow(job, plan.victims)
    kills.push(...more)
    await restart(job, more, plan.pause)
  }
  return { plan, kills, ...(await fateOf(job, kills)), milliseconds: performance.now() - began }
}

const restart = async (job: Job, kills: readonly Kill[], pause: number): Promise<void> => {
  await sleep(pause)
  for (const { side } of kills) job.start(side)
}

const fateOf = async (job: Job, kills: readonly Kill[]): Promise<Pick<Fate, 'outcome' | 'why'>> => {
  const endings = await endOf(job)
  const refused = sides.filter((side) => endings[side]?.code !== 0)
  const why: string[] = []
  if (refused.length > 0 && refused.every((side) => isTyped(endings[side]))) {
    why.push(...refused.map((side) => `${side}: ${failureOf(endings[side])}`))
    for (const side of sides) job.start(side)
  }
  const { faults, attempt } = await judge(job, why.length === 0 ? endings : await endOf(job))
  if (faults.length > 0) return { outcome: 'defect', why: [...why, ...faults] }
  if (attempt > 0) why.push(`attempt ${attempt + 1}`)
  if (why.length === 0) return { outcome: 'resumed', why }
  return { outcome: kills.some(({ synced }) => synced) ? 'defect' : 'clean abort', why }
}

/** Carries a plan out; a process that was quicker than the kill is met a little earlier, in a new job. */
export const carryOut = async (scene: Scene, plan: Plan, timing: Timing): Promise<Fate> => {
  for (let early = 1; early > 0.1; early *= 0.85) {
    const fate = await attemptPlan(scene, plan, timing, early)
    if (fate !== undefined) return fate
  }
  throw new Error(`${plan.name}: the process always ended before it could be killed`)
}

export interface Counts {
  /** Kills by phase. */
  readonly byPhase: ReadonlyMap<Phase, Readonly<Record<Outcome, number>>>
  readonly kills: number
  readonly synced: number
  readonly resumed: number
  /** Runs that ended so before the terms were synced. */
  readonly cleanAborts: number
  readonly defects: number
}

export const count = (fates: readonly Fate[]): Counts => {
  const byPhase = new Map(phases.map((phase) => [phase, { resumed: 0, 'clean abort': 0, defect: 0 }]))
  for (const { kills, outcome } of fates) for (const { phase } of kills) byPhase.get(phase)![outcome]++
  const kills = fates.flatMap((fate) => fate.kills)
  const runs = (outcome: Outcome): number => fates.filter((fate) => fate.outcome === outcome).length
  return {
    byPhase,
    kills: kills.length,
    synced: kills.filter(({ synced }) => synced).length,
    resumed: runs('resumed'),
    cleanAborts: runs('clean abort'),
    defects: runs('defect'),
  }
}
