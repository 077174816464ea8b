/** Web Workers, by comlink: started when first needed, one call at a time each. */
import * as comlink from 'comlink'
import { wasmEngine } from '../engine.ts'
import { type Crew, type Pool, poolOver, type PoolOptions, type Reply } from './pool.ts'

export { inlinePool } from './pool.ts'
export type { Pool, PoolOptions } from './pool.ts'

/** What `browser-worker.ts` exposes. */
export interface Service {
  serve(name: string, input: unknown): Promise<Reply>
}

interface Member {
  readonly service: comlink.Remote<Service>
  /** Rejects when the worker is terminated, its script cannot be loaded or throws outside of a call. */
  readonly broken: Promise<never>
  readonly terminate: (reason: Error) => void
}

function hire(): Member {
  const worker = new Worker(new URL('./browser-worker.ts', import.meta.url), { type: 'module' })
  const { promise: broken, reject } = Promise.withResolvers<never>()
  broken.catch(() => undefined)
  const terminate = (reason: Error): void => {
    worker.terminate()
    reject(reason)
  }
  worker.addEventListener('error', (event) => terminate(new Error(`kernel worker: ${event.message}`)))
  return { service: comlink.wrap<Service>(worker), broken, terminate }
}

export function browserPool(options: PoolOptions = {}): Pool {
  const { workers = navigator.hardwareConcurrency } = options
  const idle: Member[] = []
  const busy = new Set<Member>()
  const waiting: (() => void)[] = []

  const call: Crew['call'] = async (name, input, transfer, signal) => {
    while (busy.size >= workers) await new Promise<void>((resolve) => waiting.push(resolve))
    const member = idle.pop() ?? hire()
    busy.add(member)
    const stop = (): void => member.terminate(signal?.reason as Error)
    signal?.addEventListener('abort', stop, { once: true })
    try {
      const reply = await Promise.race([member.service.serve(name, comlink.transfer(input, transfer)), member.broken])
      idle.push(member)
      return reply
    } catch (error) {
      member.terminate(error as Error)
      throw error
    } finally {
      signal?.removeEventListener('abort', stop)
      busy.delete(member)
      waiting.shift()?.()
    }
  }

  const crew: Crew = {
    workers,
    call,
    [Symbol.asyncDispose]: async () => {
      for (const member of [...idle, ...busy]) member.terminate(new Error('disposed'))
    },
  }
  return poolOver(crew, wasmEngine, options)
}
