import { defineConfig } from 'vitest/config'

/** Pure computation: nothing outlives a file of it, so one process takes many, and loads once what they share. */
const pure = ['core', 'mpc', 'ot', 'protocol', 'psi', 'query', 'statistics']
const shared = [...pure.map((name) => `packages/${name}/test/**/*.test.ts`), 'circuits/test/**/*.test.ts']

/** Three minutes in all: each drives through processes or a browser what other files test in one. `npm test` leaves them to CI. */
const slow = [
  'packages/cli/test/{encrypted,psi-circuit,psi-parties,query-several,rare-disease,score,statistics,statistics-five,statistics-two}.test.ts',
  'packages/kernels/test/browser.test.ts',
  'test/faults/faults.test.ts',
  'test/homomorphic-page/**',
]
const never = ['**/node_modules/**', ...(process.env['TALLY_TESTS'] === 'quick' ? slow : [])]

export default defineConfig({
  test: {
    projects: [
      { extends: true, test: { name: 'shared', include: shared, exclude: never, isolate: false } },
      {
        extends: true,
        test: {
          name: 'own',
          include: ['packages/*/test/**/*.test.ts', 'contracts/test/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...never, ...shared],
        },
      },
    ],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
