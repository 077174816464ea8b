/**
 * JIFF (npm `jiff-mpc`) on the same machine, where its folder is named by the environment variable JIFF. It is no
 * dependency of this repository: it brings `request` and socket.io 2, both unmaintained, with known vulnerabilities.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'

export type JiffOperation = 'multiply' | 'lessThan' | 'equal'

/** What of `bench mpc` JIFF has as well. */
export const jiffOperations: Readonly<Record<string, JiffOperation>> = {
  multiply: 'multiply',
  'less-than': 'lessThan',
  equal: 'equal',
}

export interface JiffFigures {
  readonly note: string
  /** Operations a CPU second of a party. */
  readonly perSecond: Readonly<Partial<Record<JiffOperation, number>>>
}

/** Its server and three parties in one process: a third of its CPU time counts as a party'''s. */
export const jiffFigures = async (): Promise<JiffFigures> => {
  const folder = process.env['JIFF']
  if (folder === undefined) {
    return {
      note: 'not run: install jiff-mpc outside of this repository and name its folder in JIFF (see bench/jiff.ts)',
      perSecond: {},
    }
  }
  const child = fork(new URL('./jiff-run.cjs', import.meta.url), [folder], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const timer = setTimeout(() => child.kill(), 300_000)
  try {
    const ended = once(child, 'exit').then(() => [undefined])
    const [perSecond] = (await Promise.race([once(child, 'message'), ended])) as [JiffFigures['perSecond'] | undefined]
    if (perSecond === undefined) return { note: `not run: ${folder} did not come to an end`, perSecond: {} }
    return { note: 'jiff-mpc 1.0.0, its server and three parties in one process, a third of the CPU time', perSecond }
  } finally {
    clearTimeout(timer)
    child.kill()
  }
}
