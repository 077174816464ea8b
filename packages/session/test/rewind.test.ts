/** Connections that break, machines that lose power, journals that are put back: what resumes and what must not. */
import { fixedBytes, TallyError } from '@tallystick/core'
import { sha256 } from '@noble/hashes/sha2.js'
import { defineProtocol, message, type Kernel } from '@tallystick/protocol'
import type { Frame, KernelPool, MemoryLinkOptions } from '@tallystick/session'
import { describe, expect, it } from 'vitest'
import { duet, duetInputs, fastClock, runAll, setting, trio, type Setting } from './fixture.ts'
import { on, runHostile } from './hostile.ts'

/** Drops the connection in place of frame number `at` over all connections, once. */
const dropping = (at: number) => {
  let frames = 0
  return (): MemoryLinkOptions => ({
    deliver(frame: Frame, drop: () => void) {
      if (frames++ !== at) return [frame]
      drop()
      return []
    },
  })
}

describe('a lost connection', () => {
  it('at any frame is dialled again, and the run goes on', async () => {
    const parameters = { rounds: 2, chunks: 2 }
    const expected = await runAll(setting(duet, parameters, duetInputs))
    for (let at = 0; at < 44; at += 2) {
      const given = setting(duet, parameters, duetInputs, {}, dropping(at))
      const results = await runAll(given)
      for (const role of duet.roles) {
        expect(results[role]!.output, `dropped at ${at}`).toEqual(expected[role]!.output)
        expect(results[role]!.evidence.chains).toEqual(expected[role]!.evidence.chains)
        expect(results[role]!.attempt).toBe(0)
      }
    }
  }, 30_000)

  it('between two of three parties does not stop the third', async () => {
    for (const at of [20, 60]) {
      const results = await runAll(setting(trio, {}, { a: 1, b: 2, c: 3 }, {}, dropping(at)))
      for (const role of trio.roles) expect(results[role]!.output).toBe(6)
    }
  })

  it('that never comes back ends in a typed error, and a later start resumes the attempt', async () => {
    const deadlines = { handshake: 6, message: 6, close: 6 }
    const given = setting(duet, { rounds: 2, chunks: 2 }, duetInputs, { deadlines })
    const dead = on('message', /round-1\/pong/, () => [])
    const { left } = await runHostile(given, { right: dead })
    expect(['peer/timeout', 'network/unreachable', 'network/closed']).toContain(left!.error!.code)
    // In real time: what is resumed must not run into the deadline that the first run was to miss.
    const again = await runAll(given, { left: { clock: fastClock(1) }, right: { clock: fastClock(1) } })
    expect(again['left']!.attempt).toBe(0)
    expect(again['left']!.output).toEqual(duetInputs.right)
  })
})

const digest: Kernel<Uint8Array, Uint8Array> = { name: 'test/digest', run: (input) => sha256(input) }

/** The left answers what it is asked: another question gives another answer. */
const oracle = defineProtocol({
  id: 'test/oracle',
  version: 1,
  roles: ['left', 'right'],
  messages: {
    question: message('right', 'left', fixedBytes(32)),
    answer: message('left', 'right', fixedBytes(32)),
  },
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 128,
    statistical: 40,
    assumptions: [],
    refusal: 'nothing',
  },
  leakage: { left: 'the questions', right: 'the answers' },
  parameters: (value) => value as { rounds: number },
  cost: ({ rounds }) => ({ rounds: 2 * rounds, bytes: 64 * rounds, coins: { left: 0, right: 0 }, correlations: {} }),
  ideal: (_, _inputs: { left: null; right: null }) => ({ left: null, right: null }),
  parties: {
    *left(ctx, { rounds }, _: null) {
      for (let i = 0; i < rounds; i++) {
        const at = ctx.narrow(`round-${i}`)
        yield* at.send('answer', yield* at.compute(digest, yield* at.receive('question')))
      }
      return null
    },
    *right(ctx, { rounds }, _: null) {
      for (let i = 0; i < rounds; i++) {
        const at = ctx.narrow(`round-${i}`)
        yield* at.send('question', new Uint8Array(32).fill(i))
        yield* at.receive('answer')
      }
      return null
    },
  },
})

