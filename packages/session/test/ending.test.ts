/** What the store of journals is told of the end of an attempt. */
import { TallyError } from '@tallystick/core'
import { runSession, type JournalStore } from '@tallystick/session'
import { expect, it } from 'vitest'
import { duet, duetInputs, optionsOf, runAll, setting, type Setting } from './fixture.ts'

const parameters = { rounds: 1, chunks: 1 }

/** The journals of a role, and what they are told. */
const told = (given: Setting, role: string) => {
  const store = given.journals[role]!
  const ends: string[] = []
  const journals: JournalStore = {
    attempts: store.attempts,
    open: store.open,
    finish: (attempt, state) => ends.push(`${attempt} ${state}`),
  }
  return { ends, journals }
}

it('closed, once its output is released', async () => {
  const given = setting(duet, parameters, duetInputs)
  const [left, right] = [told(given, 'left'), told(given, 'right')]
  await runAll(given, { left: { journals: left.journals }, right: { journals: right.journals } })
  expect([left.ends, right.ends]).toEqual([['0 closed'], ['0 closed']])
})

it('aborted, at both sides: by its own failure, and by the abort of the peer before the next attempt', async () => {
  const given = setting(duet, parameters, duetInputs)
  const [left, right] = [told(given, 'left'), told(given, 'right')]
  const broken = { run: () => Promise.reject(new TallyError('api/misuse', 'self', 'no kernel')) }
  const ended = await Promise.allSettled([
    runSession(optionsOf(given, 'left', { journals: left.journals, pool: broken })),
    runSession(optionsOf(given, 'right', { journals: right.journals, pool: broken })),
  ])
  expect(ended.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect([left.ends, right.ends].flat()).toContain('0 aborted')
  await runAll(given, { left: { journals: left.journals }, right: { journals: right.journals } })
  for (const { ends } of [left, right]) {
    expect(new Set(ends.slice(0, -1))).toEqual(new Set(['0 aborted']))
    expect(ends.at(-1)).toBe('1 closed')
  }
})
