// Runs a file (or, with --bin, an installed tool) under the pinned Node, installing the workspace first when the
// lockfile has changed. Plain JavaScript without dependencies: it must start on any Node from 18 on, in an empty clone.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PNPM = 'pnpm@12.18.0'
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = (name) => join(root, 'node_modules', '.bin', name)
const stamp = join(root, 'node_modules', '.tallystick-installed')

const run = (command, args, options) => {
  const { status, signal, error } = spawnSync(command, args, { stdio: 'inherit', ...options })
  if (error) throw error
  return status ?? (signal === 'SIGINT' ? 130 : 1)
}

const digest = createHash('sha256')
  .update(readFileSync(join(root, 'pnpm-lock.yaml')))
  .digest('hex')
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== digest) {
  process.stderr.write('Installing the pinned toolchain and dependencies (once) ...\n')
  const status = run('npm', ['exec', '--yes', `--package=${PNPM}`, '--', 'pnpm', 'install', '--frozen-lockfile'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (status !== 0) {
    process.stderr.write(
      'The installation failed (see above). It needs the npm registry once; after that nothing is fetched.\n',
    )
    process.exit(status)
  }
  writeFileSync(stamp, digest)
}

const [first, ...rest] = process.argv.slice(2)
const environment = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` }
// As packages/cli/src/compiled.ts has it: known before the first line, it spares the compiler of TypeScript.
if (first === 'packages/cli/src/main.ts') {
  environment.NODE_COMPILE_CACHE = join(root, 'packages', 'cli', 'node_modules', '.cache', 'tally')
}
process.exit(
  first === '--bin'
    ? run(bin(rest[0]), rest.slice(1), { cwd: root, env: environment })
    : // npm runs scripts in the root of the clone; the files that a user names lie where the user stands.
      run(bin('node'), [join(root, first), ...rest], { cwd: process.env.INIT_CWD ?? process.cwd(), env: environment }),
)
