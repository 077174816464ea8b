/**
 * Grants: what a holder allows a party. Ids can be guessed, so the number of evaluations is what protects the rows: it
 * is counted on the disk before a job begins, once for each job, whatever becomes of it.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { TallyError, type Hex } from '@tallystick/core'
import { z } from 'zod'
import { readFormat } from '../declaration.ts'
import { writeJson } from '../files.ts'
import { count } from '../text.ts'

export const grantFormat = 'tallystick/query-grant/1'

const hex = (bytes: number) => z.templateLiteral(['0x', z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))])

const schema = z.strictObject({
  format: z.literal(grantFormat),
  party: hex(32),
  name: z.string().min(1),
  purpose: z.string().min(1),
  /** Ids in all, over all jobs. */
  quota: z.int().min(1),
  expires: z.iso.datetime(),
  /** Ids asked for, by specHash of the terms. */
  jobs: z.record(hex(32), z.int().min(1)),
})
export type Grant = z.infer<typeof schema>

const fileOf = (folder: string, party: Hex): string => join(folder, 'grants', `${party.slice(2)}.json`)

export const usedOf = ({ jobs }: Grant): number => Object.values(jobs).reduce((sum, each) => sum + each, 0)

export const readGrant = async (folder: string, party: Hex): Promise<Grant | undefined> => {
  const file = fileOf(folder, party)
  return existsSync(file) ? readFormat(file, schema, 'a grant', 'tally query grant') : undefined
}

/** Replaces the rules; what was asked for stays counted. */
export const writeGrant = async (folder: string, grant: Omit<Grant, 'format' | 'jobs'>): Promise<Grant> => {
  const before = await readGrant(folder, grant.party)
  const made = { format: grantFormat, ...grant, jobs: before?.jobs ?? {} } as const
  await writeJson(fileOf(folder, grant.party), made, true)
  return made
}

export interface Asked {
  readonly party: Hex
  readonly name: string
  readonly purpose: string
  readonly specHash: Hex
  readonly queries: number
}

const refused = (message: string, remedy: string): TallyError =>
  new TallyError('terms/not-approved', 'self', message, { remedy })

/**
 * Counts a job against the grant of its asker, once.
 * @param now milliseconds since the epoch
 * @throws TallyError terms/not-approved without a grant, for another purpose, after its end, or over its quota
 */
export const countAgainst = async (folder: string, asked: Asked, now: number): Promise<Grant> => {
  const grant = await readGrant(folder, asked.party)
  const remedy = 'tally query grant says who may ask, how often and what for'
  if (grant === undefined) throw refused(`${asked.name} has no grant for this table`, remedy)
  if (Object.hasOwn(grant.jobs, asked.specHash)) return grant
  if (grant.purpose !== asked.purpose) {
    throw refused(`the grant of ${asked.name} is for "${grant.purpose}", the terms say "${asked.purpose}"`, remedy)
  }
  if (now > Date.parse(grant.expires)) throw refused(`the grant of ${asked.name} ended at ${grant.expires}`, remedy)
  const used = usedOf(grant)
  if (used + asked.queries > grant.quota) {
    throw refused(
      `the grant of ${asked.name} is for ${count(grant.quota)} ids, ${count(used)} were asked for, ` +
        `${count(asked.queries)} more are wanted`,
      remedy,
    )
  }
  const counted = { ...grant, jobs: { ...grant.jobs, [asked.specHash]: asked.queries } }
  await writeJson(fileOf(folder, asked.party), counted, true)
  return counted
}
