/**
 * `npm test`: formatting, lint and types (beside them the Solidity tests), then the Vitest suites, each to its end even when
 * one fails; closes with one line `N passed, N failed`. Arguments go to Vitest: `npm test -- packages/psi` runs a part.
 * The slowest files (vitest.config.ts), whole jobs of many processes or browsers, run where CI is set (`.ci/run` sets it):
 * `CI=1 npm test`.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Outcome {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

const root = new URL('../', import.meta.url).pathname
const bin = (name: string): string => join(root, 'node_modules', '.bin', name)
/** Compiled code of the tools, of which each file of tests starts some anew. */
const compiled = join(root, 'node_modules', '.cache', 'node')
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`

interface RunOptions {
  readonly cwd?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly quiet?: boolean
}

const run = (command: string, args: readonly string[], { cwd = root, environment, quiet = true }: RunOptions = {}) =>
  new Promise<{ status: number; output: string }>((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, NODE_COMPILE_CACHE: compiled, ...environment },
      stdio: ['ignore', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
    })
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', (status) => resolve({ status: status ?? 1, output: Buffer.concat(chunks).toString() }))
  })

/** A command that passes or fails as a whole; what it printed is shown only when it fails. */
const check = async (name: string, command: string, args: readonly string[], cwd = root): Promise<Outcome> => {
  const since = performance.now()
  const { status, output } = await run(command, args, { cwd })
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds(since)})`)
  if (status !== 0) console.log(output)
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 }
}

const vitest = async (args: readonly string[], environment: Readonly<Record<string, string>>): Promise<Outcome> => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-test-'))
  const report = join(folder, 'report.json')
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
    const { status } = await run(bin('vitest'), ['run', ...reporters, ...args], { environment, quiet: false })
    const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8')) as Record<
      string,
      number
    >
    // A suite that fails to load has no failed test, yet the run has failed.
    const failed = Math.max(numFailedTests!, status === 0 ? 0 : 1)
    return { passed: numPassedTests!, failed, skipped: numPendingTests! }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const part = process.argv.slice(2)
const all = part.length > 0 || (process.env['CI'] ?? '') !== ''
const outcomes: Outcome[] = []
if (part.length === 0) {
  // Of the contracts' tests one core has enough.
  const contracts = check('contracts', bin('node'), ['test.ts'], join(root, 'contracts'))
  outcomes.push(await check('formatting', bin('oxfmt'), ['--check', '.']))
  outcomes.push(await check('lint', bin('oxlint'), ['--type-aware']))
  outcomes.push(await check('types', bin('tsc'), ['-p', 'tsconfig.json']))
  outcomes.push(await check('types of the protocol side', bin('tsc'), ['-p', 'tsconfig.protocol.json']))
  outcomes.push(await contracts)
}
outcomes.push(await vitest(part, all ? {} : { TALLY_TESTS: 'quick' }))
if (!all) console.log('The slowest files were left out: CI=1 npm test runs them too.')

const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + of(outcome), 0)
const [passed, failed, skipped] = [sum((o) => o.passed), sum((o) => o.failed), sum((o) => o.skipped)]
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
process.exit(failed === 0 ? 0 : 1)
