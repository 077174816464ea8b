/** Two banks, an auditor and their terms, made in this process by the code behind the commands. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalJson } from '@tallystick/core'
import type { Output } from '@tallystick/cli'
import { parseTerms, specHash, type Terms } from '@tallystick/session'
import { sceneIn, type Bank } from '../../examples/blacklist/bank.ts'
import { generateBlacklists } from '../../examples/blacklist/generate.ts'
import { plainIntersection } from '../../examples/blacklist/truth.ts'
import { init as initAuditor } from '../../packages/cli/src/commands/auditor.ts'
import { declare } from '../../packages/cli/src/commands/data.ts'
import { init as initParty } from '../../packages/cli/src/commands/party.ts'
import { approve, create } from '../../packages/cli/src/commands/terms.ts'
import { writeFileWhole } from '../../packages/cli/src/files.ts'
import { openHome, type Home } from '../../packages/cli/src/home.ts'

export type Side = 'a' | 'b'
export const sides: readonly Side[] = ['a', 'b']
export const otherOf = (side: Side): Side => (side === 'a' ? 'b' : 'a')

export interface Party extends Bank {
  readonly side: Side
  readonly opened: Home
}

export interface Scene {
  readonly folder: string
  /** Receiver, listens. */
  readonly a: Party
  /** Sender, dials. */
  readonly b: Party
  readonly auditorKey: string
  /** What a plain intersection of the two files finds, in normal form and sorted. */
  readonly truth: readonly string[]
  /** Environment of the commands: generations live beside the homes, not in the user's own state. */
  readonly environment: Readonly<Record<string, string>>
}

const quiet: Output = {
  json: false,
  report() {},
  say() {},
  note() {},
  progress: () => Promise.resolve({ update() {}, stop() {} }),
  style: (_, text) => text,
}

/** @param records of each list; about one in sixteen is on both */
export const makeScene = async (folder: string, records: number): Promise<Scene> => {
  const { a, b, audit } = sceneIn(folder)
  const expected = await generateBlacklists(folder, { records })
  const truth = await plainIntersection(sceneIn(folder), expected)
  await initAuditor(quiet, { name: 'Audit office', home: audit })
  const party = async (side: Side, bank: Bank): Promise<Party> => {
    const { home, name, column, list } = bank
    await initParty(quiet, { name, home })
    const rules = { normalisation: ['resident-id/1'], duplicates: 'keep-first', encoding: 'utf-8' } as const
    await declare(quiet, { home, column: [column], ...rules }, list)
    return { ...bank, side, opened: await openHome(home) }
  }
  return {
    folder,
    a: await party('a', a),
    b: await party('b', b),
    auditorKey: join(audit, 'auditor.key'),
    truth,
    environment: { XDG_STATE_HOME: join(folder, 'state') },
  }
}

export interface Agreed {
  readonly file: string
  readonly terms: Terms
}

/** Short enough that a wait for somebody who has gone shows; long enough for a process to start on a busy machine. */
const deadlines = { handshake: 90, message: 90, close: 25 }
let numbers = 0

/** Fresh terms, approved by both. */
export const agree = async (scene: Scene, chain?: string): Promise<Agreed> => {
  const file = join(scene.folder, `terms-${numbers++}.json`)
  await create(quiet, {
    receiver: join(scene.a.home, 'declaration.json'),
    sender: join(scene.b.home, 'declaration.json'),
    auditor: join(scene.folder, 'audit', 'auditor.json'),
    purpose: 'a campaign of faults',
    output: 'intersection',
    to: 'receiver',
    protocol: 'psi/ecdh',
    adversary: 'semi-honest',
    lpn: true,
    days: '30',
    out: file,
    ...(chain === undefined ? {} : { chain }),
  })
  const terms = parseTerms({ ...(JSON.parse(await readFile(file, 'utf8')) as Terms), deadlines })
  await writeFileWhole(file, `${canonicalJson(terms)}\n`)
  for (const side of sides) await approve(quiet, { home: scene[side].home }, file)
  return { file, terms }
}

export const jobFolder = (scene: Scene, side: Side, terms: Terms): string =>
  join(scene[side].home, 'jobs', specHash(terms).slice(2))
