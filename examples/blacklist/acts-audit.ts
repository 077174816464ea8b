/** The second half of the demo: an audit, a forgery that it finds, and a crash. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { agree, dial, field, meet } from './bank.ts'
import type { Results } from './acts-run.ts'
import { follow } from './acts-run.ts'
import type { Ended, Event } from './processes.ts'
import { count } from '@tallystick/cli'
import { requireThat, type Stage } from './stage.ts'
import { forgeEvidence } from './tamper.ts'
import { readResult } from './truth.ts'

interface Check {
  readonly id: string
  readonly status: 'passed' | 'failed' | 'not checked'
  readonly detail: string
  readonly role?: string
}

const checksOf = (ended: Ended): readonly Check[] => field<readonly Check[]>(ended, 'audit', 'checks')
const verdictOf = (ended: Ended): string => field<string>(ended, 'audit', 'verdict')

const sources = ({ scene }: Stage): string[] => [
  ...['--trust', ...[scene.a, scene.b].map(({ home }) => join(home, 'identity.json')), '--chain', scene.chain],
]
const keyOf = ({ scene }: Stage): string => join(scene.audit, 'auditor.key')

const tellAudit = ({ tell, output }: Stage, what: 'verify' | 'replay', ended: Ended): void => {
  const checks = checksOf(ended)
  const of = (status: Check['status']): number => checks.filter((check) => check.status === status).length
  tell(`${what}: ${output.style('green', verdictOf(ended))} (${of('passed')} checks passed, ${of('failed')} failed)`)
  output.report({ event: 'verdict', what, verdict: verdictOf(ended), passed: of('passed'), failed: of('failed') })
}

export const audit = async (stage: Stage, { record, evidence }: Results): Promise<void> => {
  const { commands, step, tell, shown } = stage
  step('The audit office looks at the record, then replays the evidence of Bank A')
  tell(`Record ${shown(record)}\nEvidence ${shown(evidence)} (sealed to the audit office)`)
  const [verified, replayed] = await Promise.all([
    commands.run('verify', record, ...sources(stage)),
    commands.run('replay', record, evidence, '--key', keyOf(stage), ...sources(stage)),
  ])
  tellAudit(stage, 'verify', verified)
  tellAudit(stage, 'replay', replayed)
  requireThat(verdictOf(verified) === 'consistent', `verify says ${verdictOf(verified)}`)
  requireThat(verdictOf(replayed) === 'replayed', `replay says ${verdictOf(replayed)}`)
  tell('Not proven:')
  for (const gap of field<readonly string[]>(replayed, 'audit', 'notProven')) tell(`  - ${gap}`)
}

/** The replay of a copy of the evidence in which one digit is another. */
export const replayForged = async (stage: Stage, { record, evidence }: Results): Promise<Ended> => {
  const { commands, scene } = stage
  const forged = join(scene.folder, 'evidence-altered.age')
  const { recipient } = JSON.parse(await readFile(join(scene.audit, 'auditor.json'), 'utf8')) as { recipient: string }
  await forgeEvidence(evidence, forged, { key: keyOf(stage), recipient }, 4711)
  return commands.start('replay', record, forged, '--key', keyOf(stage), ...sources(stage)).ended
}

export const forge = async ({ step, tell, output }: Stage, replayed: Promise<Ended>): Promise<void> => {
  step('Somebody alters one digit of one row in the evidence, and seals it again')
  const ended = await replayed
  requireThat(ended.code !== 0 && ended.events.some(({ event }) => event === 'audit'), 'the forgery was not refused')
  const failed = checksOf(ended).filter(({ status }) => status === 'failed')
  requireThat(failed.length > 0 && verdictOf(ended) !== 'replayed', 'the forgery was not found')
  for (const { id, detail } of failed) tell(`${output.style('red', `FAILED ${id}`)}: ${detail}`)
  tell(`verdict: ${verdictOf(ended)}, no longer replayed; exit code ${ended.code}`)
  output.report({ event: 'forgery', found: true, checks: failed.map(({ id }) => id) })
}

/** Resolves when a run has exchanged some, but not all, of its messages. */
const midway = (onEvent: (listener: (event: Event) => void) => void): Promise<number> =>
  new Promise((resolve) =>
    onEvent((event) => {
      const done = Number(event['done'])
      if (event.event === 'progress' && done >= 0.2 && done < 0.9) resolve(done)
    }),
  )

/** Terms for another run, in the file that is given back. */
export const agreeAgain = async ({ commands, scene }: Stage): Promise<string> => {
  const terms = join(scene.folder, 'terms-2.json')
  await agree(commands, scene, terms)
  return terms
}

export const crash = async (stage: Stage, agreed: Promise<string>, truth: readonly string[]): Promise<void> => {
  const { commands, scene, step, tell, output } = stage
  step('Bank B crashes in the middle of another run, and is started again')
  const terms = await agreed
  const meeting = await meet(commands, scene, terms)
  const progress = await follow(stage, meeting.a.onEvent)
  const done = await Promise.race([midway(meeting.b.onEvent), meeting.b.ended.then(() => undefined)])
  meeting.b.kill('SIGKILL')
  requireThat(done !== undefined, 'Bank B ended before it could be killed')
  const killed = await meeting.b.ended
  progress.stop()
  requireThat(killed.signal === 'SIGKILL', 'Bank B was not killed')
  tell(`kill -9 ${meeting.b.pid} at ${Math.round(100 * done!)} % of the messages; Bank A waits`)
  const resumed = await follow(stage, meeting.a.onEvent)
  const again = dial(commands, scene, terms, meeting.port)
  const [a, b] = await Promise.all([meeting.a.finish(), again.finish()]).finally(() => resumed.stop())
  const { ids } = await readResult(field<string>(a, 'result', 'file'), scene.a.column)
  requireThat(ids.join() === truth.join(), 'the result after the crash is not the plain intersection')
  requireThat(field<number>(b, 'record', 'attempt') === 0, 'the crash cost an attempt')
  tell(
    `The same command again (process ${again.pid}) goes on from its journal: ${count(ids.length)} common rows, the same attempt`,
  )
  output.report({ event: 'resume', size: ids.length, correct: true, killedAt: done! })
}
