/** One pass over one set of connections: the first failure ends everything that waits in it. */
import { TallyError } from '@tallystick/core'
import type { Clock } from './clock.ts'

export interface Scope {
  /** Why the pass ended, once it has. */
  readonly failure: unknown
  readonly failed: boolean
  fail(error: unknown): void
  /** Called once with the failure; at once where it has happened. Returns a function that takes the call back. */
  onFail(call: (error: unknown) => void): () => void
  /** The promise, or the failure of the scope where that comes first. */
  guard<T>(promise: Promise<T>): Promise<T>
  /** Like {@link guard}, ending with `late()` after so many milliseconds. */
  within<T>(milliseconds: number, promise: Promise<T>, late: () => TallyError): Promise<T>
}

export const createScope = (clock: Clock): Scope => {
  let failed = false
  let failure: unknown
  const calls = new Set<(error: unknown) => void>()
  const scope: Scope = {
    get failure() {
      return failure
    },
    get failed() {
      return failed
    },
    fail(error) {
      if (failed) return
      failed = true
      failure = error
      const waiting = [...calls]
      calls.clear()
      for (const call of waiting) call(error)
    },
    onFail(call) {
      if (failed) call(failure)
      else calls.add(call)
      return () => calls.delete(call)
    },
    guard: (promise) =>
      new Promise((resolve, reject) => {
        const forget = scope.onFail(reject)
        promise.then(resolve, reject).finally(forget)
      }),
    within: (milliseconds, promise, late) =>
      new Promise((resolve, reject) => {
        const cancel = clock.after(milliseconds, () => reject(late()))
        scope.guard(promise).then(resolve, reject).finally(cancel)
      }),
  }
  return scope
}
