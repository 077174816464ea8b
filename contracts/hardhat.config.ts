import { createRequire } from 'node:module'
import { defineConfig } from 'hardhat/config'
import { settings, version } from './solidity.ts'

export default defineConfig({
  solidity: {
    version,
    // The compiler from npm: nothing is downloaded.
    path: createRequire(import.meta.url).resolve('solc/soljson.js'),
    settings,
  },
  paths: { sources: 'src', tests: { solidity: 'test' } },
  test: {
    solidity: {
      fuzz: { runs: 64 },
      invariant: { runs: 16, depth: 32, failOnRevert: false },
    },
  },
})
