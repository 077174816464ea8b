/** What a party has signed it cannot be made to take back, and what a peer says without a signature ends nothing. */
import { bytesToUtf8, canonicalBytes, parseCanonical, TallyError, utf8ToBytes } from '@tallystick/core'
import {
  memoryJournals,
  reasonOf,
  runSession,
  signEvent,
  specHash,
  type JournalStore,
  type SessionOptions,
  type Terms,
} from '@tallystick/session'
import { describe, expect, it } from 'vitest'
import { duet, duetInputs, fastClock, keyOf, optionsOf, setting, trio } from './fixture.ts'
import { control, on, runHostile, tampering, type Tamper } from './hostile.ts'

const quick = { deadlines: { handshake: 8, message: 8, close: 8 } }
const scene = (changes: Partial<Terms> = quick) => setting(duet, { rounds: 1, chunks: 1 }, duetInputs, changes)

/** Journals of a party whose attempt 0 is gone. */
const rewound = (): JournalStore => {
  const journals = memoryJournals()
  return {
    attempts: () => [...new Set([0, ...journals.attempts()])],
    open(attempt) {
      if (attempt === 0) throw new TallyError('journal/rewound', 'self', 'put back')
      return journals.open(attempt)
    },
  }
}

/** Takes the peer's close and gives none. */
const withheld = on('control', /^(close|done)$/, () => [])
const neverDials: SessionOptions['links'] = (signal) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))

