/** Runs `tally` commands: in a process of their own, or, quicker, in this one. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { runTally } from '../src/tally.ts'

export const mainFile = fileURLToPath(new URL('../src/main.ts', import.meta.url))

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly milliseconds: number
}

export const tallyProcess = (args: readonly string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const start = performance.now()
    execFile(process.execPath, [mainFile, ...args], (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      resolve({ code, stdout, stderr, milliseconds: performance.now() - start })
    })
  })

/** One at a time: it listens to what this process writes. */
export const tally = async (...args: readonly string[]): Promise<Omit<Ran, 'milliseconds'>> => {
  const listen = (stream: NodeJS.WriteStream) => {
    let text = ''
    const spy = vi.spyOn(stream, 'write').mockImplementation((piece) => {
      text += String(piece)
      return true
    })
    return () => {
      spy.mockRestore()
      return text
    }
  }
  const [out, err] = [listen(process.stdout), listen(process.stderr)]
  const code = await runTally(args)
  return { code, stdout: out(), stderr: err() }
}
