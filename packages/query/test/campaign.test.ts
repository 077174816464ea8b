/** The campaign, scaled down: every row is found, absent ids are absent, also after updates. */
import { expect, it } from 'vitest'
import { campaign } from './campaign.ts'

it('finds 20,000 rows and none of 3,000 absent ids, before and after 1,500 updates', { timeout: 60_000 }, async () => {
  const tally = await campaign({
    rows: 20_000,
    absent: 3_000,
    updates: 1_500,
    valueBytes: 16,
    seed: new Uint8Array(32).fill(3),
    note: () => undefined,
  })
  expect(tally).toMatchObject({ found: 40_000, absent: 6_000, wrong: 0, hint: true })
  // Some rows stand in the stash, or its way would not be tested.
  expect(tally.stash).toBeGreaterThan(5)
})
