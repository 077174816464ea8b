/** References of the OPRF kernels, on the ristretto255 of @noble/curves (about 0.7 k rows/s). Not constant-time. */
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import type {
  BlindInput,
  CombineOutput,
  FinalizeInput,
  FinalizeOutput,
  HashInput,
  ScaleInput,
  ScaleOutput,
} from './kernels.ts'

const { Point } = ristretto255
type Point = InstanceType<typeof Point>

const fromLittleEndian = (bytes: Uint8Array): bigint => {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!)
  return value
}

const scalarAt = (scalars: Uint8Array, row: number): bigint =>
  fromLittleEndian(scalars.length === 32 ? scalars : scalars.subarray(32 * row, 32 * row + 32))

/** undefined for what is no element, or the neutral one. */
const decode = (bytes: Uint8Array): Point | undefined => {
  try {
    const point = Point.fromBytes(bytes)
    return point.is0() ? undefined : point
  } catch {
    return undefined
  }
}

const message = ({ bytes, offsets }: Pick<HashInput, 'bytes' | 'offsets'>, row: number): Uint8Array =>
  bytes.subarray(offsets[row], offsets[row + 1])

const hashRow = (input: HashInput, row: number): Point =>
  ristretto255_hasher.hashToCurve(message(input, row), { DST: input.dst })

/** n rows from a function of the row. */
const rowsOf = (n: number, width: number, row: (i: number) => Uint8Array): Uint8Array => {
  const out = new Uint8Array(width * n)
  for (let i = 0; i < n; i++) out.set(row(i), width * i)
  return out
}

export const hash = (input: HashInput): Uint8Array =>
  rowsOf(input.offsets.length - 1, 32, (row) => hashRow(input, row).toBytes())

export const blind = (input: BlindInput): Uint8Array =>
  rowsOf(input.offsets.length - 1, 32, (row) => hashRow(input, row).multiply(scalarAt(input.scalars, row)).toBytes())

export const scale = ({ scalars, points }: ScaleInput): ScaleOutput => {
  let bad = -1
  const out = rowsOf(points.length / 32, 32, (row) => {
    const point = decode(points.subarray(32 * row, 32 * row + 32))
    if (point !== undefined) return point.multiply(scalarAt(scalars, row)).toBytes()
    if (bad < 0) bad = row
    return new Uint8Array(32)
  })
  return { points: out, bad }
}

const output = (message: Uint8Array, element: Uint8Array): Uint8Array =>
  sha512
    .create()
    .update(Uint8Array.of(message.length >> 8, message.length))
    .update(message)
    .update(Uint8Array.of(0, 32))
    .update(element)
    .update(utf8ToBytes('Finalize'))
    .digest()

export const finalize = (input: FinalizeInput): FinalizeOutput => {
  const { points, bad } = scale(input)
  const outputs = rowsOf(points.length / 32, 64, (row) =>
    output(message(input, row), points.subarray(32 * row, 32 * row + 32)),
  )
  return { outputs, bad }
}

export const evaluate = (input: BlindInput): Uint8Array => {
  const points = blind(input)
  return rowsOf(points.length / 32, 64, (row) => output(message(input, row), points.subarray(32 * row, 32 * row + 32)))
}

export const combine = ({ scalars, points }: ScaleInput): CombineOutput => {
  let sum = Point.ZERO
  for (let row = 0; row < points.length / 32; row++) {
    const point = decode(points.subarray(32 * row, 32 * row + 32))
    if (point === undefined) return { point: new Uint8Array(32), bad: row }
    sum = sum.add(point.multiply(fromLittleEndian(scalars.subarray(32 * row, 32 * row + 32))))
  }
  return { point: sum.toBytes(), bad: -1 }
}