describe('after the own signature of the close', () => {
  it('a peer that took it gets no second attempt, and the output is released at the deadline', async () => {
    const given = scene()
    const left = runSession(optionsOf(given, 'left'))
    const links = tampering(given.network.dial('right'), withheld)
    const first = await runSession(optionsOf(given, 'right', { links }))
    expect(first.record.close!.signatures).toHaveLength(2)
    await first.close(false)

    const again = optionsOf(given, 'right', { journals: rewound(), input: utf8ToBytes('guess 2!') })
    await expect(runSession(again)).rejects.toMatchObject({ code: expect.stringMatching(/^(session|peer|network)\//) })
    const ended = await left
    expect(ended.attempt).toBe(0)
    expect(ended.record.outcome).toBe('completed')
    expect(ended.record.aborts).toEqual([])
    expect(given.journals['left']!.attempts()).toEqual([0])
    await ended.close(false)
  })

  it('a restart releases the output at the deadline although nobody comes back', async () => {
    const given = scene({ deadlines: { handshake: 8, message: 8, close: 2 } })
    const stop = new AbortController()
    const links = tampering(given.network.dial('right'), withheld)
    const right = runSession(optionsOf(given, 'right', { links })).then((result) => result.close(false))
    // Stopped as soon as its signature has left; by a slow clock, so that the deadline is not met before.
    const leaving = on('control', /^close$/, (frame) => {
      setTimeout(() => stop.abort())
      return [frame]
    })
    const stopped = runSession(
      optionsOf(given, 'left', {
        signal: stop.signal,
        clock: fastClock(1),
        links: tampering(given.network.dial('left'), leaving),
      }),
    )
    await expect(stopped).rejects.toMatchObject({ code: 'session/cancelled' })
    await right
    const again = await runSession(optionsOf(given, 'left', { links: neverDials }))
    expect(again.record.outcome).toBe('completed')
    expect(again.record.close!.signatures.map(({ role }) => role)).toEqual(['left'])
    await again.close(false)
  })
})

describe('a new attempt', () => {
  it('is not begun on a number that a peer merely says', async () => {
    const given = scene()
    const jump = control('attempt', () => ({ attempt: 2 }))
    const { left } = await runHostile(given, { right: jump }, {}, 'left')
    expect(left!.error).toMatchObject({ code: 'peer/misbehaved', blame: { peer: 'right' } })
    // No number was used up: the next run begins where it would have.
    expect(given.journals['left']!.attempts()).toEqual([])
  })

  it('is not blamed on an honest peer where a third party tells two numbers', async () => {
    const given = setting(trio, {}, { a: 1, b: 2, c: 3 }, quick)
    const { terms } = given
    const reason = reasonOf(terms, 'session/aborted')
    const event = { kind: 'Abort', specHash: specHash(terms), attempt: 0, party: 2, reason } as const
    const signature = signEvent(keyOf('c'), terms.domain, event)
    const jump = control('attempt', () => ({ attempt: 1 }))
    const past = control('past', () => ({ aborts: [{ attempt: 0, code: 'session/aborted', signature }] }))
    const lie: Tamper = (frame, to) => (to === 'a' ? jump(frame, to).flatMap((changed) => past(changed, to)) : [frame])
    const { a } = await runHostile(given, { c: lie })
    expect(a!.error).toMatchObject({ code: 'peer/misbehaved', blame: 'none' })
    expect(a!.error!.message).toContain('or a party that told it another number')
  })

  it('beyond the terms is blamed on the peer that counts that far', async () => {
    const given = scene()
    const { left } = await runHostile(given, { right: control('attempt', () => ({ attempt: 1000 })) }, {}, 'left')
    expect(left!.error).toMatchObject({ code: 'terms/attempts-exhausted', blame: { peer: 'right' } })
  })

  it('does not start after the terms have expired', async () => {
    const given = scene({ ...quick, expires: '2020-01-01T00:00:00Z' })
    const { left } = await runHostile(given, {}, { left: { journals: rewound() }, right: { journals: rewound() } })
    expect(left!.error).toMatchObject({ code: 'terms/expired' })
  })
})

describe('what a peer adds', () => {
  it('stays out of the record: consents that nobody asked for', async () => {
    const given = scene()
    const disclosures = [{ of: 'left', signature: `0x${'11'.repeat(65)}` }]
    const { left } = await runHostile(given, { right: control('close', (body) => ({ ...body, disclosures })) })
    expect(left!.result!.record.outcome).toBe('completed')
    expect(left!.result!.record.disclosures).toEqual([])
  })

  it('stays out of the record: an abort whose code no record could hold', async () => {
    const given = scene({ deadlines: { handshake: 8, message: 8, close: 2 } })
    const code = `a/${'b'.repeat(200)}`
    const key = keyOf('right')
    const event = {
      kind: 'Abort',
      specHash: specHash(given.terms),
      attempt: 0,
      party: 1,
      reason: reasonOf(given.terms, code),
    } as const
    const signature = signEvent(key, given.terms.domain, event)
    const body = canonicalBytes({ code, message: 'x', attempt: 0, signature })
    const abort = on('control', /^close$/, () => [{ channel: 'control', step: 'abort', ordinal: 0, body }])
    const { left } = await runHostile(given, { right: abort }, {}, 'left')
    expect(left!.result!.record.outcome).toBe('completed')
    expect(left!.result!.record.aborts).toEqual([])
  })

  it('costs it what it costs us: empty messages are not free', async () => {
    const given = scene()
    const flood = on('control', /^attempt$/, (frame) => [
      ...Array.from({ length: 20_000 }, (_, ordinal) => ({
        channel: 'control' as const,
        step: 'held',
        ordinal,
        body: new Uint8Array(0),
      })),
      frame,
    ])
    const { left } = await runHostile(given, { right: flood }, {}, 'left')
    expect(left!.error).toMatchObject({ code: 'peer/flooding', blame: { peer: 'right' } })
  })
})

describe('what a peer is told', () => {
  it('is what it did itself, and nothing of this side’s data, disk or software', async () => {
    const given = scene()
    const told: string[] = []
    const watch = on('control', /^abort$/, (frame) => {
      told.push(bytesToUtf8(frame.body))
      return [frame]
    })
    const secret = 'found row 17 equal to row 3 of /home/bank/list.csv'
    const broken = {
      run() {
        throw new TallyError('input/duplicate', 'self', secret)
      },
    }
    await runHostile(given, { left: watch }, { left: { pool: broken } })
    expect(told).toHaveLength(1)
    expect(parseCanonical(utf8ToBytes(told[0]!))).toMatchObject({ code: 'session/aborted' })
    expect(told[0]).not.toContain('row')
  })
})
