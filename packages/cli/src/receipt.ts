/**
 * The receipt of a set operation: what was agreed, what it cost this party, and what was predicted. It holds no row and no
 * size of a result, so it can be shown to whoever pays for the job; a random salt keeps its digest from being guessed.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalBytes, taggedDigest, toHex, type Hex } from '@tallystick/core'
import type { Prediction } from '@tallystick/psi'
import { specHash, type Progress, type Terms } from '@tallystick/session'
import { z } from 'zod'
import { readFormat } from './declaration.ts'
import { writeJson } from './files.ts'

const receiptFormat = 'tallystick/receipt/1'

export interface Happened {
  /** From the first message of the protocol to the last. */
  readonly seconds: number
  /** Of this process, its worker threads included, over the same time. */
  readonly cpuSeconds: number
  /** Payload that this party sent and received. */
  readonly bytes: number
}

export interface Receipt {
  readonly format: typeof receiptFormat
  readonly specHash: Hex
  readonly attempt: number
  readonly role: string
  readonly protocol: string
  /** Rows by role as the terms have them, and of a prepared list. */
  readonly sizes: Readonly<Record<string, number>>
  readonly receivers: readonly string[]
  /** Of the own list: records, those that repeat an id, and the rule of the terms. */
  readonly own: { readonly records: number; readonly duplicates: number; readonly rule: string }
  readonly predicted: Prediction
  /** Whether the prediction is by this machine's rates, or by those of the reference machine. */
  readonly measured: boolean
  /** Null where the session had ended before, and is only read again. */
  readonly happened: Happened | null
  readonly checked: string
  readonly salt: Hex
}

/** What a receipt can say of the sets: SOUNDNESS is not more than this. */
const checked =
  'The own list was checked against its declaration before the start. The set of the partner was not: that it is the one ' +
  'it committed to is seen by replaying its evidence.'

const hex32 = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]{64}$/)])
const counted = z.number().min(0)
const schema = z.strictObject({
  format: z.literal(receiptFormat),
  ...{ specHash: hex32, attempt: z.int(), role: z.string(), protocol: z.string() },
  ...{ sizes: z.record(z.string(), counted), receivers: z.array(z.string()) },
  own: z.strictObject({ records: counted, duplicates: counted, rule: z.string() }),
  predicted: z.strictObject({ seconds: counted, bytes: counted, rounds: counted }),
  measured: z.boolean(),
  happened: z.strictObject({ seconds: counted, cpuSeconds: counted, bytes: counted }).nullable(),
  ...{ checked: z.string(), salt: hex32 },
}) satisfies z.ZodType<Receipt>

/** @throws TallyError input/not-found, input/malformed */
export const readReceipt = (file: string): Promise<Receipt> => readFormat(file, schema, 'a receipt', 'tally psi run')

/** Watches a run: its time from the first message to the last, and its traffic. */
export const stopwatch = () => {
  let began: { readonly at: number; readonly cpu: NodeJS.CpuUsage } | undefined
  let happened: Happened | null = null
  return {
    see({ phase, bytesSent, bytesReceived }: Progress): void {
      if (phase === 'running') began ??= { at: performance.now(), cpu: process.cpuUsage() }
      if (phase !== 'closing' || began === undefined || happened !== null) return
      const { user, system } = process.cpuUsage(began.cpu)
      const seconds = (performance.now() - began.at) / 1000
      happened = { seconds, cpuSeconds: (user + system) / 1e6, bytes: bytesSent + bytesReceived }
    },
    happened: (): Happened | null => happened,
  }
}

const sizesOf = ({ parameters }: Terms): Receipt['sizes'] => {
  const { sizes, list } = parameters as { sizes: Receipt['sizes']; list?: { rows: number } }
  return { ...sizes, ...(list === undefined ? {} : { list: list.rows }) }
}

export const receiptDigest = (receipt: Receipt): Hex =>
  toHex(taggedDigest('tallystick/receipt/v1', canonicalBytes(receipt)))

export interface ReceiptOptions {
  readonly terms: Terms
  readonly role: string
  readonly attempt: number
  readonly own: Omit<Receipt['own'], 'rule'>
  readonly predicted: Prediction
  readonly measured: boolean
  readonly happened: Happened | null
}

/** Writes receipt.json, or leaves the one of the same attempt: a job that is read again costs nothing. */
export const keepReceipt = async (
  folder: string,
  { terms, role, attempt, own, predicted, measured, happened }: ReceiptOptions,
): Promise<{ readonly file: string; readonly receipt: Receipt }> => {
  const file = join(folder, 'receipt.json')
  if (existsSync(file) && happened === null) {
    const before = await readReceipt(file)
    if (before.attempt === attempt) return { file, receipt: before }
  }
  const receipt: Receipt = {
    format: receiptFormat,
    ...{ specHash: specHash(terms), attempt, role, protocol: terms.protocol.id, sizes: sizesOf(terms) },
    ...{ receivers: terms.receivers, own: { ...own, rule: terms.data[role]?.duplicates ?? 'none' } },
    ...{ predicted, measured, happened, checked, salt: toHex(randomBytes(32)) },
  }
  await writeJson(file, receipt, true)
  return { file, receipt }
}
