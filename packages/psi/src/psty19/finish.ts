/** From shares of sums to what the terms let a role learn. */
import { TallyError } from '@tallystick/core'
import { productReceive, productSend } from '@tallystick/ot'
import type { Routine } from '@tallystick/protocol'
import type { Role } from '../ecdh/messages.ts'
import { misbehaved } from '../rr22/steps.ts'
import { enough, scaleShares, type Ctx, type Opened } from './blocks.ts'
import { bigOf, wordsOf } from './elements.ts'
import {
  counts,
  crossPairs,
  crossWidths,
  limbBits,
  ownLimbs,
  ownSums,
  type Parameters,
  type Valued,
} from './messages.ts'
import { concat } from './vectors.ts'

/** Whole numbers as decimal text: they may be beyond 2^53. */
export type Whole = string

export type Outcome =
  | { readonly kind: 'none' }
  /** Fewer rows are common than the terms ask for. */
  | { readonly kind: 'withheld' }
  | { readonly kind: 'cardinality'; readonly size: number }
  /** A sum a column, of the receiver's columns and then of the sender's. */
  | { readonly kind: 'sums'; readonly sums: readonly Whole[] }
  /** Columns are the receiver's and then the sender's; `products` are the sums of x_i x_j for i <= j, row by row. */
  | {
      readonly kind: 'moments'
      readonly size: number
      readonly sums: readonly Whole[]
      readonly products: readonly Whole[]
    }

export const failed = (): TallyError =>
  new TallyError('session/aborted', 'self', 'the rows cannot be encoded under this salt (probability 2^-40)', {
    remedy: 'start a new attempt: it draws a new salt',
  })

/** @throws TallyError input/malformed for another number of values, or one that is not whole or has too many bits. */
export const checkValues = ({ sizes, columns, bits }: Parameters, role: Role, { values }: Valued): void => {
  const malformed = (text: string): TallyError =>
    new TallyError('input/malformed', 'self', text, {
      remedy: 'correct the column, or agree on terms with more bits or decimals',
    })
  const expected = sizes[role] * columns[role].length
  if (values.length !== expected) throw malformed(`expected ${expected} values, found ${values.length}`)
  for (let i = 0; i < values.length; i++) {
    const fits = Number.isInteger(values[i]!) && values[i]! >= 0 && values[i]! < 2 ** bits
    if (!fits) throw malformed(`expected whole values of ${bits} bits, found another in row ${i % sizes[role]}`)
  }
}

/** How many sums of elements there are, in the order in which both roles have them. */
const sumCount = (parameters: Parameters): number =>
  (counts(parameters) ? 1 : 0) +
  ownSums(parameters, 'receiver') +
  ownSums(parameters, 'sender') +
  crossPairs(parameters) * crossWidths(parameters).length

/** Sums that count: not the number of common rows where only sums are asked for. */
export const neededSums = (parameters: Parameters): number =>
  sumCount(parameters) - (parameters.output === 'sum' && counts(parameters) ? 1 : 0)

/** Words of one opened number: sums of products need more than 64 bits. */
const numberWords = ({ output }: Parameters): number => (output === 'statistics' ? 4 : 2)

const openedNumbers = (parameters: Parameters): number => {
  const { output, columns } = parameters
  const all = columns.receiver.length + columns.sender.length
  return output === 'statistics' ? 1 + all + (all * (all + 1)) / 2 : neededSums(parameters)
}

/** Words of `opened`. */
export const openedWords = (parameters: Parameters): number =>
  numberWords(parameters) * openedNumbers(parameters) + (parameters.minimum > 0 ? 1 : 0)

/**
 * Limbs to numbers: the count, the columns of both roles, the products row by row of the triangle. Linear, so it takes
 * shares to shares.
 */
const combined = (parameters: Parameters, sums: readonly bigint[]): bigint[] => {
  const { columns, bits } = parameters
  const [r, s] = [columns.receiver.length, columns.sender.length]
  const [size, ...rest] = sums
  const own = rest.splice(0, ownSums(parameters, 'receiver'))
  const theirs = rest.splice(0, ownSums(parameters, 'sender'))
  const firsts = [...own.splice(0, r), ...theirs.splice(0, s)]
  const [limbs, width] = [ownLimbs(parameters), limbBits(parameters)]
  const product = (from: bigint[]): bigint =>
    from.splice(0, limbs).reduce((sum, limb, i) => sum + (limb << BigInt(i * width)), 0n)
  const widths = crossWidths(parameters)
  const cross = (): bigint =>
    rest.splice(0, widths.length).reduce((sum, limb, i) => sum + (limb << BigInt(i * Math.min(widths[0]!, bits))), 0n)
  const rows: bigint[] = []
  for (let i = 0; i < r; i++) {
    for (let j = i; j < r; j++) rows.push(product(own))
    for (let j = 0; j < s; j++) rows.push(cross())
  }
  for (let i = 0; i < (s * (s + 1)) / 2; i++) rows.push(product(theirs))
  return [size!, ...firsts, ...rows]
}

