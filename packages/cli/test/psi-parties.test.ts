/** Set operations of more than two lists, and sums, as processes: terms, runs, results, receipts, replay. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTally, tally } from './run.ts'

const before = process.cwd()
let folder = ''
const sides = ['a', 'b', 'c'] as const
type Side = (typeof sides)[number]
const csv = (header: string, rows: readonly number[]): string =>
  `${header}\n${rows.map((id) => `${id},x${id},${id}.25`).join('\n')}\n`
const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)

const done = async (...args: string[]): Promise<Record<string, unknown>> => {
  const { code, stdout, stderr } = await tally(...args, '--json')
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('"error"')])
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
}
const refused = async (...args: string[]): Promise<string> => {
  const { code, stderr } = await tally(...args)
  expect(code).not.toBe(0)
  return stderr
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tally-parties-'))
  process.chdir(folder)
  await done('auditor', 'init', '--name', 'Audit', '--home', 'audit')
  for (const side of sides) await done('party', 'init', '--name', `Bank ${side}`, '--home', side)
  await writeFile('a.csv', csv('id,name,amount', range(0, 40)))
  await writeFile('b.csv', csv('number,name,amount', range(10, 60)))
  await writeFile('c.csv', csv('key,name,amount', range(25, 30)))
  await done('data', 'declare', 'b.csv', '--column', 'number', '--home', 'b')
  await done('data', 'declare', 'c.csv', '--column', 'key', '--home', 'c')
  const values = ['--value', 'amount', '--maximum', '40', '--decimals', '2']
  await done('data', 'declare', 'a.csv', '--column', 'id', ...values, '--home', 'a')
})
afterAll(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true })
})

const declarations = sides.map((side) => `${side}/declaration.json`)
const three = ['--party', ...declarations]
const two = ['--receiver', declarations[0]!, '--sender', declarations[1]!]
const newTerms = (file: string, ...options: string[]): string[] => [
  ...['terms', 'new', '--purpose', file, '--auditor', 'audit/auditor.json', '--out', file, ...options],
]

const agreed = async (file: string, who: readonly Side[], ...options: string[]): Promise<string> => {
  const { specHash } = await done(...newTerms(file, ...options))
  for (const side of who) await done('terms', 'approve', file, '--home', side)
  return String(specHash).slice(2)
}

type Events = readonly Record<string, unknown>[]
const named = (events: Events, name: string) => events.find(({ event }) => event === name)

/** The first listens, the second too where there is a third; the options are the first's. */
const runAll = async (file: string, who: readonly Side[], ...options: string[]) => {
  const start = (side: Side, ...more: string[]) =>
    startTally(['psi', 'run', '--terms', file, '--home', side, '--input', `${side}.csv`, ...more])
  const listening = ['--listen', '127.0.0.1:0']
  const at = async (running: ReturnType<typeof startTally>) =>
    `127.0.0.1:${String((await running.first('listening'))['port'])}`
  const a = start('a', ...listening, ...options)
  const first = await at(a)
  if (who.length === 2) return Promise.all([a, start('b', '--connect', first)].map(({ ended }) => ended))
  const [one, other] = (await readFile(file, 'utf8')).includes('"role":"p0"') ? ['p0', 'p1'] : ['leader', 'member-1']
  const b = start('b', ...listening, '--connect', `${one}=${first}`)
  const c = start('c', '--connect', `${one}=${first}`, `${other}=${await at(b)}`)
  return Promise.all([a, b, c].map(({ ended }) => ended))
}

const replayed = async (side: Side, job: string, who: readonly Side[]): Promise<void> => {
  const evidence = [join(side, 'jobs', job, 'record.json'), join(side, 'jobs', job, 'evidence.age')]
  const trust = ['--trust', ...who.map((each) => `${each}/identity.json`)]
  const { code, stdout } = await tally('replay', ...evidence, '--key', 'audit/auditor.key', ...trust)
  expect([code, code === 0 ? '' : stdout]).toEqual([0, ''])
}

