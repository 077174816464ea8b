/** One pass over one set of connections: the first failure ends everything that waits in it. */

export interface Scope {
  /** Why the pass ended, once it has. */
  readonly failure: unknown
  readonly failed: boolean
  fail(error: unknown): void
  /** Called once with the failure; at once where it has happened. Returns a function that takes the call back. */
  onFail(call: (error: unknown) => void): () => void
}

export const createScope = (): Scope => {
  let failed = false
  let failure: unknown
  const calls = new Set<(error: unknown) => void>()
  return {
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
  }
}
