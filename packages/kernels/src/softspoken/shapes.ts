/** Shapes of the kernels of the extension. @throws TallyError api/misuse in every check */
import { TallyError } from '@tallystick/core'
import type { BitsInput, OwnProductsInput, PeerProductsInput, ReceiveInput, SendInput } from './kernels.ts'

export const chunkLeaves = 16
export const chunks = 32
const seedBytes = 16 * chunkLeaves * chunks

const require = (fits: boolean, message: () => string): void => {
  if (!fits) throw new TallyError('api/misuse', 'self', `softspoken: expected ${message()}`)
}

const checkSeeds = (seeds: Uint8Array): void =>
  require(seeds.length === seedBytes, () => `${seedBytes} bytes of seeds, found ${seeds.length}`)
const checkDelta = (delta: Uint8Array): void =>
  require(delta.length === 16, () => `a Delta of 16 bytes, found ${delta.length}`)

export function checkReceive(input: ReceiveInput): ReceiveInput {
  checkSeeds(input.seeds)
  require(input.choices.length % 16 === 0, () => `choices of whole blocks, found ${input.choices.length} bytes`)
  return input
}

export function checkSend(input: SendInput): SendInput {
  checkSeeds(input.seeds)
  checkDelta(input.delta)
  const { length } = input.corrections
  require(length % (16 * chunks) === 0, () => `corrections of whole blocks a chunk, found ${length} bytes`)
  return input
}

export function checkBits(input: BitsInput): BitsInput {
  checkDelta(input.delta)
  require(input.rows.length % 2048 === 0, () => `a multiple of 128 rows, found ${input.rows.length} bytes`)
  return input
}

/** Bytes of the corrections of one product. */
export const productBytes = (bits: number): number => {
  let bytes = 0
  for (let k = 0; k < bits; k++) bytes += Math.ceil((64 - k) / 8)
  return bytes
}

const checkWidth = (bits: number): void =>
  require(Number.isInteger(bits) && bits >= 1 && bits <= 64, () => `1 to 64 bits, found ${bits}`)

export function checkOwnProducts(input: OwnProductsInput): OwnProductsInput {
  const { rows, values, bits, delta } = input
  checkWidth(bits)
  checkDelta(delta)
  const fits = values.length % 2 === 0 && rows.length === 8 * bits * values.length
  require(fits, () => `${bits} rows a value, found ${rows.length} bytes for ${values.length} limbs`)
  return input
}

export function checkPeerProducts(input: PeerProductsInput): PeerProductsInput {
  const { rows, choices, corrections, bits } = input
  checkWidth(bits)
  const n = rows.length / 16 / bits
  const fits = Number.isInteger(n) && 8 * choices.length >= n * bits && corrections.length === n * productBytes(bits)
  require(fits, () => {
    const found = `${rows.length}, ${choices.length} and ${corrections.length} bytes`
    return `rows, choices and corrections of whole products of ${bits} bits, found ${found}`
  })
  return input
}