it('no frame leaves before what it can depend on is written down', async () => {
  let unflushed = 0
  const answered: number[] = []
  const watch = (): MemoryLinkOptions => ({
    deliver(frame) {
      if (frame.step.endsWith('/answer')) answered.push(given.journals['left']!.unflushed)
      return [frame]
    },
  })
  const given = setting(oracle, { rounds: 4 }, { left: null, right: null }, {}, watch)
  const slow: KernelPool = {
    async run(kernel, input) {
      unflushed = Math.max(unflushed, given.journals['left']!.unflushed)
      return kernel.run(input)
    },
  }
  await runAll(given, { left: { pool: slow } })
  expect(answered).toEqual([0, 0, 0, 0])
  // The routine saw the question before it was written down.
  expect(unflushed).toBe(1)
})

describe('a journal that lost its tail', () => {
  /** The left's process and the right's end in mid-run, as the third answer is lost: at that frame, not at a time. */
  const interrupt = async (given: Setting): Promise<void> => {
    const over = new AbortController()
    const lost = on('message', /round-2\/answer/, () => {
      over.abort(new TallyError('peer/timeout', 'none', 'the third answer is lost'))
      return []
    })
    const { signal } = over
    const endings = await runHostile(given, { left: lost }, { left: { signal }, right: { signal } })
    for (const { error } of Object.values(endings)) expect(error).toMatchObject({ code: 'peer/timeout' })
    const answers = [...given.journals['right']!.open(0).keys('receive')].map((key) => key.split('/').at(-2))
    expect(answers).toEqual(['round-0', 'round-1'])
  }
  const interrupted = async () => {
    const given = setting(oracle, { rounds: 4 }, { left: null, right: null })
    await interrupt(given)
    return given
  }

  it('by a power loss never goes on: its attempt is burned, signed so, and a new one runs', async () => {
    const given = await interrupted()
    given.journals['left']!.losePower()
    const { left, right } = await runAll(given)
    expect(left!.attempt).toBe(1)
    for (const result of [left!, right!]) {
      expect(result.record.aborts.map(({ role, attempt, code }) => [role, attempt, code])).toEqual([
        ['left', 0, 'journal/rewound'],
        ['right', 0, 'session/aborted'],
      ])
    }
  })

  it('by a restored copy never goes on', async () => {
    const given = setting(oracle, { rounds: 4 }, { left: null, right: null })
    const journals = given.journals['left']!
    let copy: unknown
    journals.onAppend = (_, key) => {
      if (key.includes('round-1')) copy ??= journals.copy()
    }
    await interrupt(given)
    journals.onAppend = () => {}
    journals.restore(copy)
    const { left } = await runAll(given)
    expect(left!.attempt).toBe(1)
    expect(left!.record.aborts[0]).toMatchObject({ role: 'left', attempt: 0, code: 'journal/rewound' })
  })

  it('unnoticed: a peer that asks anew at a lost step gets no second answer', async () => {
    const given = await interrupted()
    // The tail vanishes without a trace, and the peer changes its question at a step that was answered. With the frames
    // go the outputs of kernels, which a slow machine keeps: one that stayed would be sent again, the same as before.
    const disks = given.journals['left']!.copy() as Map<number, { entries: { kind: string }[]; sentIn?: number }>
    const disk = disks.get(0)!
    disk.entries = disk.entries.filter(({ kind }) => kind === 'state')
    delete disk.sentIn
    given.journals['left']!.restore(disks)
    const answers: Frame[] = []
    const other = on('message', /round-0\/question/, (f) => [{ ...f, body: new Uint8Array(32).fill(99) }])
    const watch = on('message', /answer/, (f) => (answers.push(f), [f]))
    const { left } = await runHostile(given, { right: other, left: watch })
    expect(left!.error).toMatchObject({ code: 'journal/rewound', blame: 'none' })
    expect(answers.filter(({ step }) => step.includes('/round-0/'))).toEqual([])
  })

  it('of a run whose input changed is refused', async () => {
    const given = await interrupted()
    const changed = { commitInput: () => ({ root: new Uint8Array(32) }) }
    const { left } = await runHostile(given, {}, { left: changed }, 'left')
    expect(left!.error).toMatchObject({ code: 'input/changed', blame: 'self' })
    const again = await runAll(given)
    expect(again['left']!.attempt).toBe(0)
  })
})
