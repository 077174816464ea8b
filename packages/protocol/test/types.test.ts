import { expect, it } from 'vitest'
import { u32 } from '@tallystick/core'
import type { Context, Routine } from '@tallystick/protocol'
import type { messages } from './masked-sum.ts'

it('a role can neither send nor receive what is not its own', () => {
  // Never run: the compiler is the test, and an error that is expected and missing is an error.
  const wrong = function* (ctx: Context<typeof messages, 'a'>): Routine<void> {
    yield* ctx.send('left', u32(0))
    // @ts-expect-error b sends it
    yield* ctx.send('right', u32(0))
    // @ts-expect-error b receives it
    yield* ctx.receive('left')
    // @ts-expect-error a word is bytes
    yield* ctx.send('left', 7)
    // @ts-expect-error it goes to b, whom nobody names
    yield* ctx.send('left', u32(0), 'b')
  }
  expect(wrong).toBeTypeOf('function')
})
