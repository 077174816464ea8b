/** A protocol small enough to break on purpose: two parties learn the sum of their words, masks opened at the end. */
import { fixedBytes, readU32, u32 } from '@tallystick/core'
import { defineProtocol, message, opening, type AnyProtocol, type Context, type Routine } from '@tallystick/protocol'

const word = fixedBytes(4)

export const messages = {
  left: message('a', 'b', word),
  right: message('b', 'a', word),
  leftMask: opening('a', 'b', word),
  rightMask: opening('b', 'a', word),
} as const

type Inputs = { a: number; b: number }

/** A context whose message table is forgotten, for protocols that are put together at run time. */
export interface Ctx extends Omit<Context<any, any>, 'receive' | 'join' | 'narrow'> {
  narrow(step: string): Ctx
  receive(name: string): Routine<Uint8Array>
  join<T>(...branches: readonly ((ctx: Ctx) => Routine<T>)[]): Routine<T[]>
}

const add = (x: number, y: number): number => (x + y) >>> 0

export const maskedSum = defineProtocol<'a' | 'b', typeof messages, { rounds: 1 }, Inputs, Inputs>({
  id: 'test/masked-sum',
  version: 1,
  roles: ['a', 'b'],
  messages,
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 128,
    statistical: 128,
    assumptions: [],
    refusal: 'learns the sum alone',
  },
  leakage: { a: 'nothing', b: 'nothing' },
  parameters: () => ({ rounds: 1 }),
  cost: () => ({ rounds: 2, bytes: 16, coins: { a: 4, b: 4 }, correlations: {} }),
  ideal: (_, { a, b }) => ({ a: add(a, b), b: add(a, b) }),
  parties: {
    *a(ctx, _, x) {
      const mask = readU32(ctx.rng.bytes(4))
      yield* ctx.send('left', u32(add(x, mask)))
      const right = readU32(yield* ctx.receive('right'))
      yield* ctx.checkpoint()
      yield* ctx.send('leftMask', u32(mask))
      return add(x, right - readU32(yield* ctx.receive('rightMask')))
    },
    *b(ctx, _, y) {
      const mask = readU32(ctx.rng.bytes(4))
      yield* ctx.send('right', u32(add(y, mask)))
      const left = readU32(yield* ctx.receive('left'))
      yield* ctx.checkpoint()
      yield* ctx.send('rightMask', u32(mask))
      return add(y, left - readU32(yield* ctx.receive('leftMask')))
    },
  },
})

/** The same protocol with some of it replaced. */
export const broken = (changes: Partial<AnyProtocol>): AnyProtocol => ({ ...(maskedSum as AnyProtocol), ...changes })

export const sumCase = {
  name: 'two words',
  parameters: { rounds: 1 as const },
  inputs: { a: 5, b: 7 },
  alternative: { a: 1, b: 9 },
}
