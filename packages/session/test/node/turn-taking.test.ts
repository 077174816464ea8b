import { describe, expect, test } from 'vitest'
import { createTurnTaking } from '../../src/node/turn-taking.ts'

/** A loop whose looks take 50 µs each, turned by hand. */
const createLoop = () => {
  const calls: (() => void)[] = []
  let time = 0
  return {
    now: () => time,
    get asked() {
      return calls.length > 0
    },
    soon: (call: () => void) => void calls.push(call),
    /** Looks until nothing asks for another; how many there were. */
    run(): number {
      let looks = 0
      for (let call = calls.shift(); call !== undefined; call = calls.shift()) {
        time += 0.05
        looks++
        call()
      }
      return looks
    },
    pass(milliseconds: number): void {
      time += milliseconds
    },
    once(): void {
      time += 0.05
      calls.shift()?.()
    },
  }
}

describe('turn taking', () => {
  test('looks for an answer as long as answers come, and for a moment only', () => {
    const loop = createLoop()
    const turns = createTurnTaking(loop)
    turns.received()
    for (let round = 0; round < 20; round++) {
      turns.sent()
      loop.once()
      turns.received()
    }
    expect(loop.run()).toBeLessThanOrEqual(1)
    turns.sent()
    expect(loop.run()).toBeLessThanOrEqual(5)
  })

  test('tries ever more rarely where answers do not come in time', () => {
    const loop = createLoop()
    const turns = createTurnTaking(loop)
    let tried = 0
    for (let round = 0; round < 1000; round++) {
      turns.received()
      turns.sent()
      if (loop.run() > 0) tried++
      loop.pass(1)
    }
    expect(tried).toBeGreaterThan(8)
    expect(tried).toBeLessThan(12)
    // One answer in time, though nobody was awake for it, and it is tried at each turn again.
    turns.received()
    turns.sent()
    expect(loop.asked).toBe(false)
    loop.pass(0.1)
    turns.received()
    turns.sent()
    expect(loop.asked).toBe(true)
  })

  test('never looks in a stream, nor once the link is gone', () => {
    const loop = createLoop()
    const turns = createTurnTaking(loop)
    for (let i = 0; i < 100; i++) turns.sent()
    expect(loop.run()).toBe(0)
    for (let i = 0; i < 100; i++) turns.received()
    expect(loop.run()).toBe(0)
    turns.sent()
    turns.stop()
    expect(loop.run()).toBe(1)
  })
})
