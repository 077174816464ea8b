import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tally } from './run.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tally-cli-'))
  await writeFile(join(folder, 'a.csv'), 'name,id\nx,1\ny,2\ny,3\n')
  await writeFile(join(folder, 'b.csv'), 'id;name\n3;"p;q"\n4;r\n1;s\n')
  await Promise.all([
    tally(['party', 'init', '--name', 'Bank A', '--home', 'a'], folder),
    tally(['party', 'init', '--name', 'Bank B', '--home', 'b'], folder),
    tally(['party', 'init', '--name', 'Somebody', '--home', 'c'], folder),
    tally(['auditor', 'init', '--name', 'Audit', '--home', 'audit'], folder),
  ])
  await Promise.all([
    tally(['data', 'declare', 'a.csv', '--column', 'id', '--home', 'a'], folder),
    tally(['data', 'declare', 'b.csv', '--column', 'id', '--home', 'b'], folder),
  ])
})
afterAll(() => rm(folder, { recursive: true }))

const newTerms = (out: string): string[] => [
  ...['terms', 'new', '--receiver', 'a/declaration.json', '--sender', 'b/declaration.json'],
  ...['--auditor', 'audit/auditor.json', '--purpose', 'a test', '--out', out],
]

describe('tally', () => {
  it('helps within 300 ms', async () => {
    const times: number[] = []
    for (let i = 0; i < 5; i++) times.push((await tally(['--help'])).milliseconds)
    // The best of five: the machine may be busy with other tests.
    expect(Math.min(...times)).toBeLessThan(300)
  })

  it('tells one JSON object a line with --json, wherever it stands', async () => {
    for (const args of [
      ['--json', 'party', 'show', '--home', 'a'],
      ['party', 'show', '--home', 'a', '--json'],
    ]) {
      const { stdout, code } = await tally(args, folder)
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ event: 'party', name: 'Bank A' })
    }
  })

  it.each([
    [70, 'api/usage', []],
    [70, 'api/usage', ['psi']],
    [70, 'api/usage', ['nonsense']],
    [70, 'api/usage', ['psi', 'run']],
    [70, 'api/usage', ['data', 'declare', 'a.csv', '--column', 'id', '--duplicates', 'drop', '--home', 'a']],
    [65, 'input/not-found', ['data', 'declare', 'none.csv', '--column', 'id', '--home', 'a']],
    [65, 'input/column', ['data', 'declare', 'a.csv', '--column', 'ID', '--home', 'a']],
    [65, 'input/duplicate', ['data', 'declare', 'a.csv', '--column', 'name', '--home', 'a']],
    [
      65,
      'input/invalid-value',
      ['data', 'declare', 'a.csv', '--column', 'id', '--normalisation', 'phone/1', '--home', 'a'],
    ],
    [66, 'terms/unsupported', ['data', 'declare', 'a.csv', '--column', 'id', '--normalisation', 'x/9', '--home', 'a']],
    [66, 'terms/malformed', ['terms', 'show', 'a/identity.json']],
    [67, 'identity/not-found', ['party', 'show', '--home', 'nowhere']],
    [67, 'identity/exists', ['party', 'init', '--name', 'Bank A', '--home', 'a']],
  ])('ends with %i for %s: tally %j', async (code, reason, args) => {
    const plain = await tally(args, folder)
    expect(plain.code).toBe(code)
    expect(plain.stdout).toBe('')
    expect(plain.stderr).toContain(`${reason}: `)
    expect(plain.stderr).not.toMatch(/^\s+at .*:\d+:\d+/m)
    const { stdout } = await tally([...args, '--json'], folder)
    const last = JSON.parse(stdout.trim().split('\n').at(-1)!) as object
    expect(last).toMatchObject({ event: 'error', code: reason, exitCode: code })
  })

  it('shows where a failure came from with --debug only', async () => {
    expect((await tally(['party', 'show', '--home', 'nowhere', '--debug'], folder)).stderr).toMatch(/^\s+at /m)
  })
})

describe('terms', () => {
  it('are written from declarations, shown, approved, and told apart from others', async () => {
    const made = await tally(newTerms('terms.json'), folder)
    expect(made.stderr).toBe('')
    expect(made.stdout).toContain('receiver (Bank A): which of its own rows the other side has too')
    const shown = await tally(['terms', 'show', 'terms.json', '--json'], folder)
    const { canonical } = JSON.parse(shown.stdout) as { canonical: string }
    expect(await readFile(join(folder, 'terms.json'), 'utf8')).toBe(`${canonical}\n`)
    expect((await tally(['terms', 'approve', 'terms.json', '--home', 'a'], folder)).stdout).toContain(
      'Approved as receiver',
    )
    const stranger = await tally(['terms', 'approve', 'terms.json', '--home', 'c'], folder)
    expect(stranger.code).toBe(66)
    expect(stranger.stderr).toContain('terms/mismatch: the terms are between Bank A')
  })

  it('are run only when approved, with the list that was declared', async () => {
    await tally(newTerms('other.json'), folder)
    const run = (input: string): string[] => [
      'psi',
      'run',
      '--terms',
      'other.json',
      '--input',
      input,
      '--home',
      'a',
      '--dry-run',
    ]
    const unapproved = await tally(run('a.csv'), folder)
    expect(unapproved.stderr).toContain('terms/not-approved: Bank A has not approved these terms')
    await tally(['terms', 'approve', 'other.json', '--home', 'a'], folder)
    const dry = await tally([...run('a.csv'), '--json'], folder)
    expect(JSON.parse(dry.stdout.trim().split('\n').at(-1)!)).toMatchObject({
      event: 'dry-run',
      rows: 3,
      bytes: 32 * 9,
    })
    await writeFile(join(folder, 'grown.csv'), 'name,id\nx,1\ny,2\ny,3\nz,4\n')
    const grown = await tally(run('grown.csv'), folder)
    expect(grown.code).toBe(65)
    expect(grown.stderr).toContain('input/changed: ')
  })
})

describe('files of a home', () => {
  it('keep secrets to their owner', async () => {
    for (const file of ['a/secret.json', 'audit/auditor.key']) {
      expect((await stat(join(folder, file))).mode & 0o077).toBe(0)
    }
  })
})
