/** Whole jobs between two processes: what they leave, and what nothing may take away again. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseTerms, specHash, termsBytes, type Terms } from '@tallystick/session'
import { openJobStore } from '@tallystick/session/node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDisclosures } from '../src/disclosures.ts'
import { openHome } from '../src/home.ts'
import { isBegun, lastAttempt, storedJob } from '../src/journals.ts'
import { startTally, tally, type Running } from './run.ts'

const before = { folder: process.cwd(), state: process.env['XDG_STATE_HOME'] }
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tally-job-'))
  process.chdir(folder)
  process.env['XDG_STATE_HOME'] = join(folder, 'state')
  await writeFile('a.csv', 'id,name\n1,x\n2,y\n3,z\n')
  await writeFile('changed.csv', 'id,name\n1,x\n5,y\n3,z\n')
  await writeFile('b.csv', 'name;id\np;3\nq;4\nr;1\n')
  await tally('auditor', 'init', '--name', 'Audit', '--home', 'audit')
  for (const side of ['a', 'b']) {
    await tally('party', 'init', '--name', `Bank ${side}`, '--home', side)
    await tally('data', 'declare', `${side}.csv`, '--column', 'id', '--home', side)
  }
})
afterAll(async () => {
  process.chdir(before.folder)
  if (before.state === undefined) delete process.env['XDG_STATE_HOME']
  else process.env['XDG_STATE_HOME'] = before.state
  await rm(folder, { recursive: true })
})

/** Terms that both have approved; their file, and the folder of the job in the home of a side. */
const agreed = async (name: string, ...options: string[]) => {
  const file = `${name}.json`
  const made = await tally(
    ...['terms', 'new', '--receiver', 'a/declaration.json', '--sender', 'b/declaration.json', '--purpose', name],
    ...['--auditor', 'audit/auditor.json', '--out', file, '--json', ...options],
  )
  for (const side of ['a', 'b']) await tally('terms', 'approve', file, '--home', side)
  const { specHash: hash } = JSON.parse(made.stdout) as { specHash: string }
  return { file, jobOf: (side: string) => join(side, 'jobs', hash.slice(2)) }
}

const run = (side: string, terms: string, input: string, ...meeting: string[]): Running =>
  startTally(['psi', 'run', '--terms', terms, '--input', input, '--home', side, ...meeting])

const runBoth = async (terms: string) => {
  const a = run('a', terms, 'a.csv', '--listen', '127.0.0.1:0')
  const { port } = await a.first('listening')
  const b = run('b', terms, 'b.csv', '--connect', `127.0.0.1:${String(port)}`)
  return Promise.all([a.ended, b.ended])
}