describe('three lists', () => {
  it('are intersected for the leader, with a prediction, a receipt and a replay', { timeout: 180_000 }, async () => {
    const job = await agreed('three.json', sides, ...three)
    const ended = await runAll('three.json', sides, '--explain')
    expect(ended.map(({ code, events }) => [code, code === 0 ? '' : events.at(-1)])).toEqual(sides.map(() => [0, '']))
    const [leader, ...members] = ended.map(({ events }) => events)
    expect(named(leader!, 'explain')).toMatchObject({ protocol: 'psi/kmprt17-3', choice: 'psi/kmprt17-3' })
    expect(named(leader!, 'result')).toMatchObject({ kind: 'intersection', size: 15 })
    for (const member of members) expect(named(member, 'result')).toEqual({ event: 'result', kind: 'none' })
    const result = await readFile(join('a', 'jobs', job, 'result.csv'), 'utf8')
    expect(result).toBe(csv('id,name,amount', range(25, 15)))
    const receipts = await Promise.all(
      sides.map(async (side) => JSON.parse(await readFile(join(side, 'jobs', job, 'receipt.json'), 'utf8'))),
    )
    const sizes = { leader: 40, 'member-1': 60, 'member-2': 30 }
    for (const receipt of receipts) expect(receipt).toMatchObject({ sizes, receivers: ['leader'] })
    // Each byte is sent by one and received by one.
    const moved = receipts.reduce((sum, { happened }) => sum + happened.bytes, 0)
    expect(moved).toBe(2 * receipts[0].predicted.bytes)
    await replayed('a', job, sides)
  })

  it('tell the leader which of its rows are on none of the others, and the rest', { timeout: 180_000 }, async () => {
    const job = await agreed('none.json', sides, ...three, '--output', 'difference')
    expect((await tally('terms', 'show', 'none.json')).stdout).toContain('which of its own rows are on no other list')
    const ended = await runAll('none.json', sides, '--complement')
    expect(ended.map(({ code, events }) => [code, code === 0 ? '' : events.at(-1)])).toEqual(sides.map(() => [0, '']))
    const [leader, ...members] = ended.map(({ events }) => events)
    expect(named(leader!, 'result')).toMatchObject({ kind: 'rows', size: 10 })
    expect(named(leader!, 'complement')).toMatchObject({ size: 30 })
    for (const member of members) expect(named(member, 'result')).toEqual({ event: 'result', kind: 'none' })
    const read = (name: string) => readFile(join('a', 'jobs', job, name), 'utf8')
    expect(await read('result.csv')).toBe(csv('id,name,amount', range(0, 10)))
    expect(await read('complement.csv')).toBe(csv('id,name,amount', range(10, 30)))
    await replayed('a', job, sides)
  })

  it('enter only as the terms allow', async () => {
    expect(await refused(...newTerms('x', ...three, '--output', 'at-least'))).toContain('--threshold')
    expect(await refused(...newTerms('x', ...three, '--output', 'at-least', '--threshold', '3'))).toContain('threshold')
    expect(await refused(...newTerms('x', ...two, '--output', 'difference'))).toContain('--complement')
    expect(await done(...newTerms('y', ...three, '--output', 'in-any'))).toMatchObject({ protocol: 'psi/cdgoss21-3' })
    expect(await refused(...newTerms('x', ...three, '--output', 'cardinality'))).toContain('shows the leader which')
    expect(await refused(...newTerms('x', ...three, '--to', 'both'))).toContain('to the leader only')
    expect(await refused(...newTerms('x', ...three, '--minimum-sets', '31'))).toContain('member-2')
    expect(await refused(...newTerms('x', '--party', ...declarations.slice(1)))).toContain('expected 3 to 10')
    expect(await refused(...newTerms('x', ...three, ...two))).toContain('or --party')
    expect(await refused(...newTerms('x', '--receiver', declarations[0]!))).toContain('both --receiver and --sender')
    const twice = [...three, declarations[1]!]
    expect(await refused(...newTerms('x', ...twice))).toContain('declarations of one party')
  })
})

