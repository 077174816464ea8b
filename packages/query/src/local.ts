/** Runs a routine that only computes, at once, in this thread: preparation and building outside of any session. */
import { TallyError } from '@tallystick/core'
import { runKernel, type Context, type Engine, type Routine } from '@tallystick/protocol'

/** The context of such a routine. */
export const computing: Pick<Context<any, any>, 'compute'> = {
  *compute(kernel, input) {
    return yield { kind: 'compute', step: `local/${kernel.name}`, kernel, input }
  },
}

/** @throws TallyError api/misuse for a routine that asks for more than a computation */
export const runLocally = <T>(routine: Routine<T>, engine: Engine): T => {
  let next = routine.next()
  while (next.done !== true) {
    const effect = next.value
    if (effect.kind !== 'compute') {
      throw new TallyError('api/misuse', 'self', `expected a routine that only computes, found ${effect.kind}`)
    }
    next = routine.next(runKernel(engine, effect.kernel, effect.input))
  }
  return next.value
}
