/** The three messages of psi.js, to and from bytes. */
import { concatBytes, TallyError } from '@tallystick/core'
import { p256PointBytes } from '@tallystick/kernels'
import { field, fields, scalarBytes, type Value } from './protobuf.ts'
import { mostHashes, rowsOf, type Setup } from './structures.ts'

export interface Request {
  readonly reveal: boolean
  /** Rows of 33 bytes. */
  readonly points: Uint8Array
}

const malformed = (what: string, expected: string): TallyError =>
  new TallyError('decode/malformed', 'none', `${what}: expected ${expected}`)

const pointOf = (value: Value, what: string): Uint8Array => {
  const bytes = value as Uint8Array
  if (bytes.length === p256PointBytes) return bytes
  throw malformed(what, `points of ${p256PointBytes} bytes, found one of ${bytes.length}`)
}

const repeated = (tag: number, points: Uint8Array): Uint8Array =>
  concatBytes(...rowsOf(points).map((row) => field(tag, row)))

export const encodeRequest = ({ reveal, points }: Request): Uint8Array =>
  concatBytes(field(1, reveal ? 1n : 0n), repeated(2, points))

/** @throws TallyError decode/* */
export const decodeRequest = (bytes: Uint8Array): Request => {
  let reveal = 0n
  const points: Uint8Array[] = []
  for (const [tag, value] of fields(bytes, { 1: 'varint', 2: 'bytes' }, 'a request')) {
    if (tag === 1) reveal = value as bigint
    else points.push(pointOf(value, 'a request'))
  }
  if (reveal > 1n) throw malformed('a request', 'a flag of 0 or 1')
  return { reveal: reveal === 1n, points: concatBytes(...points) }
}

export const encodeResponse = (points: Uint8Array): Uint8Array => repeated(1, points)

/** @throws TallyError decode/* */
export const decodeResponse = (bytes: Uint8Array): Uint8Array =>
  concatBytes(...Array.from(fields(bytes, { 1: 'bytes' }, 'a response'), ([, value]) => pointOf(value, 'a response')))

export const encodeSetup = (setup: Setup): Uint8Array => {
  if (setup.kind === 'raw') return field(1, repeated(1, concatBytes(...setup.points)))
  if (setup.kind === 'gcs') {
    const { div, range, bits } = setup
    return field(2, concatBytes(field(1, BigInt(div)), field(2, range), scalarBytes(3, bits)))
  }
  return field(3, concatBytes(field(1, BigInt(setup.hashes)), scalarBytes(2, setup.bits)))
}

const decodeGcs = (body: Uint8Array): Setup => {
  const what = 'a Golomb-coded set'
  let [div, range, bits] = [0n, 0n, new Uint8Array()]
  for (const [tag, value] of fields(body, { 1: 'varint', 2: 'varint', 3: 'bytes' }, what)) {
    if (tag === 1) div = value as bigint
    else if (tag === 2) range = value as bigint
    else bits = Uint8Array.from(value as Uint8Array)
  }
  if (div > 62n) throw malformed(what, 'a parameter from 0 to 62')
  if (range < 1n || range >= 2n ** 63n) throw malformed(what, 'a range from 1 to 2^63 - 1')
  return { kind: 'gcs', div: Number(div), range, bits }
}

const decodeBloom = (body: Uint8Array): Setup => {
  const what = 'a Bloom filter'
  let [hashes, bits] = [0n, new Uint8Array()]
  for (const [tag, value] of fields(body, { 1: 'varint', 2: 'bytes' }, what)) {
    if (tag === 1) hashes = value as bigint
    else bits = Uint8Array.from(value as Uint8Array)
  }
  if (hashes < 1n || hashes > mostHashes) throw malformed(what, `from 1 to ${mostHashes} hashes, found ${hashes}`)
  if (bits.length === 0) throw malformed(what, 'bits, found none')
  return { kind: 'bloom-filter', hashes: Number(hashes), bits }
}

const decodeRaw = (body: Uint8Array): Setup => ({
  kind: 'raw',
  points: Array.from(fields(body, { 1: 'bytes' }, 'a set of points'), ([, value]) => pointOf(value, 'a set of points')),
})

/** @throws TallyError decode/* */
export const decodeSetup = (bytes: Uint8Array): Setup => {
  const found = Array.from(fields(bytes, { 1: 'bytes', 2: 'bytes', 3: 'bytes' }, 'a setup message'))
  const [first] = found
  if (first === undefined || found.length > 1)
    throw malformed('a setup message', `one structure, found ${found.length}`)
  const [tag, body] = first as [number, Uint8Array]
  return tag === 1 ? decodeRaw(body) : tag === 2 ? decodeGcs(body) : decodeBloom(body)
}
