/** `tally demo`: the story lives in examples/blacklist, beside this package in the repository. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { TallyError } from '@tallystick/core'
import type { Output } from '../output.ts'

const script = new URL('../../../../examples/blacklist/demo.ts', import.meta.url)

interface Demo {
  readonly runDemo: (output: Output, folder?: string) => Promise<void>
}

export const demo = async (output: Output, options: { readonly keep?: string }): Promise<void> => {
  if (!existsSync(fileURLToPath(script))) {
    throw new TallyError('api/usage', 'self', 'the demo is part of the repository, not of the installed package', {
      remedy: 'clone the repository and run: npm run demo',
    })
  }
  const { runDemo } = (await import(script.href)) as Demo
  await runDemo(output, options.keep)
}
