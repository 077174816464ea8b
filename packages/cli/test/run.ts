/** Runs the `tally` command as a process. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const mainFile = fileURLToPath(new URL('../src/main.ts', import.meta.url))

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly milliseconds: number
}

export const tally = (args: readonly string[], cwd?: string): Promise<Ran> =>
  new Promise((resolve) => {
    const start = performance.now()
    const { TALLY_HOME: _home, TALLY_PASSPHRASE: _passphrase, ...env } = process.env
    execFile(process.execPath, [mainFile, ...args], { cwd, env }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      resolve({ code, stdout, stderr, milliseconds: performance.now() - start })
    })
  })
