/**
 * Worker threads of Node, by piscina: started when first needed, stopped after idling, never holding the process. What
 * piscina leaves open is closed here: a task that waits while the only worker ends (stopped by an abort, killed, or not
 * yet ready) would wait for ever, since no other is started for it.
 */
import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'

export interface ThreadOptions {
  /** Module whose default export does a task. */
  readonly filename: string
  readonly workers: number
  /** Milliseconds after which an idle worker stops. */
  readonly idle: number
  /** Megabytes of a worker's JavaScript heap; Node's default unless given. */
  readonly memory?: number | undefined
}

export interface Threads extends AsyncDisposable {
  /**
   * Does a task in some worker. Give no more at once than there are workers: who waits is lost with the worker.
   * @throws the signal's reason once it is aborted, also in mid-task; an error where the worker ended or the task threw
   */
  run(task: unknown, transfer: ArrayBuffer[], signal: AbortSignal | undefined): Promise<unknown>
  running(): readonly Worker[]
}

/** Where the process keeps compiled code; a thread does not look there by itself, and is ready in half of the time. */
const compiled = (): Record<string, string> => {
  const folder = getCompileCacheDir()
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) }
}

export const workerThreads = ({ filename, workers, idle, memory }: ThreadOptions): Threads => {
  const pool = new Piscina({
    filename,
    minThreads: 0,
    maxThreads: workers,
    idleTimeout: idle,
    // Workers need nothing else of the environment, and must not inherit inspector or loader flags.
    env: compiled(),
    execArgv: [],
    ...(memory !== undefined && { resourceLimits: { maxOldGenerationSizeMb: memory } }),
  })
  // A worker that dies while it has no task is replaced by the next task that needs one.
  pool.on('error', () => undefined)
  let stranded = new AbortController()
  pool.on('workerDestroy', () =>
    queueMicrotask(() => {
      if (pool.queueSize === 0 || pool.threads.length > 0) return
      stranded.abort(new Error('the worker ended before it was ready'))
      stranded = new AbortController()
    }),
  )
  return {
    run(task, transferList, signal) {
      const until = signal === undefined ? stranded.signal : AbortSignal.any([signal, stranded.signal])
      return pool.run(task, { transferList, signal: until }) as Promise<unknown>
    },
    running: () => pool.threads,
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}
