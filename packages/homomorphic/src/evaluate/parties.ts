/** The three roles of `homomorphic/evaluate`, and what they send. */
import { TallyError, type Codec } from '@tallystick/core'
import { message, opening, type Context, type Party, type Routine } from '@tallystick/protocol'
import { checkedColumn, resultsOf, type Columns, type OpenedSlots } from '../operators/columns.ts'
import type { Ground } from '../operators/ground.ts'
import { generateKeys, publishKeys, receiveKeys, type PublicKeys } from '../operators/keys.ts'
import {
  encryptionCoins,
  encryptPublic,
  evaluate,
  openResults,
  receiveTile,
  sendResult,
  type Results,
} from '../operators/run.ts'
import { ownerOf, programPlan, type Parameters } from './plan.ts'

export interface OwnerInput {
  /** rows × columns integers in the last decimal of their column, row by row. */
  readonly values: Int32Array
}

export interface ReceiverOutput {
  /** A number a place, by the name of the output; null where a result did not decrypt, which only this side knows. */
  readonly results: Results | null
}

/** Two components modulo all primes of the widest ring, and a header. */
const bounded: Codec<Uint8Array> = {
  maxBytes: 64 + 2 * 32_768 * 18 * 7,
  encode: (bytes) => bytes,
  decode: (bytes) => bytes,
}

/** Owners stand for themselves: `each` sends `values`, and only owners have any. */
export const messages = {
  /** Of each ring, seeds and then the public key. */
  key: message('receiver', 'each', bounded),
  /** Of each ring, a frame a digit of each switching key. */
  switching: message('receiver', 'compute', bounded),
  /** A tile of a column in one ring, in the order of the plan. */
  values: message('each', 'compute', bounded),
  /** A masked result. */
  results: opening('compute', 'receiver', bounded),
} as const

type Ctx<R extends string> = Context<typeof messages, R>

const groundOf = <R extends string>(ctx: Ctx<R>): Ground => ({
  compute: (kernel, input) => ctx.compute(kernel, input),
  join: (...branches) => ctx.join(...branches.map((branch) => (inner: Ctx<R>) => branch(groundOf(inner)))),
})

/** The columns of an owner's table. @throws TallyError input/malformed, input/invalid-value */
export const columnsFrom = (parameters: Parameters, owner: string, { values }: OwnerInput): Columns => {
  const { program, columns, sizes } = parameters
  const [names, rows] = [columns[owner]!, sizes[owner]!]
  if (values.length !== names.length * rows) {
    const found = `found ${values.length} values`
    throw new TallyError('input/malformed', 'self', `expected ${rows} rows of ${names.length} columns, ${found}`)
  }
  return Object.fromEntries(
    names.map((name, j) => {
      const column = program.inputs[name]!
      const unit = 10 ** (column.decimals ?? 0)
      const own = Float64Array.from({ length: rows }, (_, row) => values[row * names.length + j]! / unit)
      return [name, checkedColumn(name, column, own)]
    }),
  )
}

export const owner: Party<typeof messages, string, Parameters, OwnerInput, null> = function* (ctx, parameters, input) {
  const plan = programPlan(parameters)
  const columns = columnsFrom(parameters, ctx.role, input)
  const [on, coins] = [groundOf(ctx), ctx.rng]
  for (const ring of plan.rings) {
    const keys = yield* receiveKeys(on, ring, new Uint32Array(), () => ctx.receive('key'), 'receiver')
    for (const [position, { name }] of plan.inputs.entries()) {
      if (ownerOf(parameters, name) !== ctx.role) continue
      const frame = yield* encryptPublic(on, plan, keys, position, columns, coins.bytes(encryptionCoins))
      yield* ctx.send('values', frame)
    }
  }
  yield* ctx.checkpoint()
  return null
}

/** Two frames of a ring's keys go to all, the rest to who computes. */
function* receiveAllKeys(ctx: Ctx<'compute'>, on: Ground, parameters: Parameters): Routine<readonly PublicKeys[]> {
  const plan = programPlan(parameters)
  const all: PublicKeys[] = []
  for (const ring of plan.rings) {
    let frames = 0
    const next = (): Routine<Uint8Array> => (frames++ < 2 ? ctx.receive('key') : ctx.receive('switching'))
    all.push(yield* receiveKeys(on, ring, plan.targets, next, 'receiver'))
  }
  return all
}

export const compute: Party<typeof messages, 'compute', Parameters, null, null> = function* (ctx, parameters) {
  const plan = programPlan(parameters)
  const [on, coins] = [groundOf(ctx), ctx.rng]
  const keys = yield* receiveAllKeys(ctx, on, parameters)
  const frames: Uint8Array[] = []
  for (const own of keys) {
    const tile = function* (position: number) {
      const from = ownerOf(parameters, plan.inputs[position]!.name)
      return yield* receiveTile(on, plan, own, position, yield* ctx.receive('values', from), from)
    }
    const results = yield* evaluate(on, plan, own, tile)
    for (const [position, result] of results.entries()) {
      frames.push(yield* sendResult(on, plan, own, position, result, coins))
    }
  }
  yield* ctx.checkpoint()
  for (const frame of frames) yield* ctx.send('results', frame)
  return null
}

export const receiver: Party<typeof messages, 'receiver', Parameters, null, ReceiverOutput> = function* (
  ctx,
  parameters,
) {
  const plan = programPlan(parameters)
  const on = groundOf(ctx)
  const keys = generateKeys(plan, ctx.rng)
  for (const [i, ring] of plan.rings.entries()) {
    const [seeds, publicKey, ...switching] = yield* publishKeys(on, ring, plan.targets, keys[i]!)
    for (const frame of [seeds!, publicKey!]) for (const peer of ctx.peers) yield* ctx.send('key', frame, peer)
    for (const frame of switching) yield* ctx.send('switching', frame)
  }
  yield* ctx.checkpoint()
  const slots: (OpenedSlots | undefined)[] = []
  for (const [i, ring] of plan.rings.entries()) {
    slots.push(yield* openResults(on, plan, ring, keys[i]!, () => ctx.receive('results'), 'compute', ctx.rng))
  }
  // What does not decrypt answers a question about the plaintext: no peer learns that it did not.
  const opened = slots.filter((own) => own !== undefined)
  return { results: opened.length === slots.length ? resultsOf(plan, opened) : null }
}
