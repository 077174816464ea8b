/**
 * The replay evidence of one party in one attempt: all that its side of the protocol is a function of. It gives away the
 * party's whole input, so it exists in plain only in memory; in a file it is sealed to one auditor (see `seal.ts`).
 *
 * Plain form, so that hundreds of megabytes stream: the line `tallystick/evidence/1`, then entries
 *   u32 length ‖ canonical JSON head ‖ u32 length ‖ body
 * one of kind `evidence` (everything small, and how many of the others follow), `rows` (4096 rows each: their lengths in
 * 32 bits, then their bytes), `frame` (one received frame), `resource` (one reserved range of correlations), `chains`
 * (at the checkpoint and at the end, as JSON), `end`.
 */
import {
  canonicalBytes,
  concatBytes,
  equalBytes,
  parseCanonical,
  readU32,
  TallyError,
  toHex,
  u32,
  utf8ToBytes,
  type Hex,
} from '@tallystick/core'
import { rowAt, rowCount, type Rows } from './dataset.ts'
import type { EvidenceMaterial, InboxFrame, ReservedRange, SignedChains, StepHead } from '@tallystick/session'
import { z } from 'zod'
import { attemptNumber, count, hex, parseShape, role } from './shape.ts'
import { printable } from './text.ts'

/** Agreement of all parties that the evidence of a role goes to an auditor; signatures by role. */
export interface CountersignedDisclosure {
  readonly role: string
  readonly attempt: number
  readonly auditor: Hex
  readonly signatures: Readonly<Record<string, Hex>>
}

export interface Evidence {
  readonly specHash: Hex
  readonly attempt: number
  readonly role: string
  /** Version and code digest of the package that the party ran. */
  readonly package: string
  readonly code: Hex
  readonly input: {
    readonly rows: Rows
    readonly datasetId: Hex
    readonly jobSaltKey: Hex
    readonly nonce: Hex
  }
  readonly seed: { readonly value: Hex; readonly nonce: Hex }
  readonly coin: { readonly share: Hex; readonly nonce: Hex }
  readonly inbox: readonly InboxFrame[]
  readonly resources: readonly ReservedRange[]
  /** The chains that the party's signed heads are made of. */
  readonly chains: SignedChains
  readonly disclosure: CountersignedDisclosure
}

const magic = utf8ToBytes('tallystick/evidence/1\n')
const rowsPerEntry = 4096
const maxHeadBytes = 1 << 20
const maxBodyBytes = 1 << 28

const step = z.string().min(1).max(1000)
const smallShape = z.strictObject({
  kind: z.literal('evidence'),
  specHash: hex(32),
  attempt: attemptNumber,
  role,
  package: z.string().max(100),
  code: hex(32),
  input: z.strictObject({ datasetId: hex(32), jobSaltKey: hex(32), nonce: hex(32), rows: count }),
  seed: z.strictObject({ value: hex(32), nonce: hex(32) }),
  coin: z.strictObject({ share: hex(32), nonce: hex(32) }),
  disclosure: z.strictObject({ role, attempt: attemptNumber, auditor: hex(20), signatures: z.record(role, hex(65)) }),
  frames: count,
  resources: count,
})
const rowsShape = z.strictObject({ kind: z.literal('rows'), count })
const frameShape = z.strictObject({ kind: z.literal('frame'), from: role, step, ordinal: count })
const resourceShape = z.strictObject({
  kind: z.literal('resource'),
  correlation: z.string().max(200),
  step,
  ordinal: count,
  count,
})
const chainsShape = z.strictObject({ kind: z.literal('chains'), at: z.enum(['checkpoint', 'view']) })
const chainListShape = z.array(z.strictObject({ from: role, to: role, step, frames: count, head: hex(32) }))
const endShape = z.strictObject({ kind: z.literal('end') })

const entry = (head: object, body: Uint8Array = new Uint8Array(0)): Uint8Array[] => {
  const headBytes = canonicalBytes(head)
  return [concatBytes(u32(headBytes.length), headBytes, u32(body.length)), body]
}

const encodeRows = (rows: Rows, from: number, to: number): Uint8Array => {
  const lengths = Array.from({ length: to - from }, (_, i) => u32(rowAt(rows, from + i).length))
  return concatBytes(...lengths, rows.bytes.subarray(rows.offsets[from], rows.offsets[to]))
}

/** The plain form in pieces, none larger than the largest frame or 4096 rows. */
export function* encodeEvidence(evidence: Evidence): Generator<Uint8Array> {
  const { input, inbox, resources, chains, ...rest } = evidence
  const { rows, ...commitment } = input
  const size = rowCount(rows)
  const small = { ...rest, kind: 'evidence', frames: inbox.length, resources: resources.length }
  yield magic
  yield* entry({ ...small, input: { ...commitment, rows: size } })
  for (let from = 0; from < size; from += rowsPerEntry) {
    const to = Math.min(from + rowsPerEntry, size)
    yield* entry({ kind: 'rows', count: to - from }, encodeRows(rows, from, to))
  }
  for (const { body, ...frame } of inbox) yield* entry({ kind: 'frame', ...frame }, body)
  for (const { body, ...resource } of resources) yield* entry({ kind: 'resource', ...resource }, body)
  for (const at of ['checkpoint', 'view'] as const) yield* entry({ kind: 'chains', at }, canonicalBytes(chains[at]))
  yield* entry({ kind: 'end' })
}

const malformed = (message: string): TallyError => new TallyError('decode/malformed', 'none', message)

