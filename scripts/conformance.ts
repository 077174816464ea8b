/**
 * `npm run conformance`: the conformance kit over every protocol with nothing left out, every crash point, every
 * mutation and 200 schedules, where the suite takes samples of protocols whose runs take milliseconds. Arguments go to
 * Vitest: `npm run conformance -- packages/ot` runs a part.
 */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const root = new URL('../', import.meta.url).pathname
const part = process.argv.slice(2)
const files = globSync('packages/*/test/**/*.test.ts', { cwd: root })
  .filter((path) => !path.includes('node_modules'))
  .filter((path) => /^ *conformance\(/m.test(readFileSync(join(root, path), 'utf8')))
  .filter((path) => part.length === 0 || part.some((prefix) => path.startsWith(relative(root, join(root, prefix)))))
if (files.length === 0) {
  console.error(`no test of a protocol under ${part.join(' ')}`)
  process.exit(2)
}
const { status } = spawnSync(join(root, 'node_modules', '.bin', 'vitest'), ['run', '-t', ' conforms ', ...files], {
  cwd: root,
  env: { ...process.env, TALLY_CONFORMANCE: 'whole' },
  stdio: 'inherit',
})
process.exit(status ?? 1)
