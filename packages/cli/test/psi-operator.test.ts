/** The set operator from the command line: the choice, prepared lists, minimum sizes, the receipt. */
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTally, tally } from './run.ts'

const before = process.cwd()
let folder = ''
const csv = (header: string, rows: readonly number[]): string =>
  `${header}\n${rows.map((id) => `${id},x${id}`).join('\n')}\n`
const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)

const done = async (...args: string[]): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await tally(...args, '--json')
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('"error"')])
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tally-operator-'))
  process.chdir(folder)
  await done('auditor', 'init', '--name', 'Audit', '--home', 'audit')
  for (const side of ['a', 'b']) await done('party', 'init', '--name', `Bank ${side}`, '--home', side)
  await writeFile('a.csv', csv('id,name', range(0, 40)))
  await writeFile('b.csv', csv('number,name', [...range(30, 60), 31]))
  await done('data', 'declare', 'a.csv', '--column', 'id', '--home', 'a')
  await done('data', 'declare', 'b.csv', '--column', 'number', '--duplicates', 'count', '--home', 'b')
})
afterAll(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true })
})

const termsOf = (file: string, sender: string, ...options: string[]) =>
  done(
    ...['terms', 'new', '--receiver', 'a/declaration.json', '--sender', sender, '--purpose', file],
    ...['--auditor', 'audit/auditor.json', '--out', file, ...options],
  )

const agreed = async (file: string, sender: string, ...options: string[]): Promise<string> => {
  const { specHash } = await termsOf(file, sender, ...options)
  for (const side of ['a', 'b']) await done('terms', 'approve', file, '--home', side)
  return String(specHash).slice(2)
}

const runBoth = async (file: string, inputs: { readonly a: string[]; readonly b: string[] }) => {
  const start = (side: 'a' | 'b', ...meeting: string[]) =>
    startTally(['psi', 'run', '--terms', file, '--home', side, '--input', ...inputs[side], ...meeting])
  const a = start('a', '--listen', '127.0.0.1:0')
  const { port } = await a.first('listening')
  const [receiver, sender] = await Promise.all([a.ended, start('b', '--connect', `127.0.0.1:${String(port)}`).ended])
  expect([receiver.code, sender.code, receiver.events.at(-1)]).toEqual([0, 0, expect.anything()])
  const event = (events: typeof receiver.events, name: string) => events.find((each) => each['event'] === name)
  return { a: (name: string) => event(receiver.events, name), b: (name: string) => event(sender.events, name) }
}

describe('terms', () => {
  const b = 'b/declaration.json'

  it('name the protocol that the planner chooses, and say why', async () => {
    expect(await termsOf('auto.json', b)).toMatchObject({
      protocol: 'psi/ecdh',
      reason: expect.stringContaining('fewest'),
    })
    expect(await termsOf('named.json', b, '--protocol', 'psi/rr22')).toMatchObject({ protocol: 'psi/rr22' })
    const text = await tally(
      ...['terms', 'new', '--receiver', 'a/declaration.json', '--sender', b, '--purpose', 'p'],
      ...['--auditor', 'audit/auditor.json', '--out', 'malicious.json', '--adversary', 'malicious'],
    )
    expect(text.stdout).toContain('psi/rr22-malicious: of the protocols that this version has, only')
    expect(text.stdout).toContain('psi/ecdh           it is secure against semi-honest parties only')
  })

  it('are refused where a protocol cannot do it, or a set is too small', async () => {
    const tried = (...options: string[]) =>
      tally(
        ...['terms', 'new', '--receiver', 'a/declaration.json', '--sender', b, '--purpose', 'p'],
        ...['--auditor', 'audit/auditor.json', '--out', 'none.json', ...options],
      )
    const counting = await tried('--output', 'cardinality', '--protocol', 'psi/rr22')
    expect([counting.code, counting.stderr]).toEqual([66, expect.stringContaining('shows the receiver which rows')])
    const small = await tried('--minimum-sets', '41')
    expect([small.code, small.stderr]).toEqual([66, expect.stringContaining('fewer rows than terms.minimum.sets, 41')])
    expect((await tried('--minimum-sets', '40')).code).toBe(0)
    expect((await tried('--minimum-sets', '1.5')).code).toBe(70)
  })
})

describe('a run', () => {
  it('explains itself, leaves a receipt, and counts where that is agreed', async () => {
    const job = await agreed('explained.json', 'b/declaration.json', '--protocol', 'psi/kkrt16', '--to', 'both')
    const { a, b } = await runBoth('explained.json', { a: ['a.csv', '--explain'], b: ['b.csv'] })
    expect(a('explain')).toMatchObject({ protocol: 'psi/kkrt16', choice: 'psi/ecdh' })
    expect(b('explain')).toBeUndefined()
    expect(b('checked')).toMatchObject({ rows: 60, duplicates: 1, rule: 'count' })
    const result = await readFile(join('b', 'jobs', job, 'result.csv'), 'utf8')
    expect(result.split('\n').slice(0, 3)).toEqual(['number,name,tally_records', '30,x30,1', '31,x31,2'])

    const receipt = JSON.parse(await readFile(join('a', 'jobs', job, 'receipt.json'), 'utf8')) as {
      predicted: { bytes: number }
      happened: { bytes: number; seconds: number }
    }
    expect(receipt).toMatchObject({
      ...{ format: 'tallystick/receipt/1', protocol: 'psi/kkrt16', role: 'receiver', measured: true },
      ...{ sizes: { receiver: 40, sender: 60 }, receivers: ['receiver', 'sender'], specHash: `0x${job}` },
    })
    // What the protocol declares is what passes.
    expect(receipt.happened.bytes).toBe(receipt.predicted.bytes)
    expect(receipt.happened.seconds).toBeGreaterThan(0)
    expect(JSON.stringify(receipt)).not.toMatch(/"size"|common/)
  })
})

