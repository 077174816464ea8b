/** Shapes of the kernels of the extension. @throws TallyError api/misuse in every check */
import { TallyError } from '@tallystick/core'
import type {
  Chosen,
  Known,
  ReceiveBitsInput,
  ReceiveProductsInput,
  SelectProductsInput,
  SendBitsInput,
  SendProductsInput,
} from './kernels.ts'

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

const checkChoices = ({ seeds, choices }: Chosen): void => {
  checkSeeds(seeds)
  require(choices.length % 16 === 0, () => `choices of whole blocks, found ${choices.length} bytes`)
}

const checkKnown = ({ seeds, delta, corrections: { length } }: Known): void => {
  checkSeeds(seeds)
  checkDelta(delta)
  require(length % (16 * chunks) === 0, () => `corrections of whole blocks a chunk, found ${length} bytes`)
}

export function checkReceiveBits(input: ReceiveBitsInput): ReceiveBitsInput {
  checkChoices(input)
  return input
}

export function checkSendBits(input: SendBitsInput): SendBitsInput {
  checkKnown(input)
  return input
}

/** Bytes of the masked differences of one product. */
export const productBytes = (bits: number): number => {
  let bytes = 0
  for (let k = 0; k < bits; k++) bytes += Math.ceil((64 - k) / 8)
  return bytes
}

const checkWidth = (bits: number): void =>
  require(Number.isInteger(bits) && bits >= 1 && bits <= 64, () => `1 to 64 bits, found ${bits}`)

/** Bytes of a bit for each row of n products, up to whole blocks. */
const blocksOf = (n: number, bits: number): number => 16 * Math.ceil((n * bits) / 128)

export function checkReceiveProducts(input: ReceiveProductsInput): ReceiveProductsInput {
  const { choices, bits, n } = input
  checkChoices(input)
  checkWidth(bits)
  const fits = Number.isInteger(n) && n >= 0 && choices.length === blocksOf(n, bits)
  require(fits, () => `choices of ${n} products of ${bits} bits, found ${choices.length} bytes`)
  return input
}

export function checkSendProducts(input: SendProductsInput): SendProductsInput {
  const { values, bits, corrections } = input
  checkKnown(input)
  checkWidth(bits)
  const fits = values.length % 2 === 0 && corrections.length === chunks * blocksOf(values.length / 2, bits)
  require(fits, () => `corrections of ${values.length} limbs by ${bits} bits, found ${corrections.length} bytes`)
  return input
}

export function checkSelectProducts(input: SelectProductsInput): SelectProductsInput {
  const { choices, products, bits, n } = input
  checkWidth(bits)
  const fits =
    Number.isInteger(n) && n >= 0 && 8 * choices.length >= n * bits && products.length === n * productBytes(bits)
  require(fits, () => {
    const found = `${choices.length} and ${products.length} bytes`
    return `choices and masked differences of ${n} products of ${bits} bits, found ${found}`
  })
  return input
}
