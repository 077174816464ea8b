/** The campaign, scaled down: every row is found, absent ids are absent, also after updates. */
import { expect, it } from 'vitest'
import { campaign } from './campaign.ts'

it('finds 8,000 rows and none of 1,000 absent ids, before and after 600 updates', { timeout: 60_000 }, async () => {
  const tally = await campaign({
    rows: 8_000,
    absent: 1_000,
    updates: 600,
    valueBytes: 16,
    seed: new Uint8Array(32).fill(3),
    // Several blocks: slots stand across their borders.
    blockBytes: 1 << 18,
    note: () => undefined,
  })
  expect(tally).toMatchObject({ found: 16_000, absent: 2_000, wrong: 0, hint: true })
  // Some rows stand in the stash, or its way would not be tested.
  expect(tally.stash).toBeGreaterThan(5)
})
