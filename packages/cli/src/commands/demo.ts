/** `tally demo`: the stories live in examples/, beside this package in the repository. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { TallyError } from '@tallystick/core'
import type { Output } from '../output.ts'

const scriptOf = (example: string): URL => new URL(`../../../../examples/${example}/demo.ts`, import.meta.url)

interface Demo {
  readonly runDemo: (output: Output, folder?: string) => Promise<void>
}

interface DemoOptions {
  readonly keep?: string
  readonly statistics?: true
  readonly rareDisease?: true
}

export const demo = async (output: Output, options: DemoOptions): Promise<void> => {
  const other = options.rareDisease === true ? 'rare-disease' : 'blacklist'
  const script = scriptOf(options.statistics === true ? 'joint-statistics' : other)
  if (!existsSync(fileURLToPath(script))) {
    throw new TallyError('api/usage', 'self', 'the demo is part of the repository, not of the installed package', {
      remedy: 'clone the repository and run: npm run demo',
    })
  }
  const { runDemo } = (await import(script.href)) as Demo
  await runDemo(output, options.keep)
}
