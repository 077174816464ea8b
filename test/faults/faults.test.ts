/** A few of what the campaign (`npm run faults`) does at length: real processes, killed and put back. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { carryOut, plansOf, type Plan } from './kills.ts'
import { createRandom } from './random.ts'
import { olderCopy, powerLoss } from './rewinds.ts'
import { makeScene, type Scene } from './scene.ts'

let folder = ''
let scene: Scene
/** Not looked at: all moments here are named by their phase. */
const timing = { a: { network: 0, end: 0 }, b: { network: 0, end: 0 } }
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tally-faults-test-'))
  scene = await makeScene(folder, 300)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const plans: readonly Plan[] = [
  { name: 'the receiver while it commits', victims: ['a'], at: { phase: 'committing', milliseconds: 5 }, pause: 0 },
  { name: 'the sender while it computes', victims: ['b'], at: { phase: 'running', milliseconds: 50 }, pause: 0 },
  { name: 'both in mid-run', victims: ['a', 'b'], at: { phase: 'running', milliseconds: 100 }, pause: 0 },
  {
    name: 'the sender twice',
    victims: ['b'],
    at: { phase: 'opening', milliseconds: 0 },
    again: { phase: 'handshake', milliseconds: 5 },
    pause: 0,
  },
]

describe('kill -9', () => {
  for (const plan of plans) {
    it(`of ${plan.name} is resumed from, to the right result`, { timeout: 120_000 }, async () => {
      const { outcome, why, kills } = await carryOut(scene, plan, timing)
      expect(why).toEqual([])
      expect(outcome).toBe('resumed')
      expect(kills.length).toBe(plan.again === undefined ? plan.victims.length : 2)
    })
  }
})

describe('a party that lost something', () => {
  it('as an older copy of its journal was put back begins a new attempt', { timeout: 120_000 }, async () => {
    expect(await olderCopy('b', 'running', 'opening').play(scene)).toContain('attempt 1 burned (journal/rewound)')
  })

  it.runIf(process.platform === 'linux')(
    'by a power loss after sending begins a new attempt',
    { timeout: 120_000 },
    async () => {
      // A moment between a sync and the next frame is rightly resumed from (the scenario sees to that): then once more.
      let told = ''
      for (let i = 0; i < 5 && !told.includes('frames had left'); i++) {
        told = await powerLoss('a', 'checkpoint', 0).play(scene)
      }
      expect(told).toContain('attempt 1 burned (journal/rewound)')
    },
  )
})

describe('the campaign', () => {
  it('kills in every phase at both sides, the same with the same seed', () => {
    const named = (seed: string) => plansOf(50, createRandom(seed))
    const targets = named('one').flatMap(({ at, victims }) => ('phase' in at ? [`${at.phase} ${victims.join()}`] : []))
    expect(new Set(targets).size).toBe(18)
    expect(named('one')).toEqual(named('one'))
    expect(named('one')).not.toEqual(named('two'))
    expect(named('one')).toHaveLength(50)
  })
})