describe('a job', () => {
  it('that has ended gives the same again for the list that entered, and nothing for another', async () => {
    const { file, jobOf } = await agreed('ended')
    const [a, b] = await runBoth(file)
    expect([a.code, b.code]).toEqual([0, 0])
    expect(await readFile(join(jobOf('a'), 'result.csv'), 'utf8')).toBe('id,name\n1,x\n3,z\n')
    const left = async () =>
      Promise.all(['result.csv', 'record.json', 'evidence.age'].map((name) => readFile(join(jobOf('a'), name))))
    const kept = await left()

    const other = await run('a', file, 'changed.csv', '--listen', '127.0.0.1:0').ended
    expect(other.code).toBe(65)
    expect(other.events.at(-1)).toMatchObject({ event: 'error', code: 'input/changed' })
    expect(other.events.map(({ event }) => event)).not.toContain('result')
    expect(await left()).toEqual(kept)

    const again = await run('a', file, 'a.csv', '--listen', '127.0.0.1:0').ended
    expect(again.code).toBe(0)
    expect((await left())[0]).toEqual(kept[0])

    for (const side of ['a', 'b']) {
      expect(await readFile(join(jobOf(side), 'attempt-0', 'state'), 'utf8')).toBe('closed\n')
    }

    const trust = ['--trust', 'a/identity.json', 'b/identity.json']
    const record = join(jobOf('a'), 'record.json')
    expect((await tally('verify', record, ...trust)).code).toBe(0)
    // Anybody can make a record like this with keys of their own.
    const untrusted = await tally('verify', record)
    expect(untrusted.code).toBe(76)
    expect(untrusted.stderr).toContain('record/untrusted: expected the verdict consistent, found well-formed')
    expect((await tally('verify', record, '--expect', 'well-formed')).code).toBe(0)
    // A chain that is to be compared with and does not answer is no success either.
    const byte = `0x${'01'.repeat(20)}`
    const registries = { partyRegistry: byte, computationRegistry: byte, anchor: byte }
    const { domain } = await termsOf(file)
    const deployment = { domain, chainId: 1, ...registries, block: 1, ticksPerSecond: 1 }
    const chain = { format: 'tallystick/chain/1', rpcUrl: 'http://127.0.0.1:1', deployment }
    await writeFile('chain.json', JSON.stringify(chain))
    const silent = await tally('verify', record, ...trust, '--chain', 'chain.json')
    expect(silent.stdout).toContain('verdict: consistent')
    expect(silent.stderr).toContain('ledger/unreachable')
    expect(silent.code).toBe(75)
    const replay = ['replay', record, join(jobOf('a'), 'evidence.age'), '--key', 'audit/auditor.key']
    expect((await tally(...replay)).code).toBe(76)
    expect((await tally(...replay, ...trust)).code).toBe(0)
  })

  it('leaves its record and result also where its evidence cannot be written', async () => {
    const { file, jobOf } = await agreed('evidence')
    await mkdir(join(jobOf('a'), 'evidence.age'), { recursive: true })
    const [a, b] = await runBoth(file)
    expect([a.code, b.code]).toEqual([74, 0])
    expect(a.events.at(-1)).toMatchObject({ code: 'journal/io', blame: 'self' })
    expect(await readdir(jobOf('a'))).toEqual(expect.arrayContaining(['record.json', 'result.csv']))
    const trust = ['--trust', 'a/identity.json', 'b/identity.json']
    expect((await tally('verify', join(jobOf('a'), 'record.json'), ...trust)).code).toBe(0)
  })
})

describe('a command that fails', () => {
  it('names the variable of the passphrase, and the damaged file', async () => {
    process.env['TALLY_PASSPHRASE'] = 'correct horse'
    await tally('party', 'init', '--name', 'Bank e', '--home', 'e')
    process.env['TALLY_PASSPHRASE'] = 'battery staple'
    const wrong = await tally('erase', '--home', 'e')
    delete process.env['TALLY_PASSPHRASE']
    const none = await tally('erase', '--home', 'e')
    expect([wrong.code, none.code]).toEqual([67, 67])
    expect(wrong.stderr).toContain('TALLY_PASSPHRASE is set to another one')
    expect(none.stderr).toContain('set TALLY_PASSPHRASE in the environment')
    expect((await tally('party', 'show', '--home', 'e')).code).toBe(0)

    await tally('party', 'init', '--name', 'Bank f', '--home', 'f')
    await writeFile(join('f', 'disclosures'), 'x\n')
    const home = await openHome('f')
    expect(() => openDisclosures(home)).toThrow(`${join('f', 'disclosures')}: the list of countersigned`)
  })

  it('says that it can be started again where it was stopped', async () => {
    const { file } = await agreed('stopped')
    const a = run('a', file, 'a.csv', '--listen', '127.0.0.1:0')
    await a.first('listening')
    a.kill('SIGINT')
    const { code, events } = await a.ended
    expect(code).toBe(72)
    expect(events.at(-1)).toMatchObject({ code: 'session/cancelled', remedy: expect.stringContaining('goes on') })
  })
})

const termsOf = async (file: string, change: Partial<Terms> = {}): Promise<Terms> =>
  parseTerms({ ...(JSON.parse(await readFile(file, 'utf8')) as Terms), ...change })

