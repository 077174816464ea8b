/** The labels of the evaluator's input bits, by random transfers in batches side by side and one correction a bit. */
import { TallyError } from '@tallystick/core'
import { correlatedCost, randomReceive, randomSend } from '@tallystick/ot'
import type { BlockCost, RandomSent } from '@tallystick/ot'
import type { Context, Routine } from '@tallystick/protocol'
import { activate } from './bits.ts'
import { labelBytes, receiveFrames, sendFrames, type Messages } from './messages.ts'

const batchRows = 2 ** 20
/** 256 MiB of labels, and as much of corrections. */
const maxEvaluatorBits = 2 ** 24

const batchesOf = (bits: number): readonly number[] =>
  Array.from({ length: Math.ceil(bits / batchRows) }, (_, i) => Math.min(batchRows, bits - i * batchRows))

const optionsOf = (n: number) => ({ n, security: 'semi-honest' }) as const

/** Of the transfers alone, without the corrections. */
export const transferCost = (bits: number): BlockCost => {
  const costs = batchesOf(bits).map((n) => correlatedCost(optionsOf(n)))
  const total = (of: (cost: BlockCost) => number): number => costs.reduce((sum, cost) => sum + of(cost), 0)
  return {
    rounds: costs.reduce((most, { rounds }) => Math.max(most, rounds), 0),
    bytes: total(({ bytes }) => bytes),
    coins: { sender: total(({ coins }) => coins.sender), receiver: total(({ coins }) => coins.receiver) },
  }
}

/** The labels of 0 of the evaluator's input bits. */
export function* offerLabels(ctx: Context<Messages, 'garbler'>, bits: number, delta: Uint8Array): Routine<Uint8Array> {
  const pairs: readonly RandomSent[] = yield* ctx.join(
    ...batchesOf(bits).map(
      (n) => (branch: Context<Messages, 'garbler'>) => randomSend(branch, 'evaluator', optionsOf(n)),
    ),
  )
  const labels = new Uint8Array(labelBytes * bits)
  const corrections = new Uint8Array(labelBytes * bits)
  let at = 0
  for (const { zero, one } of pairs) {
    labels.set(zero, at)
    for (let i = 0; i < zero.length; i++, at++) corrections[at] = zero[i]! ^ one[i]! ^ delta[i % labelBytes]!
  }
  yield* sendFrames(corrections, (frame) => ctx.send('corrections', frame))
  return labels
}

/** The labels of the evaluator's input bits as they are: of 0, plus Δ where the bit is 1. */
export function* takeLabels(
  ctx: Context<Messages, 'evaluator'>,
  bits: number,
  choices: Uint8Array,
): Routine<Uint8Array> {
  const parts: readonly Uint8Array[] = yield* ctx.join(
    ...batchesOf(bits).map((n, i) => (branch: Context<Messages, 'evaluator'>) => {
      const own = choices.subarray((i * batchRows) / 8, (i * batchRows + n + 7) >> 3)
      return randomReceive(branch, 'garbler', optionsOf(n), own)
    }),
  )
  const corrections = yield* receiveFrames('garbler', 'corrections', labelBytes * bits, () =>
    ctx.receive('corrections'),
  )
  const labels = new Uint8Array(labelBytes * bits)
  let at = 0
  for (const part of parts) {
    labels.set(part, at)
    at += part.length
  }
  activate(labels, labels, choices, 0, (i) => corrections.subarray(labelBytes * i, labelBytes * (i + 1)))
  return labels
}

/** @throws TallyError terms/malformed where the evaluator brings more bits than fit in memory. */
export const checkEvaluatorBits = (bits: number): void => {
  if (bits <= maxEvaluatorBits) return
  const message = `expected at most ${maxEvaluatorBits} input bits of the evaluator in all, found ${bits}`
  throw new TallyError('terms/malformed', 'self', message, { remedy: 'run fewer instances in one session' })
}
