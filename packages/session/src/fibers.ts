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
  /** Goes on with what the call gives, or with what it throws. */
  attempt(fiber: Fiber, call: () => unknown): void
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

const sliceMilliseconds = 50
const effectsPerLook = 256

export const createFibers = ({ clock, perform, onError, onIdle }: FibersOptions): Fibers => {
  type Next = () => IteratorResult<Effect, unknown>
  const queue: { readonly fiber: Fiber; readonly resume: Next }[] = []
  const state = { running: false, ended: false, busy: 0 }
  const schedule = (fiber: Fiber, resume: Next): void => {
    queue.push({ fiber, resume })
  }

  /** One fiber, until it waits for something or the turn is over. */
  const advance = (fiber: Fiber, resume: Next, until: number): void => {
    const { routine } = fiber
    let next = resume()
    for (let effects = 1; !state.ended; effects++) {
      if (next.done === true) return fiber.finish(next.value)
      let value: unknown
      let failure: { readonly error: unknown } | undefined
      try {
        value = perform(fiber, next.value)
      } catch (error) {
        failure = { error }
      }
      if (state.ended || value === parked) return
      const late = effects % effectsPerLook === 0 && clock.now() > until
      if (late) return failure === undefined ? fibers.answer(fiber, value) : fibers.raise(fiber, failure.error)
      next = failure === undefined ? routine.next(value) : routine.throw(failure.error)
    }
  }

  const fibers: Fibers = {
    get busy() {
      return state.busy
    },
    get ended() {
      return state.ended
    },
    spawn: (routine, finish) => schedule({ routine, finish }, () => routine.next()),
    answer: (fiber, value) => schedule(fiber, () => fiber.routine.next(value)),
    raise: (fiber, error) => schedule(fiber, () => fiber.routine.throw(error)),
    attempt: (fiber, call) =>
      schedule(fiber, () => {
        let value: unknown
        try {
          value = call()
        } catch (error) {
          return fiber.routine.throw(error)
        }
        return fiber.routine.next(value)
      }),
    wait(fiber, promise) {
      state.busy++
      const go = (resume: Next): void => {
        state.busy--
        if (state.ended) return
        schedule(fiber, resume)
        fibers.turn()
      }
      promise.then(
        (value) => go(() => fiber.routine.next(value)),
        (error: unknown) => go(() => fiber.routine.throw(error)),
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
        let next = queue.shift()
        while (next !== undefined && !state.ended) {
          advance(next.fiber, next.resume, until)
          if (queue.length > 0 && clock.now() > until) {
            clock.after(0, fibers.turn)
            return
          }
          next = queue.shift()
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
    },
  }
  return fibers
}
