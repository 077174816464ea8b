/**
 * Fibers: the routine of a party and the branches of its joins, each run until it waits for something. One queue and no
 * recursion, so ten thousand joins in a row need no stack; a long turn lets timers and sockets have their say.
 */
import type { Effect, Routine } from '@tallystick/protocol'
import type { Clock } from './clock.ts'

export interface Fiber {
  readonly routine: Routine<unknown>
  readonly finish: (value: unknown) => void
}

/** What an effect gives that is answered later. */
export const parked = Symbol('parked')

export interface Fibers {
  /** Fibers that wait for a promise. */
  readonly busy: number
  readonly ended: boolean
  spawn(routine: Routine<unknown>, finish: (value: unknown) => void): void
  answer(fiber: Fiber, value: unknown): void
  raise(fiber: Fiber, error: unknown): void
  /** Goes on when the promise settles. */
  wait(fiber: Fiber, promise: Promise<unknown>): typeof parked
  /** Runs the branches; the fiber goes on with all their values. */
  join(fiber: Fiber, branches: readonly Routine<unknown>[]): unknown
  /** Runs what can run. What becomes runnable meanwhile joins the queue. */
  turn(): void
  end(): void
}

export interface FibersOptions {
  readonly clock: Clock
  /** The answer to an effect, {@link parked}, or an error to be thrown into the routine. */
  readonly perform: (fiber: Fiber, effect: Effect) => unknown
  /** An error that a routine let through. */
  readonly onError: (error: unknown) => void
  /** Nothing can run. */
  readonly onIdle: () => void
}

/** A fiber that can go on: with the value, or with the value thrown. */
interface Runnable {
  readonly fiber: Fiber
  readonly value: unknown
  readonly failed: boolean
}

const sliceMilliseconds = 50
const effectsPerLook = 256

export const createFibers = ({ clock, perform, onError, onIdle }: FibersOptions): Fibers => {
  const queue: Runnable[] = []
  let first = 0
  const state = { running: false, ended: false, busy: 0 }

  /** One fiber, until it waits for something or the turn is over. */
  const advance = ({ fiber, value: given, failed }: Runnable, until: number): void => {
    const { routine } = fiber
    let next = failed ? routine.throw(given) : routine.next(given)
    for (let effects = 1; !state.ended; effects++) {
      if (next.done === true) return fiber.finish(next.value)
      let value: unknown
      let failure = false
      try {
        value = perform(fiber, next.value)
      } catch (error) {
        value = error
        failure = true
      }
      if (state.ended || value === parked) return
      const late = effects % effectsPerLook === 0 && clock.now() > until
      if (late) return failure ? fibers.raise(fiber, value) : fibers.answer(fiber, value)
      next = failure ? routine.throw(value) : routine.next(value)
    }
  }
  const take = (): Runnable | undefined => {
    const next = queue[first]
    if (next === undefined) return undefined
    first++
    if (first === queue.length) {
      queue.length = 0
      first = 0
    } else if (first === 1024) {
      queue.splice(0, first)
      first = 0
    }
    return next
  }

  const fibers: Fibers = {
    get busy() {
      return state.busy
    },
    get ended() {
      return state.ended
    },
    spawn: (routine, finish) => void queue.push({ fiber: { routine, finish }, value: undefined, failed: false }),
    answer: (fiber, value) => void queue.push({ fiber, value, failed: false }),
    raise: (fiber, error) => void queue.push({ fiber, value: error, failed: true }),
    wait(fiber, promise) {
      state.busy++
      const go = (value: unknown, failed: boolean): void => {
        state.busy--
        if (state.ended) return
        queue.push({ fiber, value, failed })
        fibers.turn()
      }
      promise.then(
        (value) => go(value, false),
        (error: unknown) => go(error, true),
      )
      return parked
    },
    join(fiber, branches) {
      if (branches.length === 0) return []
      const values: unknown[] = Array.from({ length: branches.length })
      let left = branches.length
      branches.forEach((routine, i) =>
        fibers.spawn(routine, (value) => {
          values[i] = value
          if (--left === 0) fibers.answer(fiber, values)
        }),
      )
      return parked
    },
    turn() {
      if (state.running || state.ended) return
      state.running = true
      const until = clock.now() + sliceMilliseconds
      try {
        let next = take()
        while (next !== undefined && !state.ended) {
          advance(next, until)
          if (queue.length > 0 && clock.now() > until) {
            clock.after(0, fibers.turn)
            return
          }
          next = take()
        }
        if (!state.ended) onIdle()
      } catch (error) {
        onError(error)
      } finally {
        state.running = false
      }
    },
    end() {
      state.ended = true
      queue.length = 0
      first = 0
    },
  }
  return fibers
}
