/** From shares of sums to what the terms let a role learn. */
import { TallyError } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import type { Role } from '../ecdh/messages.ts'
import { misbehaved } from '../rr22/steps.ts'
import { enough, scaleShares, type Ctx, type Opened } from './blocks.ts'
import { addRing, bigOf } from './elements.ts'
import { counts, crossPairs, ownSums, type Parameters, type Valued } from './messages.ts'
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

/** How many sums there are, in the order in which both roles have them. */
export const sumCount = (parameters: Parameters): number =>
  (counts(parameters) ? 1 : 0) +
  ownSums(parameters, 'receiver') +
  ownSums(parameters, 'sender') +
  crossPairs(parameters)

/** Sums that are opened: not the number of common rows where only sums are asked for. */
export const openedSums = (parameters: Parameters): number =>
  sumCount(parameters) - (parameters.output === 'sum' && counts(parameters) ? 1 : 0)

/** Words of `opened`. */
export const openedWords = (parameters: Parameters): number =>
  2 * openedSums(parameters) + (parameters.minimum > 0 ? 1 : 0)

/** The opened sums by what they are. */
const outcomeOf = (parameters: Parameters, opened: readonly Uint32Array[]): Outcome => {
  const { output, columns } = parameters
  const values = opened.map(bigOf)
  if (output === 'cardinality') return { kind: 'cardinality', size: Number(values[0]) }
  const text = (value: bigint | undefined): Whole => value!.toString()
  const [r, s] = [columns.receiver.length, columns.sender.length]
  if (output === 'sum') return { kind: 'sums', sums: values.map(text) }
  const [size, ...rest] = values
  const own = rest.slice(0, ownSums(parameters, 'receiver'))
  const theirs = rest.slice(own.length, own.length + ownSums(parameters, 'sender'))
  const cross = rest.slice(own.length + theirs.length)
  const [ownPairs, theirPairs] = [own.slice(r), theirs.slice(s)]
  // Row i of the triangle: the pairs within the receiver's columns, then those with the sender's.
  const products: bigint[] = []
  for (let i = 0; i < r; i++) products.push(...ownPairs.splice(0, r - i), ...cross.splice(0, s))
  products.push(...theirPairs)
  return {
    kind: 'moments',
    size: Number(size),
    sums: [...own.slice(0, r), ...theirs.slice(0, s)].map(text),
    products: products.map(text),
  }
}

/** Compares with the minimum, signs, opens. */
export function* finish(
  ctx: Ctx,
  opened: Opened,
  parameters: Parameters,
  sums: readonly Uint32Array[],
): Routine<Outcome> {
  const { minimum, to } = parameters
  const peer: Role = ctx.role === 'receiver' ? 'sender' : 'receiver'
  let shares = concat(sums.slice(sumCount(parameters) - openedSums(parameters)))
  let bit: number[] = []
  if (minimum > 0) {
    bit = [yield* enough(ctx.narrow('minimum'), opened, sums[0]!, minimum)]
    shares = yield* scaleShares(ctx.narrow('withhold'), opened, bit[0]!, shares)
  }
  yield* ctx.checkpoint()
  const own = Uint32Array.from([...shares, ...bit])
  if (to === 'both' || to === peer) yield* ctx.send('opened', own, peer)
  if (to === peer) return { kind: 'none' }
  const theirs = yield* ctx.receive('opened', peer)
  if (theirs.length !== own.length) {
    throw misbehaved(peer, `shares of the outcome: expected ${own.length} words, found ${theirs.length}`)
  }
  if (bit.length > 0 && ((bit[0]! ^ theirs.at(-1)!) & 1) === 0) return { kind: 'withheld' }
  addRing(shares, theirs.subarray(0, shares.length))
  return outcomeOf(
    parameters,
    Array.from({ length: shares.length / 2 }, (_, i) => shares.subarray(2 * i, 2 * i + 2)),
  )
}
