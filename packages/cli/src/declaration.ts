/**
 * The small public files that go around before there are terms: `declaration.json` of a party (who it is and what of
 * its list would enter) and `auditor.json`.
 */
import { TallyError, type Hex } from '@tallystick/core'
import type { ListTerms } from '@tallystick/psi'
import { limbBits, maxDecimals, maxLimbs, type SumValues } from '@tallystick/psi/sums'
import { partyId, type DataTerms, type Terms } from '@tallystick/session'
import { z } from 'zod'
import { readJson } from './files.ts'

const hex = (bytes: number) => z.templateLiteral(['0x', z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))])

export const declarationFormat = 'tallystick/declaration/1'
export const auditorFormat = 'tallystick/auditor/1'

export interface PublicIdentity {
  readonly name: string
  readonly party: Hex
  readonly signer: Hex
  readonly tls: Hex
}

export interface Declaration {
  readonly format: typeof declarationFormat
  readonly identity: PublicIdentity
  readonly data: DataTerms
  /** Of a list that was prepared (`tally list prepare`): then `data` is its key, one row. */
  readonly list?: ListTerms | undefined
  /** What is added up over common ids, where sums are asked for. */
  readonly values?: SumValues | undefined
}

export interface Auditor {
  readonly format: typeof auditorFormat
  readonly name: string
  /** age1… */
  readonly recipient: string
  /** Where a party is the auditor: its id. */
  readonly party?: Hex | undefined
}

/** How terms name an auditor. */
export const auditorOf = ({
  name,
  recipient,
  party,
}: Auditor): Pick<Terms['auditor'], 'name' | 'recipient' | 'party'> => ({
  name,
  recipient,
  ...(party === undefined ? {} : { party }),
})

const identity = z.strictObject({ name: z.string().min(1), party: hex(32), signer: hex(20), tls: hex(32) })
const data = z.strictObject({
  source: z.string().min(1),
  column: z.string().min(1),
  normalisation: z.string().min(1),
  duplicates: z.enum(['refuse', 'keep-first', 'count']),
  rows: z.int().min(1),
})
const list = z.strictObject({
  rows: z.int().min(1),
  digest: hex(32),
  version: z.int().min(1),
  key: hex(32),
  fingerprint: z.union([z.literal(32), z.literal(64)]),
})
const values = z.strictObject({
  column: z.string().min(1).max(200),
  decimals: z.int().min(0).max(maxDecimals),
  limbs: z.int().min(1).max(maxLimbs),
  bits: z
    .int()
    .min(1)
    .max(limbBits * maxLimbs)
    .optional(),
})
const declaration = z.strictObject({
  format: z.literal(declarationFormat),
  ...{ identity, data, list: list.optional(), values: values.optional() },
})
const auditor = z.strictObject({
  format: z.literal(auditorFormat),
  name: z.string().min(1),
  recipient: z.string().startsWith('age1'),
  party: hex(32).optional(),
})

/** Reads a file of ours that a person handed over. @throws TallyError input/not-found, input/malformed */
export const readFormat = async <T>(path: string, schema: z.ZodType<T>, what: string, maker: string): Promise<T> => {
  const parsed = schema.safeParse(await readJson(path, what, 'input/malformed'))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const place = issue!.path.length === 0 ? 'the file' : `"${issue!.path.join('.')}"`
  throw new TallyError('input/malformed', 'self', `${path}: expected ${what}, ${place} is not of its form`, {
    remedy: `give the file that "${maker}" wrote, unchanged`,
  })
}

export const readDeclaration = async (path: string): Promise<Declaration> => {
  const found = await readFormat(path, declaration, "a party's declaration", 'tally data declare')
  const { party, signer, tls } = found.identity
  if (partyId(signer, tls) === party) return found
  throw new TallyError('identity/malformed', 'self', `${path}: the party id is not that of its two keys`, {
    remedy: 'ask the partner for the file again, and compare fingerprints (tally party show)',
  })
}

export const readAuditor = (path: string): Promise<Auditor> =>
  readFormat(path, auditor, "an auditor's public key", 'tally auditor init')
