import { describe, expect, it } from 'vitest'
import { duet, duetInputs, runAll, setting, trio } from './fixture.ts'

describe('a run over memory links', () => {
  it('gives two parties what the ideal functionality gives', async () => {
    const given = setting(duet, { rounds: 3, chunks: 4 }, duetInputs)
    const { left, right } = await runAll(given)
    expect({ left: left!.output, right: right!.output }).toEqual(duet.ideal({ rounds: 3, chunks: 4 }, duetInputs))
    expect(left!.record.outcome).toBe('completed')
    expect(left!.record.close?.signatures).toHaveLength(2)
    expect({ ...left!.record, role: '' }).toEqual({ ...right!.record, role: '' })
  })

  it('gives three parties what the ideal functionality gives', async () => {
    const inputs = { a: 11, b: 22, c: 4_000_000_000 }
    const results = await runAll(setting(trio, {}, inputs))
    for (const role of trio.roles) expect(results[role]!.output).toBe((11 + 22 + 4_000_000_000) >>> 0)
    expect(results['a']!.record.close?.signatures).toHaveLength(3)
  })
})
