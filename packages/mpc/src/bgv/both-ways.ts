/** Both directions side by side. Branch 0 is the one in which the first end asks, so that steps are alike on both ends. */
import type { Routine } from '@tallystick/protocol'
import type { Ctx } from './session.ts'

export function* bothWays<S, T>(
  ctx: Ctx,
  first: boolean,
  ask: (branch: Ctx) => Routine<S>,
  reply: (branch: Ctx) => Routine<T>,
): Routine<[asked: S, replied: T]> {
  if (first) return yield* ctx.join(ask, reply)
  const [replied, asked] = yield* ctx.join(reply, ask)
  return [asked, replied]
}
