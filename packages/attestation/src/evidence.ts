/**
 * The replay evidence of one party in one attempt: all that its side of the protocol is a function of. It gives away the
 * party's whole input, so it exists in plain only in memory; in a file it is sealed to one auditor (see `seal.ts`).
 *
 * Plain form, so that hundreds of megabytes stream: the line `tallystick/evidence/1`, then entries
 *   u32 length ‖ canonical JSON head ‖ u32 length ‖ body
 * one of kind `evidence` (everything small, and how many of the others follow), `rows` (4096 rows each: their lengths in
 * 32 bits, then their bytes), `frame` (one received frame), `resource` (one reserved range of correlations), `end`.
 */
import {
  canonicalBytes,
  concatBytes,
  equalBytes,
  parseCanonical,
  readU32,
  TallyError,
  u32,
  utf8ToBytes,
  type Hex,
} from '@tallystick/core'
import { rowAt, rowCount, type Rows } from './dataset.ts'
import { count, hexOf, literal, recordOf, shapeOf, text, withCode, type Parse, type Parsed } from './shape.ts'

/** A frame as the party received it. */
export interface InboxFrame {
  readonly from: string
  readonly step: string
  readonly ordinal: number
  readonly body: Uint8Array
}

/** A range of preprocessed correlations as the party reserved it. */
export interface ReservedResource {
  readonly correlation: string
  readonly step: string
  readonly ordinal: number
  readonly count: number
  readonly body: Uint8Array
}

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
  readonly resources: readonly ReservedResource[]
  readonly disclosure: CountersignedDisclosure
}

const magic = utf8ToBytes('tallystick/evidence/1\n')
const rowsPerEntry = 4096
const maxHeadBytes = 1 << 20
const maxBodyBytes = 1 << 28

const parseSmall = shapeOf({
  kind: literal('evidence'),
  specHash: hexOf(32),
  attempt: count,
  role: text,
  package: text,
  code: hexOf(32),
  input: shapeOf({ datasetId: hexOf(32), jobSaltKey: hexOf(32), nonce: hexOf(32), rows: count }),
  seed: shapeOf({ value: hexOf(32), nonce: hexOf(32) }),
  coin: shapeOf({ share: hexOf(32), nonce: hexOf(32) }),
  disclosure: shapeOf({ role: text, attempt: count, auditor: hexOf(20), signatures: recordOf(hexOf(65)) }),
  frames: count,
  resources: count,
})
const parseRows = shapeOf({ kind: literal('rows'), count })
const parseFrame = shapeOf({ kind: literal('frame'), from: text, step: text, ordinal: count })
const parseResource = shapeOf({
  kind: literal('resource'),
  correlation: text,
  step: text,
  ordinal: count,
  count,
})
const parseEnd = shapeOf({ kind: literal('end') })

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
  const { input, inbox, resources, ...rest } = evidence
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

const readEntry = async <T>(reader: Reader, parse: Parse<T>): Promise<{ head: T; body: Uint8Array }> => {
  const headLength = readU32(await reader.take(4))
  if (headLength > maxHeadBytes) throw malformed(`an entry has a head of ${headLength} bytes`)
  const head = parse(parseCanonical(await reader.take(headLength)), 'entry')
  const bodyLength = readU32(await reader.take(4))
  if (bodyLength > maxBodyBytes) throw malformed(`an entry has a body of ${bodyLength} bytes`)
  return { head, body: await reader.take(bodyLength) }
}

const readRows = async (reader: Reader, size: number): Promise<Rows> => {
  const offsets = [0]
  const parts: Uint8Array[] = []
  let position = 0
  for (let from = 0; from < size; from += rowsPerEntry) {
    const { head, body } = await readEntry(reader, parseRows)
    const rows = Math.min(rowsPerEntry, size - from)
    const start = position
    if (head.count !== rows || body.length < 4 * rows) throw malformed(`expected ${rows} rows from row ${from} on`)
    for (let i = 0; i < rows; i++) offsets.push((position += readU32(body, 4 * i)))
    if (position - start !== body.length - 4 * rows) throw malformed(`the lengths of the rows from row ${from} on`)
    parts.push(body.subarray(4 * rows))
  }
  return { bytes: concatBytes(...parts), offsets: Uint32Array.from(offsets) }
}

const readEvidence = async (reader: Reader): Promise<Evidence> => {
  if (!equalBytes(await reader.take(magic.length), magic)) throw malformed('it does not start as evidence')
  const { head, body } = await readEntry(reader, parseSmall)
  if (body.length > 0) throw malformed('its first entry has a body')
  const { kind: _kind, input, frames, resources, ...rest }: Parsed<typeof parseSmall> = head
  const { rows: size, ...commitment } = input
  const rows = await readRows(reader, size)
  const inbox: InboxFrame[] = []
  while (inbox.length < frames) {
    const frame = await readEntry(reader, parseFrame)
    const { from, step, ordinal } = frame.head
    inbox.push({ from, step, ordinal, body: frame.body })
  }
  const reserved: ReservedResource[] = []
  while (reserved.length < resources) {
    const resource = await readEntry(reader, parseResource)
    const { correlation, step, ordinal, count: units } = resource.head
    reserved.push({ correlation, step, ordinal, count: units, body: resource.body })
  }
  const end = await readEntry(reader, parseEnd)
  if (end.body.length > 0 || !(await reader.atEnd())) throw malformed('something follows its end')
  return { ...rest, input: { ...commitment, rows }, inbox, resources: reserved }
}

/** @throws TallyError evidence/malformed for anything but the image of {@link encodeEvidence} */
export const decodeEvidence = async (source: AsyncIterable<Uint8Array>): Promise<Evidence> => {
  try {
    return await readEvidence(createReader(source))
  } catch (cause) {
    return withCode('evidence/malformed', 'evidence', () => {
      throw cause
    })
  }
}
