/** References: plain loops over bits and bigints. */
import { hash, stream } from '../aes/reference.ts'
import { bits as transpose } from '../transpose/reference.ts'
import type {
  Chosen,
  Known,
  ReceiveBitsInput,
  ReceiveBitsOutput,
  ReceiveProductsInput,
  ReceiveProductsOutput,
  SelectProductsInput,
  SendBitsInput,
  SendBitsOutput,
  SendProductsInput,
  SendProductsOutput,
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

function receive({ seeds, choices }: Chosen) {
  const width = choices.length
  const { next, sums, columns } = stretch(seeds, width)
  for (let chunk = 0; chunk < chunks; chunk++) addTo(sums.subarray(chunk * width, (chunk + 1) * width), choices)
  return { corrected: { corrections: sums, seeds: next }, rows: rowsOf(columns) }
}

function send({ seeds, delta, corrections }: Known) {
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
  return { seeds: next, rows: rowsOf(columns) }
}

const zero = new Uint8Array(16)
const hashes = (rows: Uint8Array, delta: Uint8Array): Uint8Array =>
  hash({ blocks: rows.map((byte, i) => byte ^ delta[i & 15]!) })

function lowBits(hashed: Uint8Array): Uint32Array {
  const out = new Uint32Array(hashed.length / 512)
  for (let i = 0; i < hashed.length / 16; i++) out[i >> 5]! |= (hashed[16 * i]! & 1) << (i & 31)
  return out
}
const lowHalves = (hashed: Uint8Array): BigUint64Array =>
  new BigUint64Array(hashed.slice().buffer).filter((_, i) => i % 2 === 0)
const limbs = (elements: BigUint64Array): Uint32Array => new Uint32Array(elements.buffer)

export function receiveBits(input: ReceiveBitsInput): ReceiveBitsOutput {
  const { corrected, rows } = receive(input)
  return { ...corrected, hashes: lowBits(hashes(rows, zero)) }
}

export function sendBits(input: SendBitsInput): SendBitsOutput {
  const { seeds, rows } = send(input)
  return { zero: lowBits(hashes(rows, zero)), one: lowBits(hashes(rows, input.delta)), seeds }
}

export function receiveProducts(input: ReceiveProductsInput): ReceiveProductsOutput {
  const { corrected, rows } = receive(input)
  const h = lowHalves(hashes(rows, zero))
  const shares = new BigUint64Array(input.n)
  for (let i = 0; i < input.n; i++) {
    for (let k = 0; k < input.bits; k++) shares[i]! += h[i * input.bits + k]! << BigInt(k)
  }
  return { ...corrected, shares: limbs(shares) }
}

export function sendProducts(input: SendProductsInput): SendProductsOutput {
  const { delta, values, bits: width } = input
  const { seeds, rows } = send(input)
  const [h0, h1] = [lowHalves(hashes(rows, zero)), lowHalves(hashes(rows, delta))]
  const n = values.length / 2
  const products = new Uint8Array(n * productBytes(width))
  const shares = new BigUint64Array(n)
  const own = new BigUint64Array(values.slice().buffer)
  let at = 0
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < width; k++) {
      let masked = BigInt.asUintN(64, h0[i * width + k]! - h1[i * width + k]! + own[i]!)
      for (let rest = Math.ceil((64 - k) / 8); rest > 0; rest--, masked >>= 8n) products[at++] = Number(masked & 255n)
      shares[i]! -= h0[i * width + k]! << BigInt(k)
    }
  }
  return { products, shares: limbs(shares), seeds }
}

export function selectProducts({ choices, products, bits: width, n }: SelectProductsInput): Uint32Array {
  const shares = new BigUint64Array(n)
  let at = 0
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < width; k++) {
      const place = i * width + k
      const bytes = Math.ceil((64 - k) / 8)
      let masked = 0n
      for (let j = bytes - 1; j >= 0; j--) masked = (masked << 8n) | BigInt(products[at + j]!)
      at += bytes
      const choice = BigInt((choices[place >> 3]! >> (place & 7)) & 1)
      shares[i]! += (choice * masked) << BigInt(k)
    }
  }
  return limbs(shares)
}
