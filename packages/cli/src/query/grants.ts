/**
 * Grants: what a holder allows a party, in grants/<party>.json of its table's folder. Ids can be guessed, so the number of
 * evaluations is what protects the rows: each job is counted on the disk before it begins, once, whatever becomes of it,
 * by an exclusively made file in grants/<party>/, so that jobs which begin together are all counted. A job counts as ids
 * × attempts: an asker that has its evaluations may abort and ask other ids in the next attempt, which nobody can notice.
 *
 * A grant that tells something of several holders together names all of them. Otherwise the asker would take holders of its own
 * making with empty lists, or ask subsets of the holders one after the other, and tell from "any" which one has an id; and it
 * would choose as holder-1 a party that works with it, and see of all others whose list has an id.
 */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { TallyError, type Hex } from '@tallystick/core'
import type { QuorumParameters } from '@tallystick/query'
import { z } from 'zod'
import { readFormat } from '../declaration.ts'
import { writeFileWhole, writeJson } from '../files.ts'
import { count } from '../text.ts'

const grantFormat = 'tallystick/query-grant/1'

const hex = (bytes: number) => z.templateLiteral(['0x', z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))])

const tellsSchema = z.custom<Tells>(
  (value) => typeof value === 'string' && /^(?:which|any|count|at-least-(?:[2-9]|10))$/.test(value),
  {
    error: 'expected which, any, count or at-least-2 to at-least-10',
  },
)

/**
 * What an asker is told, as grants and command lines say it: `which` (the rows of each holder), or of several holders together
 * `any`, `count` (how many), or `at-least-2` … `at-least-10`.
 */
export type Tells = 'which' | 'any' | 'count' | `at-least-${number}`

/** @throws TallyError api/usage */
export const tellsOf = (text: string): Tells => {
  if (/^(?:which|any|count|at-least-(?:[2-9]|10))$/.test(text)) return text as Tells
  throw new TallyError('api/usage', 'self', `expected which, any, count or at-least-2 to at-least-10, found "${text}"`)
}

/** What the asker of a job is told. */
export const toldBy = (id: string, parameters: unknown): Tells => {
  if (!id.startsWith('query/quorum-')) return 'which'
  const { mode, threshold } = parameters as QuorumParameters
  return mode === 'at-least' ? `at-least-${threshold!}` : mode
}

const holdersSchema = z.strictObject({
  /** All other holders of a job, no fewer and no more. */
  others: z.array(z.strictObject({ party: hex(32), name: z.string().min(1) })).min(1),
  /** Who of all holders may be holder-1, which must not work with the asker. */
  first: z.array(hex(32)).min(1),
})
export type GrantedHolders = z.infer<typeof holdersSchema>

const schema = z.strictObject({
  format: z.literal(grantFormat),
  party: hex(32),
  name: z.string().min(1),
  purpose: z.string().min(1),
  /** What the asker may be told; a grant of before there was a choice tells rows. */
  tells: z.array(tellsSchema).min(1).default(['which']),
  /** With whom together it may be told something. */
  holders: holdersSchema.optional(),
  /** Evaluations in all, over all attempts of all jobs. */
  quota: z.int().min(1),
  expires: z.iso.datetime(),
})
export type Grant = z.infer<typeof schema>

const fileOf = (folder: string, party: Hex): string => join(folder, 'grants', `${party.slice(2)}.json`)

const jobsFolder = (folder: string, party: Hex): string => join(folder, 'grants', party.slice(2))

/** Evaluations allowed so far: jobs are files named <specHash>-<ids × attempts>. */
export const usedBy = async (folder: string, party: Hex): Promise<number> => {
  const names = await readdir(jobsFolder(folder, party)).catch(() => [])
  // A file that is being written has another name.
  return names.reduce((sum, name) => sum + Number(/^[0-9a-f]{64}-(\d+)$/.exec(name)?.[1] ?? 0), 0)
}

export const readGrant = async (folder: string, party: Hex): Promise<Grant | undefined> => {
  const file = fileOf(folder, party)
  return existsSync(file) ? readFormat(file, schema, 'a grant', 'tally query grant') : undefined
}

