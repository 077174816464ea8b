/** Turns: so many calls are under way at once, so many wait, in order; who comes then is refused. */
import { TallyError } from '@tallystick/core'

const overrun = (queue: number): TallyError =>
  new TallyError('api/misuse', 'self', `expected at most ${queue} waiting calls of rlwe/evaluate, found one more`, {
    remedy: 'wait for the results of earlier calls, or ask for a longer queue',
  })

/** @throws TallyError (of what it gives) api/misuse for one more than may wait; the signal's reason to who waits */
export const createTurns = (most: number, queue: number) => {
  let free = most
  const waiting: (() => void)[] = []
  const next = (): void => {
    const first = waiting.shift()
    if (first) first()
    else free++
  }
  const turn = (signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve, reject) => {
      const forget = (): void => {
        waiting.splice(waiting.indexOf(go), 1)
        reject(signal!.reason as Error)
      }
      const go = (): void => {
        signal?.removeEventListener('abort', forget)
        resolve()
      }
      signal?.addEventListener('abort', forget, { once: true })
      waiting.push(go)
    })
  return async <T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
    signal?.throwIfAborted()
    if (free > 0) free--
    else {
      if (waiting.length >= queue) throw overrun(queue)
      await turn(signal)
    }
    try {
      return await work()
    } finally {
      next()
    }
  }
}

export const disposed = (): TallyError =>
  new TallyError('api/misuse', 'self', 'expected a pool in use, found it disposed')

/**
 * A task in one worker and, where that one breaks, in another, once.
 * @param stopped throws where the failure is no worker's: the pool was disposed of, the call aborted
 * @throws TallyError invariant/broken where two workers in turn broke
 */
export const twice = async <T>(
  attempt: () => Promise<T>,
  stopped: () => void,
  onBroken: ((cause: unknown) => void) | undefined,
): Promise<T> => {
  const broke = (cause: unknown): void => {
    stopped()
    onBroken?.(cause)
  }
  return await attempt()
    .catch((cause: unknown) => {
      broke(cause)
      return attempt()
    })
    .catch((cause: unknown) => {
      broke(cause)
      const message = 'rlwe/evaluate failed in two workers, one after the other'
      throw new TallyError('invariant/broken', 'self', message, { cause })
    })
}