/**
 * From shares modulo 2^64 of numbers below 2^63 to shares modulo 2^128: two such shares wrap around exactly if one of them
 * has its highest bit set, which takes one product of two bits each.
 */
function* widened(ctx: Ctx, { transfers }: Opened, shares: Uint32Array): Routine<bigint[]> {
  const n = shares.length / 2
  const low = new Uint32Array(2 * n)
  const choices = new Uint8Array(Math.ceil(n / 8))
  for (let i = 0; i < n; i++) {
    const clear = (shares[2 * i + 1]! >>> 31) ^ 1
    low[2 * i] = clear
    choices[i >> 3]! |= clear << (i & 7)
  }
  const { first } = transfers
  const neither = first
    ? yield* productSend(ctx, transfers, low, 1)
    : yield* productReceive(ctx, transfers, choices, n, 1)
  // Less 2^64 where they wrap: 1 - neither.
  return Array.from({ length: n }, (_, i) => {
    const part = (words: Uint32Array): bigint => bigOf(words.subarray(2 * i, 2 * i + 2))
    return part(shares) + ((part(neither) - (first ? 1n : 0n)) << 64n)
  })
}

/** The opened numbers by what they are. */
const outcomeOf = ({ output, columns }: Parameters, values: readonly bigint[]): Outcome => {
  if (output === 'cardinality') return { kind: 'cardinality', size: Number(values[0]) }
  const text = values.map((value): Whole => value.toString())
  if (output === 'sum') return { kind: 'sums', sums: text }
  const end = 1 + columns.receiver.length + columns.sender.length
  return { kind: 'moments', size: Number(values[0]), sums: text.slice(1, end), products: text.slice(end) }
}

/** Own shares of what is to be opened, in words, and of whether there are enough rows. */
function* prepared(ctx: Ctx, opened: Opened, parameters: Parameters, sums: readonly Uint32Array[]) {
  const { minimum, output } = parameters
  let shares = concat(sums.slice(sumCount(parameters) - neededSums(parameters)))
  let bit: number[] = []
  if (minimum > 0) {
    bit = [yield* enough(ctx.narrow('minimum'), opened, sums[0]!, minimum)]
    shares = yield* scaleShares(ctx.narrow('withhold'), opened, bit[0]!, shares)
  }
  if (output !== 'statistics') return { bit, shares }
  const wide = yield* widened(ctx.narrow('widen'), opened, shares)
  return { bit, shares: wordsOf(combined(parameters, wide), numberWords(parameters)) }
}

/** Compares with the minimum, widens, signs, opens. */
export function* finish(
  ctx: Ctx,
  opened: Opened,
  parameters: Parameters,
  sums: readonly Uint32Array[],
): Routine<Outcome> {
  const { to } = parameters
  const peer: Role = ctx.role === 'receiver' ? 'sender' : 'receiver'
  const { bit, shares } = yield* prepared(ctx, opened, parameters, sums)
  yield* ctx.checkpoint()
  const own = Uint32Array.from([...shares, ...bit])
  if (to === 'both' || to === peer) yield* ctx.send('opened', own, peer)
  if (to === peer) return { kind: 'none' }
  const theirs = yield* ctx.receive('opened', peer)
  if (theirs.length !== own.length) {
    throw misbehaved(peer, `shares of the outcome: expected ${own.length} words, found ${theirs.length}`)
  }
  if (bit.length > 0 && ((bit[0]! ^ theirs[theirs.length - 1]!) & 1) === 0) return { kind: 'withheld' }
  const words = numberWords(parameters)
  const modulus = 1n << BigInt(32 * words)
  const values = Array.from({ length: shares.length / words }, (_, i) => {
    const [a, b] = [shares, theirs].map((part) => bigOf(part.subarray(words * i, words * (i + 1))))
    return (a! + b!) % modulus
  })
  return outcomeOf(parameters, values)
}
