/**
 * Web Workers for programs over ciphertexts: one SEAL a worker, by comlink. The same pool as on Node (`node.ts`): only
 * `rlwe/evaluate` goes to SEAL, all else to the kernels' own workers; calls wait in a bounded queue; an abort ends a
 * busy worker; one that breaks is replaced, and its call tried once more. What a caller brings is copied, by the clone that a
 * message is, unless it lies in a SharedArrayBuffer; results are transferred.
 *
 * In a bundle: SEAL comes as a module of WebAssembly (`seal_allows.wasm`) that Vite emits beside the worker.
 */
import { TallyError } from '@tallystick/core'
import type { RingCiphertext, RlweEvaluateInput } from '@tallystick/kernels'
import { browserPool, type Pool } from '@tallystick/kernels/pool/browser'
import type { Kernel } from '@tallystick/protocol'
import * as comlink from 'comlink'
import type { Reply, Task } from './task.ts'
import { createTurns, disposed, twice } from './turns.ts'

/** What `browser-worker.ts` exposes. */
export interface Service {
  evaluate(task: Task): Promise<Reply>
}

export interface BrowserSealPoolOptions {
  /** Workers with a SEAL of their own, 1 or more; the number of cores unless given. */
  readonly workers?: number
  /** Calls of `rlwe/evaluate` that may wait; 1024 unless given. */
  readonly queue?: number
  /** Told of each worker that broke over a call. */
  readonly onBroken?: (cause: unknown) => void
  /** Where all other kernels run, disposed of with this pool; a `browserPool` unless given. */
  readonly kernels?: Pool
}

interface Member {
  readonly service: comlink.Remote<Service>
  /** Rejects when the worker is ended, its script cannot be loaded or throws outside of a call. */
  readonly broken: Promise<never>
  readonly end: (reason: unknown) => void
}

const hire = (): Member => {
  const worker = new Worker(new URL('./browser-worker.ts', import.meta.url), { type: 'module' })
  const { promise: broken, reject } = Promise.withResolvers<never>()
  broken.catch(() => undefined)
  const end = (reason: unknown): void => {
    worker.terminate()
    reject(reason)
  }
  worker.addEventListener('error', (event) => end(new Error(`SEAL worker: ${event.message}`)))
  return { service: comlink.wrap<Service>(worker), broken, end }
}

/**
 * A pool of kernels with SEAL in it, for pages.
 * @throws TallyError (of `run`) api/misuse for a wrong program, a full queue, a disposed pool; invariant/broken where two
 *   workers in turn broke on one call; the signal's reason once it is aborted, also in mid-call
 */
export const browserSealPool = (options: BrowserSealPoolOptions = {}): Pool => {
  const { workers = navigator.hardwareConcurrency, queue = 1024, onBroken } = options
  const kernels = options.kernels ?? browserPool({ workers })
  const inTurn = createTurns(workers, queue)
  const idle: Member[] = []
  const busy = new Set<Member>()
  let open = true

  const attempt = async (task: Task, signal: AbortSignal | undefined): Promise<Reply> => {
    const member = idle.pop() ?? hire()
    busy.add(member)
    const stop = (): void => member.end(signal!.reason)
    signal?.addEventListener('abort', stop, { once: true })
    try {
      const reply = await Promise.race([member.service.evaluate(task), member.broken])
      idle.push(member)
      return reply
    } catch (error) {
      member.end(error)
      throw error
    } finally {
      signal?.removeEventListener('abort', stop)
      busy.delete(member)
    }
  }

  const evaluate = async (task: Task, signal: AbortSignal | undefined): Promise<readonly RingCiphertext[]> => {
    const stopped = (): void => {
      if (!open) throw disposed()
      signal?.throwIfAborted()
    }
    stopped()
    const reply = await twice(() => attempt(task, signal), stopped, onBroken)
    if ('output' in reply) return reply.output
    const { code, blame, message, remedy } = reply.error
    throw new TallyError(code, blame, message, remedy === undefined ? {} : { remedy })
  }

  return {
    workers,
    run<I, O>(kernel: Kernel<I, O>, input: I, signal?: AbortSignal): Promise<O> {
      if (kernel.name !== 'rlwe/evaluate') return kernels.run(kernel, input, signal)
      const task = input as RlweEvaluateInput
      return (open ? inTurn(() => evaluate(task, signal), signal) : Promise.reject(disposed())) as Promise<O>
    },
    async [Symbol.asyncDispose]() {
      if (!open) return
      open = false
      for (const member of [...idle, ...busy]) member.end(disposed())
      await kernels[Symbol.asyncDispose]()
    },
  }
}
