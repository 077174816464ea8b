/** A party dies at every single entry of its journal, and comes back; the machine loses power; a copy is put back. */
import { TallyError } from '@tallystick/core'
import { runSession, type MemoryJournals, type SessionResult } from '@tallystick/session'
import { describe, expect, it } from 'vitest'
import { duet, duetInputs, entropyOf, fastClock, optionsOf, runAll, setting, type Setting, trio } from './fixture.ts'

const killed = new TallyError('journal/io', 'self', 'killed')

/** Lets the process of the journals die in place of append number `at`, once. */
const dieAt = (journals: MemoryJournals, at: number): void => {
  let dead = false
  journals.onAppend = () => {
    dead ||= journals.appends === at
    if (dead) throw killed
  }
}

const restart = (journals: MemoryJournals): void => {
  journals.onAppend = () => {}
}

const options = (given: Setting, role: string) =>
  optionsOf(given, role, { clock: fastClock(20), entropy: entropyOf(role) })

/** Runs all; `mortal` dies at an append and is started again until it ends. */
const runWithCrash = async (given: Setting, mortal: string, at: number) => {
  const journals = given.journals[mortal]!
  dieAt(journals, at)
  let deaths = 0
  const live = async (role: string): Promise<SessionResult> => {
    try {
      return await runSession(options(given, role))
    } catch (error) {
      if (error !== killed) throw error
      deaths++
      restart(journals)
      return runSession(options(given, role))
    }
  }
  const roles = given.protocol.roles as string[]
  const results = await Promise.all(roles.map(async (role) => [role, await live(role)] as const))
  await Promise.all(results.map(([, result]) => result.close(false)))
  return { results: Object.fromEntries(results), deaths }
}

const transcript = (result: SessionResult) => result.evidence.chains.view

describe('a crash', () => {
  it.each(['left', 'right'])(
    'of %s at every append resumes to the same output by the same frames',
    async (mortal) => {
      const make = () => setting(duet, { rounds: 2, chunks: 2 }, duetInputs)
      const baseline = make()
      const expected = await runAll(baseline)
      const total = baseline.journals[mortal]!.appends
      expect(total).toBeGreaterThan(20)
      let deaths = 0
      for (let at = 0; at < total; at++) {
        const given = make()
        const run = await runWithCrash(given, mortal, at)
        deaths += run.deaths
        for (const role of duet.roles) {
          const result = run.results[role]!
          expect(result.attempt, `attempt after the crash at ${at}`).toBe(0)
          expect(result.output).toEqual(expected[role]!.output)
          expect(transcript(result)).toEqual(transcript(expected[role]!))
          expect(result.record.views.map((v) => v.heads)).toEqual(expected[role]!.record.views.map((v) => v.heads))
        }
      }
      // Entries after the release are written while the result is already out.
      expect(deaths).toBeGreaterThan(total - 4)
    },
    60_000,
  )

  it('of one of three parties resumes for all', async () => {
    const inputs = { a: 1, b: 2, c: 3 }
    const total = 30
    for (let at = 0; at < total; at += 3) {
      const { results } = await runWithCrash(setting(trio, {}, inputs), 'b', at)
      for (const role of trio.roles) expect(results[role]!.output).toBe(6)
    }
  }, 30_000)

  it('after the close changes nothing: output and record come out of the journal, without any network', async () => {
    const given = setting(duet, { rounds: 1, chunks: 1 }, duetInputs)
    const before = await runAll(given)
    const links = () => Promise.reject(new Error('no network'))
    for (const role of duet.roles) {
      const again = await runSession({ ...options(given, role), links })
      expect(again.output).toEqual(before[role]!.output)
      expect(again.record).toEqual(before[role]!.record)
      expect([...again.evidence.inbox].length).toBe(3)
      await again.close()
    }
  })
})