describe('a home that is put back from an older copy', () => {
  it('does not use the number of an attempt again', async () => {
    const { file, jobOf } = await agreed('restored')
    const [home, terms] = [await openHome('a'), await termsOf(file)]
    storedJob(home, terms).journals.open(0).close()
    expect(isBegun(lastAttempt(home, terms))).toBe(true)
    await rm(jobOf('a'), { recursive: true })
    const { journals } = storedJob(home, terms)
    expect(journals.attempts()).toEqual([0])
    expect(() => journals.open(0)).toThrow(/attempt 0 was begun on this machine/)
    expect(lastAttempt(home, terms)).toEqual({ attempt: 0, state: 'missing' })
    expect(isBegun(lastAttempt(home, terms))).toBe(false)
  })

  it('does not forget what it has countersigned', async () => {
    const { file } = await agreed('countersigned')
    const [home, terms] = [await openHome('b'), await termsOf(file)]
    const sign = (role: string) =>
      openDisclosures(home).sign(terms, { specHash: specHash(terms), attempt: 0, role }, home.signer)
    await sign('receiver')
    await rm(join('b', 'disclosures'))
    await expect(sign('sender')).rejects.toMatchObject({ code: 'evidence/over-limit' })
    // Nor on another machine, where there are no generations.
    await sign('receiver')
    await rm(join('state', 'tallystick', 'generations'), { recursive: true })
    await expect(sign('sender')).rejects.toMatchObject({ code: 'evidence/over-limit' })
  })
})

describe('terms that have expired', () => {
  const past = { expires: '2020-01-01T00:00:00Z', retention: '2021-01-01' }

  it('start nothing new, also where an attempt was begun and is lost', async () => {
    const terms = await termsOf((await agreed('expired')).file, past)
    await writeFile('past.json', termsBytes(terms))
    const approved = await tally('terms', 'approve', 'past.json', '--home', 'a')
    expect([approved.code, approved.stderr]).toEqual([66, expect.stringContaining('terms/expired')])
    await (await openHome('a')).approve(terms)
    const start = () => tally('psi', 'run', '--terms', 'past.json', '--input', 'a.csv', '--home', 'a', '--listen', '0')
    const job = storedJob(await openHome('a'), terms)
    job.journals.open(0).close()
    await rm(join(job.folder, 'attempt-0'), { recursive: true })
    const { code, stderr } = await start()
    expect(stderr).toContain('terms/expired: the terms ended at 2020-01-01T00:00:00Z')
    expect(code).toBe(66)
  })

  it('have their journals and evidence erased after the retention date, and nothing else', async () => {
    const { file } = await agreed('retention')
    const home = await openHome('b')
    const store = openJobStore({ home: 'b', storageKey: home.keys.storageKey })
    const jobs = await Promise.all(
      [past, { expires: past.expires, retention: '2999-01-01' }].map(async (change) => {
        const job = store.open(termsBytes(await termsOf(file, change)))
        job.journals.open(0).close()
        for (const name of ['evidence.age', 'record.json', 'result.csv']) await writeFile(join(job.folder, name), name)
        return job
      }),
    )
    const left = () => Promise.all(jobs.map(({ folder: place }) => readdir(place, { recursive: true })))
    const kept = await left()
    expect((await tally('erase', '--home', 'b', '--dry-run')).stdout).toContain('Would erase')
    expect(await left()).toEqual(kept)

    const open = jobs[0]!.journals.open(0)
    expect((await tally('erase', '--home', 'b')).stderr).toContain('journal/locked')
    open.close()
    const erased = await tally('erase', '--home', 'b')
    expect(erased).toMatchObject({ code: 0, stderr: '' })
    expect(erased.stdout.trim().split('\n')).toHaveLength(1)
    const [due, other] = await left()
    expect(due!.sort()).toEqual(['attempt-0', 'record.json', 'result.csv', 'terms.json'])
    expect(other).toEqual(kept[1])
    expect((await tally('erase', '--home', 'b')).stdout).toBe('No job is past its retention date.\n')
  })
})
