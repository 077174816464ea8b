/**
 * The journal on disk under a session whose peer is dishonest: at a step whose question was lost it asks something else.
 * Whatever was lost or put back, it never has two answers under one key.
 */
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, fixedBytes, Secret, toHex } from '@tallystick/core'
import { defineProtocol, message, type Kernel } from '@tallystick/protocol'
import { termsBytes, type Frame } from '@tallystick/session'
import { openJobStore } from '@tallystick/session/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { setting } from '../../packages/session/test/fixture.ts'
import { on, runHostile, type Ending, type Tamper } from '../../packages/session/test/hostile.ts'

const keyed: Kernel<Uint8Array, Uint8Array> = { name: 'test/keyed', run: (input) => sha256(input) }
/** The key of each run of the oracle, as it was drawn. */
let keys: Uint8Array[] = []

/** Answers 32-byte questions under a key from its coins: two answers at one step, and the peer has twice what it may. */
const oracle = defineProtocol({
  id: 'test/keyed-oracle',
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
  leakage: { left: 'the questions', right: 'one answer a round' },
  parameters: (value) => value as { rounds: number },
  cost: ({ rounds }) => ({ rounds: 2 * rounds, bytes: 64 * rounds, coins: { left: 32, right: 0 }, correlations: {} }),
  ideal: (_, _inputs: { left: null; right: Uint8Array | null }) => ({ left: null, right: null }),
  parties: {
    *left(ctx, { rounds }, _: null) {
      const key = ctx.rng.bytes(32)
      keys.push(key)
      for (let i = 0; i < rounds; i++) {
        const at = ctx.narrow(`round-${i}`)
        const question = yield* at.receive('question')
        yield* at.send('answer', yield* at.compute(keyed, concatBytes(key, question)))
      }
      return null
    },
    *right(ctx, { rounds }, instead: Uint8Array | null) {
      for (let i = 0; i < rounds; i++) {
        const at = ctx.narrow(`round-${i}`)
        yield* at.send('question', instead ?? new Uint8Array(32).fill(i))
        yield* at.receive('answer')
      }
      return null
    },
  },
})

let folder = ''
const within = (name: string): string => path.join(folder, name)
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tally-rewind-'))
  keys = []
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

const copy = (from: string, to: string): void => {
  fs.rmSync(within(to), { recursive: true, force: true })
  fs.cpSync(within(from), within(to), { recursive: true })
}
const storageKey = Secret.of(new Uint8Array(32).fill(9))
const rounds = 4

const begin = () => {
  const deadlines = { handshake: 6, message: 6, close: 6 }
  const given = setting(oracle, { rounds }, { left: null, right: null }, { deadlines })
  const run = async (tampers: Readonly<Record<string, Tamper>>, input: Uint8Array | null, boot = 'boot 1') => {
    const store = openJobStore({ home: within('home'), generations: within('generations'), storageKey, boot })
    const journals = store.open(termsBytes(given.terms)).journals
    const entropy = (): Uint8Array => Uint8Array.from(randomBytes(32))
    const changes = { left: { journals, entropy }, right: { entropy, input } }
    return (await runHostile(given, tampers, changes)) as { left: Ending; right: Ending }
  }
  return run
}

/** The third answer is lost on its way, and the processes of both end. Copies are taken of home and generations before. */
const interrupted = async () => {
  const run = begin()
  const left: Tamper = (frame, to) => {
    if (frame.channel === 'message' && frame.step.includes('round-0')) {
      copy('home', 'old-home')
      copy('generations', 'old-generations')
    }
    return on('message', /round-2\/answer/, () => [])(frame, to)
  }
  const first = await run({ left }, null)
  expect(first.left.error?.area).toMatch(/network|peer/)
  expect(keys).toHaveLength(1)
  return { run, answered: first.left.sent.map(({ step }) => step) }
}

const other = new Uint8Array(32).fill(99)
/** Another question at the steps that were answered, or were about to be. */
const asksAnew = on('message', /round-[12]\/question/, (frame) => [{ ...frame, body: other }])
const hashed = (key: Uint8Array, question: Uint8Array): string => toHex(sha256(concatBytes(key, question)))
const bodies = (frames: readonly Frame[]): string[] => frames.map(({ body }) => toHex(body))

/** Segments of the journal of the first attempt, the last first. */
const segments = (): string[] => {
  const [job] = fs.readdirSync(within('home/jobs'))
  const journal = within(`home/jobs/${job}/attempt-0/journal`)
  return fs
    .readdirSync(journal)
    .filter((name) => name.endsWith('.segment'))
    .sort()
    .reverse()
    .map((name) => path.join(journal, name))
}

const requireBurned = ({ left }: { readonly left: Ending }): void => {
  expect(left.error).toBeUndefined()
  expect(left.result!.attempt).toBe(1)
  const told = left.result!.record.aborts.map(({ role, attempt, code }) => [role, attempt, code])
  expect(told).toContainEqual(['left', 0, 'journal/rewound'])
  // Nothing at all was said under the key of the first attempt.
  const [burned, fresh] = keys
  expect(toHex(fresh!)).not.toBe(toHex(burned!))
  const questions = [0, 1, 2, 3].map((i) => new Uint8Array(32).fill(i))
  for (const question of [...questions, other]) expect(bodies(left.sent)).not.toContain(hashed(burned!, question))
  expect(bodies(left.sent)).toContain(hashed(fresh!, other))
}

describe('a peer that asks something else at a lost step', () => {
  it('has no second answer after a power loss', async () => {
    const { run } = await interrupted()
    fs.truncateSync(segments()[0]!, fs.statSync(segments()[0]!).size - 100)
    requireBurned(await run({}, other, 'boot 2'))
  })

  it('has none after another boot that lost nothing, for that cannot be known', async () => {
    const { run } = await interrupted()
    requireBurned(await run({}, other, 'boot 2'))
  })

  it('has none after the tail of the journal was cut', async () => {
    const { run } = await interrupted()
    fs.truncateSync(segments()[0]!, fs.statSync(segments()[0]!).size - 100)
    requireBurned(await run({}, other))
  })

  it('has none after an older copy of the home was put back', async () => {
    const { run } = await interrupted()
    copy('old-home', 'home')
    requireBurned(await run({}, other))
  })

  it('has none after a home without the job was put back', async () => {
    const { run } = await interrupted()
    fs.rmSync(within('home'), { recursive: true })
    requireBurned(await run({}, other))
  })

  it('has none after home and generations were put back together, unless it denies what it holds', async () => {
    const { run, answered } = await interrupted()
    copy('old-home', 'home')
    copy('old-generations', 'generations')
    const { left } = await run({ right: asksAnew }, null)
    expect(left.error).toMatchObject({ code: 'journal/rewound', blame: 'none' })
    expect(left.sent.filter(({ step }) => answered.includes(step))).toEqual([])
  })

  it('has the same answers as before after a kill that lost nothing', async () => {
    const { run } = await interrupted()
    const { left } = await run({ right: asksAnew }, null)
    expect(left.result?.attempt).toBe(0)
    // Its questions are in the journal: nobody asks for them again, and only what was lost on the way is sent again.
    expect(keys.map(toHex)).toEqual([toHex(keys[0]!), toHex(keys[0]!)])
    expect(bodies(left.sent)).toEqual([2, 3].map((i) => hashed(keys[0]!, new Uint8Array(32).fill(i))))
  })
})
