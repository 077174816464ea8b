/**
 * Runs the Solidity tests (unit, fuzz, invariant) on the compiler and the network that Hardhat embeds.
 * Run: `node contracts/test.ts [files or options of "hardhat test solidity"]`; the exit code is Hardhat's.
 */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const hardhat = join(dirname(createRequire(import.meta.url).resolve('hardhat/package.json')), 'dist/src/cli.js')
const { status } = spawnSync(process.execPath, [hardhat, 'test', 'solidity', ...process.argv.slice(2)], {
  cwd: fileURLToPath(new URL('.', import.meta.url)),
  // Not a terminal, so that nothing is asked; no report to anyone.
  stdio: ['ignore', 'inherit', 'inherit'],
  env: { ...process.env, HARDHAT_DISABLE_TELEMETRY: 'true', CI: 'true' },
})
process.exitCode = status ?? 1