/** Bytes that arrive in pieces, taken in the lengths that are asked for. */
const createReader = (source: AsyncIterable<Uint8Array>) => {
  const pieces = source[Symbol.asyncIterator]()
  let rest = new Uint8Array(0) as Uint8Array
  const next = async (): Promise<boolean> => {
    const piece = await pieces.next()
    if (piece.done === true) return false
    rest = piece.value
    return true
  }
  return {
    async take(length: number): Promise<Uint8Array> {
      const out = new Uint8Array(length)
      for (let at = 0; at < length;) {
        if (rest.length === 0 && !(await next())) throw malformed('it ends too early')
        const part = rest.subarray(0, length - at)
        out.set(part, at)
        rest = rest.subarray(part.length)
        at += part.length
      }
      return out
    },
    async atEnd(): Promise<boolean> {
      while (rest.length === 0) if (!(await next())) return true
      return false
    },
  }
}
type Reader = ReturnType<typeof createReader>

const readEntry = async <T>(reader: Reader, shape: z.ZodType<T>): Promise<{ head: T; body: Uint8Array }> => {
  const headLength = readU32(await reader.take(4))
  if (headLength > maxHeadBytes) throw malformed(`an entry has a head of ${headLength} bytes`)
  const head = parseShape('evidence/malformed', 'evidence', shape, parseCanonical(await reader.take(headLength)))
  const bodyLength = readU32(await reader.take(4))
  if (bodyLength > maxBodyBytes) throw malformed(`an entry has a body of ${bodyLength} bytes`)
  return { head, body: await reader.take(bodyLength) }
}

const readRows = async (reader: Reader, size: number): Promise<Rows> => {
  const offsets = [0]
  const parts: Uint8Array[] = []
  let position = 0
  for (let from = 0; from < size; from += rowsPerEntry) {
    const { head, body } = await readEntry(reader, rowsShape)
    const rows = Math.min(rowsPerEntry, size - from)
    const start = position
    if (head.count !== rows || body.length < 4 * rows) throw malformed(`expected ${rows} rows from row ${from} on`)
    for (let i = 0; i < rows; i++) offsets.push((position += readU32(body, 4 * i)))
    if (position - start !== body.length - 4 * rows) throw malformed(`the lengths of the rows from row ${from} on`)
    parts.push(body.subarray(4 * rows))
  }
  return { bytes: concatBytes(...parts), offsets: Uint32Array.from(offsets) }
}

const readChains = async (reader: Reader, at: 'checkpoint' | 'view'): Promise<readonly StepHead[]> => {
  const { head, body } = await readEntry(reader, chainsShape)
  if (head.at !== at) throw malformed(`expected the chains at the ${at}`)
  return parseShape('evidence/malformed', `chains at the ${at}`, chainListShape, parseCanonical(body))
}

const readEvidence = async (reader: Reader): Promise<Evidence> => {
  if (!equalBytes(await reader.take(magic.length), magic)) throw malformed('it does not start as evidence')
  const { head, body } = await readEntry(reader, smallShape)
  if (body.length > 0) throw malformed('its first entry has a body')
  const { kind: _kind, input, frames, resources, ...rest } = head
  const { rows: size, ...commitment } = input
  const rows = await readRows(reader, size)
  const inbox: InboxFrame[] = []
  while (inbox.length < frames) {
    const frame = await readEntry(reader, frameShape)
    const { from, step, ordinal } = frame.head
    inbox.push({ from, step, ordinal, body: frame.body })
  }
  const reserved: ReservedRange[] = []
  while (reserved.length < resources) {
    const resource = await readEntry(reader, resourceShape)
    const { correlation, step, ordinal, count: units } = resource.head
    reserved.push({ correlation, step, ordinal, count: units, body: resource.body })
  }
  const chains = { checkpoint: await readChains(reader, 'checkpoint'), view: await readChains(reader, 'view') }
  const end = await readEntry(reader, endShape)
  if (end.body.length > 0 || !(await reader.atEnd())) throw malformed('something follows its end')
  return { ...rest, input: { ...commitment, rows }, inbox, resources: reserved, chains }
}

/** @throws TallyError evidence/malformed for anything but the image of {@link encodeEvidence} */
export const decodeEvidence = async (source: AsyncIterable<Uint8Array>): Promise<Evidence> => {
  try {
    return await readEvidence(createReader(source))
  } catch (cause) {
    if (!(cause instanceof TallyError) || cause.area !== 'decode') throw cause
    throw new TallyError('evidence/malformed', 'none', printable(`evidence: ${cause.message}`), {
      cause,
      remedy: 'ask the party for its evidence file again',
    })
  }
}

/** What a party adds to the material of its session. */
export interface EvidenceParts {
  readonly rows: Rows
  readonly datasetId: Hex
  readonly jobSaltKey: Uint8Array
  readonly package: string
  readonly code: Hex
  readonly disclosure: CountersignedDisclosure
}

/** The evidence of a party from what its session left and what it committed to; reads the whole inbox. */
export const assembleEvidence = (material: EvidenceMaterial, parts: EvidenceParts): Evidence => ({
  specHash: material.specHash,
  attempt: material.attempt,
  role: material.role,
  package: parts.package,
  code: parts.code,
  input: {
    rows: parts.rows,
    datasetId: parts.datasetId,
    jobSaltKey: toHex(parts.jobSaltKey),
    nonce: material.inputNonce,
  },
  seed: { value: material.seed, nonce: material.seedNonce },
  coin: { share: material.coin, nonce: material.coinNonce },
  inbox: [...material.inbox],
  resources: material.reserved,
  chains: material.chains,
  disclosure: parts.disclosure,
})
