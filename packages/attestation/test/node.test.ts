import { execFileSync } from 'node:child_process'
import type * as fs from 'node:fs'
import type * as fsPromises from 'node:fs/promises'
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { toHex } from '@tallystick/core'
import { specHash } from '@tallystick/session'
import {
  codeDigest,
  openDisclosureLog,
  publishedFiles,
  readEvidence,
  readRecord,
  readTrust,
} from '../src/node/index.ts'
import { writeEvidence, writeRecord } from '../src/node/index.ts'
import { auditor, keyOf, runJob, signerOf, trustOf, type Job } from './job.ts'

let folder: string
let job: Job
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tallystick-'))
  job = await runJob()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What was done to the disk, in order; everything is done for real. */
const disk = vi.hoisted(() => ({ done: [] as string[] }))
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fsPromises>()
  return {
    ...real,
    open: async (...args: Parameters<typeof real.open>) => {
      const file = await real.open(...args)
      const sync = file.sync.bind(file)
      file.sync = async () => {
        disk.done.push(`sync ${basename(String(args[0]))}`)
        await sync()
      }
      return file
    },
    rename: async (from: string, to: string) => {
      disk.done.push(`rename to ${basename(to)}`)
      await real.rename(from, to)
    },
  }
})
vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>()
  const paths = new Map<number, string>()
  return {
    ...real,
    openSync: (...args: Parameters<typeof real.openSync>) => {
      const fd = real.openSync(...args)
      paths.set(fd, basename(String(args[0])))
      return fd
    },
    fsyncSync: (fd: number) => {
      disk.done.push(`sync ${paths.get(fd)}`)
      real.fsyncSync(fd)
    },
  }
})

describe('the code digest', () => {
  test('is what sha256sum says of the published files', () => {
    const packages = fileURLToPath(new URL('../../', import.meta.url))
    const script =
      'find ../circuits/src core/src homomorphic/src kernels/src mpc/src ot/src protocol/src psi/src query/src ' +
      'statistics/src -type f | LC_ALL=C sort | xargs sha256sum | sha256sum'
    const [digest] = execFileSync('sh', ['-c', script], { cwd: packages, encoding: 'utf8' }).split(' ')
    expect(codeDigest()).toBe(`0x${digest}`)
  })

  test('covers the protocol text, the kernels and the WebAssembly module', () => {
    const paths = publishedFiles().map((line) => line.slice(66, -1))
    expect(paths).toEqual([...paths].sort())
    for (const path of ['psi/src/ecdh/receiver.ts', 'core/src/digest.ts', 'protocol/src/context.ts']) {
      expect(paths).toContain(path)
    }
    expect(paths.some((path) => path.startsWith('kernels/src/') && path.includes('wasm'))).toBe(true)
  })

  test('takes about 10 ms; 250 ms is for a busy machine', () => {
    const began = performance.now()
    codeDigest()
    expect(performance.now() - began).toBeLessThan(250)
  })
})

describe('files', () => {
  test('a record comes back, and nothing else is left beside it', async () => {
    const path = join(folder, 'record.json')
    await writeRecord(path, job.record)
    expect(await readRecord(path)).toEqual(job.record)
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([])
    await expect(readRecord(join(folder, 'none'))).rejects.toMatchObject({ code: 'input/not-found' })
    writeFileSync(path, '{ "format": 1 }')
    await expect(readRecord(path)).rejects.toMatchObject({ code: 'record/malformed' })
  })

  test('is on the disk, with its name, when it is said to be written', async () => {
    disk.done.length = 0
    await writeRecord(join(folder, 'synced.json'), job.record)
    const [draft, ...rest] = disk.done
    expect(draft).toMatch(/^sync synced\.json\..*\.part$/)
    expect(rest).toEqual(['rename to synced.json', `sync ${basename(folder)}`])
  })

  test('evidence comes back for the auditor, and only its owner may read the file', async () => {
    const path = join(folder, 'evidence.age')
    const { terms, evidence } = job
    await writeEvidence(path, { terms, specHash: specHash(terms), evidence, disclosed: [] })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(await readEvidence(path, auditor.identity)).toEqual(evidence)
    await expect(readEvidence(join(folder, 'none'), auditor.identity)).rejects.toMatchObject({
      code: 'input/not-found',
    })
  })

  test('a trust file is read in any layout, and refused where an id does not fit its keys', async () => {
    const path = join(folder, 'trust.json')
    writeFileSync(path, JSON.stringify(trustOf(), null, 2))
    expect(await readTrust(path)).toEqual(trustOf())
    writeFileSync(path, JSON.stringify([{ ...trustOf()[0], party: toHex(new Uint8Array(32)) }]))
    await expect(readTrust(path)).rejects.toMatchObject({ code: 'identity/malformed' })
  })
})

describe('the list of disclosures', () => {
  test('outlives the process, and keeps it from countersigning a second role', async () => {
    const path = join(folder, 'disclosures')
    const signer = signerOf(keyOf('sender'))
    const next = (role: string, attempt = 0) => ({ specHash: specHash(job.terms), attempt, role })
    disk.done.length = 0
    await openDisclosureLog(path).sign(job.terms, next('receiver'), signer)
    expect(disk.done).toEqual(['sync disclosures', `sync ${basename(folder)}`])
    appendFileSync(path, '{"attempt":0,"ro')
    const log = openDisclosureLog(path)
    expect(log.disclosed).toEqual([next('receiver')])
    expect(await log.sign(job.terms, next('receiver', 1), signer)).toMatch(/^0x/)
    for (const reopened of [log, openDisclosureLog(path)]) {
      await expect(reopened.sign(job.terms, next('sender'), signer)).rejects.toMatchObject({
        code: 'evidence/over-limit',
      })
    }
    writeFileSync(path, 'nonsense\n')
    expect(() => openDisclosureLog(path)).toThrow('damaged')
  })
})
