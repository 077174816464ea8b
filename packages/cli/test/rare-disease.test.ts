/** Encrypted lookup on the command line, as the example plays it: two processes over TLS, answers, audit. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { variantIn, variantOf } from '../src/variant.ts'
import { mainFile } from './run.ts'

test(
  'a clinic looks up variants that the provider does not see, and the audit holds',
  { timeout: 180_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tally-rare-disease-'))
    const args = [mainFile, 'demo', '--rare-disease', '--json', '--keep', folder]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const [code] = (await once(child, 'close')) as [number]
    expect(code, `${stdout} ${stderr}`).toBe(0)
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const all = (event: string) => events.filter((each) => each['event'] === event)
    expect(all('refused')).toMatchObject([{ code: 'input/invalid-value' }])
    expect(all('answers')).toMatchObject([{ found: 18, keys: 24, correct: true }])
    expect(all('verdict').map(({ what, verdict }) => [what, verdict])).toEqual([
      ['verify', 'consistent'],
      ['replay', 'replayed'],
    ])
    await rm(folder, { recursive: true })
  },
)

test('variants have one form, whoever wrote them', () => {
  const forms = [
    ['1', '100', 'CAG', 'CG'],
    ['chr01', '100', 'ca', 'c'],
    [' Chr1 ', '99', 'TCAGG', 'TCGG'],
  ]
  for (const cells of forms) expect(variantOf(cells)).toBe('1:100:CA:C')
  expect(variantOf(['chrM', '10', 'GAT', 'GAC'])).toBe('MT:12:T:C')
  for (const text of ['chrX-5-A-T', 'x:5:a>t', 'X_5_A_T']) expect(variantIn(text)).toBe('X:5:A:T')
  for (const [cells, column] of [
    [['23', '5', 'A', 'T'], 0],
    [['1', '0', 'A', 'T'], 1],
    [['1', '5', 'A', '<DEL>'], 3],
    [['1', '5', 'A', 'C,T'], 3],
    [['1', '5', '', 'T'], 2],
    [['1', '5', 'A', 'a'], 3],
  ] as const) {
    expect(variantOf(cells)).toMatchObject({ column })
  }
})