describe('a union of two lists', () => {
  it('hands the receiver the ids that it lacks', { timeout: 180_000 }, async () => {
    const job = await agreed('union.json', ['a', 'b'], ...two, '--output', 'union', '--id-bytes', '8')
    expect((await tally('terms', 'show', 'union.json')).stdout).toContain('every id of the other side that it does not')
    const ended = await runAll('union.json', ['a', 'b'])
    expect(ended.map(({ code, events }) => [code, code === 0 ? '' : events.at(-1)])).toEqual([0, 0].map((c) => [c, '']))
    expect(named(ended[0]!.events, 'result')).toMatchObject({ kind: 'union', size: 30 })
    expect(named(ended[1]!.events, 'result')).toEqual({ event: 'result', kind: 'none' })
    expect(await readFile(join('a', 'jobs', job, 'others.csv'), 'utf8')).toBe(`id\n${range(40, 30).join('\n')}\n`)
    await replayed('a', job, ['a', 'b'])
  })
})

describe('a union of three lists', () => {
  it('is written by all, who see no list in it', { timeout: 180_000 }, async () => {
    const job = await agreed('whole.json', sides, ...three, '--output', 'union', '--to', 'both', '--id-bytes', '8')
    const shown = (await tally('terms', 'show', 'whole.json')).stdout
    expect(shown).toContain('p2 (Bank c): every id of any list, once, in plain; not on whose lists it is')
    expect(shown).toContain('at most 1 attempts')
    const ended = await runAll('whole.json', sides)
    expect(ended.map(({ code, events }) => [code, code === 0 ? '' : events.at(-1)])).toEqual(sides.map(() => [0, '']))
    const union = `id\n${range(0, 70).map(String).toSorted().join('\n')}\n`
    for (const [i, side] of sides.entries()) {
      expect(named(ended[i]!.events, 'result')).toMatchObject({ kind: 'union', size: 70 })
      expect(await readFile(join(side, 'jobs', job, 'union.csv'), 'utf8')).toBe(union)
    }
    await replayed('a', job, sides)
  })
})

describe('a sum over two lists', () => {
  const byName = ['--protocol', 'psi/ikn19']
  it('is told to the receiver, the size to both', { timeout: 180_000 }, async () => {
    const job = await agreed('sum.json', ['a', 'b'], ...two, '--output', 'sum', '--to', 'both', ...byName)
    expect((await tally('terms', 'show', 'sum.json')).stdout).toContain('the sum of its values ("amount")')
    const ended = await runAll('sum.json', ['a', 'b'])
    expect(ended.map(({ code, events }) => [code, code === 0 ? '' : events.at(-1)])).toEqual([0, 0].map((c) => [c, '']))
    const [receiver, sender] = ended.map(({ events }) => events)
    // 10 to 39, and a quarter each.
    expect(named(receiver!, 'result')).toMatchObject({ kind: 'sum', size: 30, sum: '742.50' })
    expect(named(sender!, 'result')).toMatchObject({ kind: 'cardinality', size: 30 })
    expect(JSON.parse(await readFile(join('a', 'jobs', job, 'sum.json'), 'utf8'))).toEqual({
      ...{ size: 30, sum: '742.50', column: 'amount' },
    })
    await replayed('a', job, ['a', 'b'])
  })

  it('is withheld below the minimum, and needs values', { timeout: 180_000 }, async () => {
    await agreed('few.json', ['a', 'b'], ...two, '--output', 'sum', '--to', 'both', '--minimum-result', '31', ...byName)
    const [receiver] = await runAll('few.json', ['a', 'b'])
    expect(named(receiver!.events, 'result-withheld')).toMatchObject({ minimum: 31 })
    const without = [
      '--receiver',
      declarations[1]!,
      '--sender',
      declarations[2]!,
      '--output',
      'sum',
      '--to',
      'both',
      ...byName,
    ]
    expect(await refused(...newTerms('x', ...without))).toContain('declared no values')
    const small = ['--value', 'amount', '--maximum', '0.5', '--decimals', '2', '--home', 'c']
    expect(await refused('data', 'declare', 'c.csv', '--column', 'key', ...small)).toContain('outside 0 to')
    const none = ['--value', 'amount', '--home', 'c']
    expect(await refused('data', 'declare', 'c.csv', '--column', 'key', ...none)).toContain('--maximum')
  })
})
