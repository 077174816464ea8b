import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { madeShortLived } from '../../src/node/short-lived.ts'

const { NODE_PERFORMANCE_GC_MINOR, NODE_PERFORMANCE_GC_FLAGS_FORCED } = constants

test('asks for a collection of the young generation after so many bytes, and leaves no global behind', async () => {
  const kinds: unknown[] = []
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind, flags } = (entry as PerformanceEntry & { detail: { kind: number; flags: number } }).detail
      if ((flags & NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0) kinds.push(kind)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  for (let i = 0; i < 7; i++) madeShortLived(1024 * 1024)
  await setTimeout(20)
  expect(kinds).toEqual([])
  for (let i = 0; i < 9; i++) madeShortLived(1024 * 1024)
  await setTimeout(20)
  observer.disconnect()
  expect(kinds).toEqual([NODE_PERFORMANCE_GC_MINOR, NODE_PERFORMANCE_GC_MINOR])
  expect('gc' in globalThis).toBe(false)
})
