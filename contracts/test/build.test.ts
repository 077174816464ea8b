import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { build, generated } from '../build.ts'

test('the committed interfaces and bytecode equal a fresh compilation', () => {
  // Not `toEqual`, whose difference of two files this long takes minutes.
  expect(readFileSync(generated, 'utf8') === build(), 'run `node contracts/build.ts` and commit the result').toBe(true)
}, 60_000)
