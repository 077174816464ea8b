/** Being told to stop: Ctrl-C, a service manager, or the parent process having gone. */
import { TallyError } from '@tallystick/core'

const controller = new AbortController()
let armed = false

const stop = (why: string) => (): void =>
  controller.abort(
    new TallyError('session/cancelled', 'self', `stopped: ${why}`, {
      remedy: 'run the same command again when you like: what was begun goes on where it was',
    }),
  )

/** Aborted at the first request to stop; the second one ends the process at once. */
export const stopSignal = (): AbortSignal => {
  if (armed) return controller.signal
  armed = true
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => {
      stop(`this process was told to (${name})`)()
      process.once(name, () => process.exit(130))
    })
  }
  return controller.signal
}

/** For a process that another started with a channel: it ends with that one, however that ended, but not later. */
export const endWithParent = (): void => {
  if (process.channel === undefined || process.channel === null) return
  process.once('disconnect', () => (armed ? stop('the parent process has ended')() : process.exit(130)))
  process.channel.unref()
}

/** Resolves when the process is told to stop. */
export const interrupted = (): Promise<void> => {
  const signal = stopSignal()
  const { promise, resolve } = Promise.withResolvers<void>()
  // A signal handler alone does not keep the process.
  const alive = setInterval(() => {}, 1 << 30)
  signal.addEventListener('abort', () => resolve(), { once: true })
  if (signal.aborted) resolve()
  return promise.finally(() => clearInterval(alive))
}