describe('a prepared list', () => {
  const prepared = ['--list', 'prepared', '--home', 'b']
  const ask = (terms: string) => runBoth(terms, { a: ['a.csv', '--filter', 'copy'], b: ['prepared'] })

  it('is asked about a few ids, in this version and the next, and a result too small is withheld', async () => {
    await writeFile('long.csv', csv('number,name', range(35, 3000)))
    const made = await done('list', 'prepare', 'long.csv', '--column', 'number', ...prepared)
    expect(made).toMatchObject({ event: 'prepared', rows: 3000, version: 1 })
    await copyFile(String(made['filter']), 'copy')
    const job = await agreed('asked.json', 'b/declaration.json')
    const { a, b } = await ask('asked.json')
    expect(a('result')).toMatchObject({ size: 5 })
    expect(b('result')).toEqual({ event: 'result', kind: 'none' })
    const result = await readFile(join('a', 'jobs', job, 'result.csv'), 'utf8')
    expect(result).toBe(csv('id,name', range(35, 5)))
    const evidence = [join('a', 'jobs', job, 'record.json'), join('a', 'jobs', job, 'evidence.age')]
    const trust = ['--trust', 'a/identity.json', 'b/identity.json']
    expect(await tally('replay', ...evidence, '--key', 'audit/auditor.key', ...trust)).toMatchObject({ code: 0 })

    await writeFile('long.csv', csv('number,name', [...range(37, 3000), 1]))
    const other = await tally('list', 'check', 'long.csv', '--list', 'prepared')
    expect([other.code, other.stderr]).toEqual([
      65,
      expect.stringContaining('the filter is of 3000 ids, the list has 3001'),
    ])
    const changed = await done('list', 'update', 'long.csv', ...prepared)
    expect(await done('list', 'check', 'long.csv', '--list', 'prepared')).toMatchObject({ event: 'same', rows: 3001 })
    await writeFile('swapped.csv', csv('number,name', [...range(37, 3000), 2]))
    const swapped = await tally('list', 'check', 'swapped.csv', '--list', 'prepared')
    expect([swapped.code, swapped.stderr]).toEqual([
      65,
      expect.stringContaining('1 ids of the list are not in the filter'),
    ])
    expect(changed).toMatchObject({ event: 'updated', version: 2, added: 3, removed: 2 })
    const withheld = await agreed('updated.json', 'b/declaration.json', '--minimum-result', '5')
    const stale = await tally(
      'psi',
      'run',
      '--terms',
      'updated.json',
      '--home',
      'a',
      '--input',
      'a.csv',
      '--filter',
      'copy',
      '--dry-run',
    )
    expect([stale.code, stale.stderr]).toEqual([65, expect.stringContaining('another version of the list')])
    const applied = await done('list', 'apply', String(changed['file']), '--filter', 'copy')
    expect(applied['digest']).toBe(changed['digest'])
    // Four are left: what the terms call too few to be seen.
    const second = await ask('updated.json')
    expect([second.a('result-withheld'), second.a('result')]).toEqual([
      { event: 'result-withheld', minimum: 5 },
      undefined,
    ])
    await expect(readFile(join('a', 'jobs', withheld, 'result.csv'))).rejects.toThrow('ENOENT')
    expect(await done('list', 'update', 'long.csv', ...prepared)).toMatchObject({ event: 'unchanged', version: 2 })
  })
})

it('anchors receipts in one transaction, and finds a changed one', async () => {
  const chain = startTally(['chain', 'start', '--port', '0', '--out', 'chain.json'])
  await chain.first('chain')
  try {
    const on = ['--chain', 'chain.json']
    expect(await done('psi', 'anchor', '--home', 'a', ...on)).toMatchObject({ event: 'anchored', receipts: 3 })
    expect(await done('psi', 'anchor', '--home', 'a', ...on)).toMatchObject({ receipts: 0 })
    const [job] = (await readdir(join('a', 'jobs'))).toSorted()
    const receipt = join('a', 'jobs', String(job), 'receipt.json')
    expect(await done('psi', 'anchored', receipt, ...on)).toMatchObject({ event: 'anchored', time: expect.any(Number) })
    await writeFile(receipt, (await readFile(receipt, 'utf8')).replace('"attempt": 0', '"attempt": 1'))
    expect(await tally('psi', 'anchored', receipt, ...on)).toMatchObject({
      code: 76,
      stderr: expect.stringContaining('is not the receipt that its anchor names'),
    })
  } finally {
    chain.kill('SIGINT')
    await chain.ended
  }
})
