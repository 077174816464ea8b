/** References: plain loops over bits and bigints. */
import { hash, stream } from '../aes/reference.ts'
import { bits as transpose } from '../transpose/reference.ts'
import type {
  BitsInput,
  OwnProductsInput,
  OwnProductsOutput,
  PeerProductsInput,
  ReceiveInput,
  ReceiveOutput,
  SendInput,
  SendOutput,
} from './kernels.ts'
import { chunkLeaves, chunks, productBytes } from './shapes.ts'

const addTo = (target: Uint8Array, source: Uint8Array): void => {
  for (let i = 0; i < target.length; i++) target[i]! ^= source[i]!
}

/** Next states; the sum of each chunk's vectors; the sum of those whose leaf has bit b, as column 4 · chunk + b. */
function stretch(seeds: Uint8Array, width: number) {
  const next = new Uint8Array(seeds.length)
  const sums = new Uint8Array(chunks * width)
  const columns = new Uint8Array(128 * width)
  for (let i = 0; i < chunks * chunkLeaves; i++) {
    const derived = stream(seeds.slice(16 * i, 16 * i + 16), 16 + width)
    next.set(derived.subarray(0, 16), 16 * i)
    const vector = derived.subarray(16)
    const [chunk, leaf] = [Math.floor(i / chunkLeaves), i % chunkLeaves]
    addTo(sums.subarray(chunk * width, (chunk + 1) * width), vector)
    for (let bit = 0; bit < 4; bit++) {
      const column = 4 * chunk + bit
      if ((leaf >> bit) & 1) addTo(columns.subarray(column * width, (column + 1) * width), vector)
    }
  }
  return { next, sums, columns }
}

const rowsOf = (columns: Uint8Array): Uint8Array =>
  columns.length === 0 ? new Uint8Array() : transpose({ rows: columns, height: 128 })

export function receive({ seeds, choices }: ReceiveInput): ReceiveOutput {
  const width = choices.length
  const { next, sums, columns } = stretch(seeds, width)
  for (let chunk = 0; chunk < chunks; chunk++) addTo(sums.subarray(chunk * width, (chunk + 1) * width), choices)
  return { corrections: sums, rows: rowsOf(columns), seeds: next }
}

export function send({ seeds, delta, corrections }: SendInput): SendOutput {
  const width = corrections.length / chunks
  const { next, sums, columns } = stretch(seeds, width)
  for (let column = 0; column < 128; column++) {
    if (((delta[column >> 3]! >> (column & 7)) & 1) === 0) continue
    const target = columns.subarray(column * width, (column + 1) * width)
    const chunk = column >> 2
    // The leaves whose bit differs from Delta's: their complement, and the correction. Delta's own leaf cancels.
    addTo(target, sums.subarray(chunk * width, (chunk + 1) * width))
    addTo(target, corrections.subarray(chunk * width, (chunk + 1) * width))
  }
  return { rows: rowsOf(columns), seeds: next }
}

const hashes = (rows: Uint8Array, delta: Uint8Array): Uint8Array =>
  hash({ blocks: rows.map((byte, i) => byte ^ delta[i & 15]!) })

export function bits({ rows, delta }: BitsInput): Uint32Array {
  const hashed = hashes(rows, delta)
  const out = new Uint32Array(rows.length / 512)
  for (let i = 0; i < rows.length / 16; i++) out[i >> 5]! |= (hashed[16 * i]! & 1) << (i & 31)
  return out
}

const zero = new Uint8Array(16)
const low = (hashed: Uint8Array): BigUint64Array =>
  new BigUint64Array(hashed.slice().buffer).filter((_, i) => i % 2 === 0)

export function ownProducts({ rows, delta, values, bits: width }: OwnProductsInput): OwnProductsOutput {
  const [h0, h1] = [low(hashes(rows, zero)), low(hashes(rows, delta))]
  const n = values.length / 2
  const corrections = new Uint8Array(n * productBytes(width))
  const shares = new BigUint64Array(n)
  const own = new BigUint64Array(values.slice().buffer)
  let at = 0
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < width; k++) {
      let masked = BigInt.asUintN(64, h0[i * width + k]! - h1[i * width + k]! + own[i]!)
      for (let rest = Math.ceil((64 - k) / 8); rest > 0; rest--, masked >>= 8n) {
        corrections[at++] = Number(masked & 255n)
      }
      shares[i]! -= h0[i * width + k]! << BigInt(k)
    }
  }
  return { corrections, shares: new Uint32Array(shares.buffer) }
}

export function peerProducts({ rows, choices, corrections, bits: width }: PeerProductsInput): Uint32Array {
  const h = low(hashes(rows, zero))
  const n = h.length / width
  const shares = new BigUint64Array(n)
  let at = 0
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < width; k++) {
      const place = i * width + k
      const bytes = Math.ceil((64 - k) / 8)
      let masked = 0n
      for (let j = bytes - 1; j >= 0; j--) masked = (masked << 8n) | BigInt(corrections[at + j]!)
      at += bytes
      const choice = BigInt((choices[place >> 3]! >> (place & 7)) & 1)
      shares[i]! += (h[place]! + choice * masked) << BigInt(k)
    }
  }
  return new Uint32Array(shares.buffer)
}