/** Replaces the rules; what was asked for stays counted. */
export const writeGrant = (folder: string, grant: Omit<Grant, 'format'>): Promise<void> =>
  writeJson(fileOf(folder, grant.party), { format: grantFormat, ...grant } satisfies Grant, true)

export interface Asked {
  readonly party: Hex
  readonly name: string
  readonly purpose: string
  readonly tells: Tells
  /** The parties of all holders of the job, in the order of their roles, and which of them this one is. */
  readonly holders: readonly { readonly party: Hex; readonly name: string }[]
  readonly own: Hex
  readonly specHash: Hex
  readonly queries: number
  /** That the terms allow. */
  readonly attempts: number
}

const refused = (message: string, remedy: string): TallyError =>
  new TallyError('terms/not-approved', 'self', message, { remedy })

/** @throws TallyError terms/not-approved unless the holders of a question to several are those of the grant */
const checkHolders = ({ holders: granted }: Grant, { name, tells, holders, own }: Asked): void => {
  if (tells === 'which') return
  const remedy = 'tally query grant --with names the other holders, --holder-1 those who may compute with the asker'
  if (granted === undefined) {
    throw refused(
      `the grant of ${name} tells ${tells} but names no other holders: any could be shams of the asker`,
      remedy,
    )
  }
  const others = holders.filter(({ party }) => party !== own)
  const stranger = others.find(({ party }) => granted.others.every((other) => other.party !== party))
  if (stranger !== undefined) {
    throw refused(
      `the grant of ${name} is not for questions together with ${stranger.name} (${stranger.party})`,
      remedy,
    )
  }
  // Of "b or c", "b or d" and "c or d" an asker tells which of them has an id.
  const missing = granted.others.find(({ party }) => others.every((other) => other.party !== party))
  if (missing !== undefined || others.length !== granted.others.length) {
    throw refused(
      `the grant of ${name} is for all its holders together, the terms ${missing === undefined ? 'name one twice' : `leave out ${missing.name}`}`,
      remedy,
    )
  }
  const first = holders[0]!
  if (granted.first.includes(first.party)) return
  throw refused(`the grant of ${name} does not let ${first.name} be holder-1`, remedy)
}

/**
 * Counts a job against the grant of its asker, once.
 * @param now milliseconds since the epoch
 * @returns evaluations allowed, with these, and the quota
 * @throws TallyError terms/not-approved without a grant, for another purpose, another answer or other holders, after its end, or
 *   over its quota
 */
export const countAgainst = async (
  folder: string,
  asked: Asked,
  now: number,
): Promise<{ readonly used: number; readonly quota: number }> => {
  const grant = await readGrant(folder, asked.party)
  const remedy = 'tally query grant says who may ask, how often and what for'
  if (grant === undefined) throw refused(`${asked.name} has no grant for this table`, remedy)
  const { quota, purpose, expires, tells } = grant
  const jobs = jobsFolder(folder, asked.party)
  await mkdir(jobs, { recursive: true, mode: 0o700 })
  const most = asked.queries * asked.attempts
  const file = join(jobs, `${asked.specHash.slice(2)}-${most}`)
  if (existsSync(file)) return { used: await usedBy(folder, asked.party), quota }
  if (purpose !== asked.purpose) {
    throw refused(`the grant of ${asked.name} is for "${purpose}", the terms say "${asked.purpose}"`, remedy)
  }
  if (!tells.includes(asked.tells)) {
    throw refused(
      `the grant of ${asked.name} lets it be told ${tells.join(', ')}, the terms tell ${asked.tells}`,
      remedy,
    )
  }
  checkHolders(grant, asked)
  if (now > Date.parse(expires)) throw refused(`the grant of ${asked.name} ended at ${expires}`, remedy)
  // Counted first, then looked at: of two that begin together neither overlooks the other.
  await writeFileWhole(file, '', true)
  const used = await usedBy(folder, asked.party)
  if (used <= quota) return { used, quota }
  await rm(file)
  throw refused(
    `the grant of ${asked.name} is for ${count(quota)} ids, ${count(used - most)} were asked for, ` +
      `up to ${count(most)} more are wanted (${count(asked.queries)} in each of ${count(asked.attempts)} attempts)`,
    asked.attempts > 1 ? `${remedy}; terms with one attempt count least` : remedy,
  )
}
