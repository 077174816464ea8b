/** Time as the session needs it; a test brings a faster one. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls once after so many milliseconds, unless cancelled by the function returned. */
  after(milliseconds: number, call: () => void): () => void
}

/** Timers take at most this many milliseconds; a longer one would fire at once. */
const longest = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, call) {
    const timer = setTimeout(call, Math.min(milliseconds, longest))
    return () => clearTimeout(timer)
  },
}

/** The time of a clock as the record writes it: `2026-05-04T03:02:01.000Z`. */
export const timestamp = (clock: Clock): string => new Date(clock.now()).toISOString()

export const pause = (clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = (): void => {
      cancel()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const cancel = clock.after(milliseconds, end)
    signal.addEventListener('abort', end, { once: true })
  })
