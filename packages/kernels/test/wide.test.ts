import { afterAll, expect, it } from 'vitest'
import { pirScan } from '../src/index.ts'
import { widenScans } from '../src/native/wide.ts'
import { pirEngine } from '../src/pir/engine.ts'
import { sharedResident, useWide } from '../src/pir/module.ts'
import { nodePool } from '../src/pool/node.ts'
import { cases } from './cases.ts'

const pool = nodePool({ workers: 2, inlineBelow: 0 })
afterAll(() => pool[Symbol.asyncDispose]())

it('wide scans equal the reference, in this thread and in workers', async () => {
  expect(widenScans()).toBe(true)
  for (const input of cases['pir/scan']() as Parameters<typeof pirScan.run>[0][]) {
    expect(pirEngine['pir/scan'](input)).toEqual(pirScan.run(input))
    const matrix = sharedResident(input.matrix.length)
    matrix.set(input.matrix)
    expect(await pool.run(pirScan, { ...input, matrix })).toEqual(pirScan.run(input))
  }
  useWide(false)
})
