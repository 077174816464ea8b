import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const fixtures = fileURLToPath(new URL('./fixtures/', import.meta.url))
const oxlint = fileURLToPath(new URL('../../node_modules/.bin/oxlint', import.meta.url))

interface Diagnostic {
  readonly code: string
  readonly labels: readonly { readonly span: { readonly line: number } }[]
}

const lint = (file: string): readonly Diagnostic[] => {
  const args = ['-c', 'oxlintrc.json', '--format=json', file]
  try {
    return diagnostics(execFileSync(oxlint, args, { cwd: fixtures, encoding: 'utf8' }))
  } catch (error) {
    return diagnostics((error as { stdout: string }).stdout) // it found something
  }
}
const diagnostics = (output: string) => (JSON.parse(output) as { diagnostics: Diagnostic[] }).diagnostics

test('an effect without yield* is reported, a delegated or handed-on one is not', () => {
  const marked = readFileSync(`${fixtures}bare-effect.ts`, 'utf8')
    .split('\n')
    .flatMap((line, i) => (line.endsWith('// reported') ? [i + 1] : []))
  const found = lint('bare-effect.ts')
  expect(found.map((d) => d.labels[0]!.span.line)).toEqual(marked)
  expect(new Set(found.map((d) => d.code))).toEqual(new Set(['tallystick(yield-effects)']))
})
