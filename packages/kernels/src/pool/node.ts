/** Worker threads of Node: `threads.ts` says how they live. */
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { nodeEngine } from '../native/engine.ts'
import { type Crew, type Pool, poolOver, type PoolOptions, type Reply } from './pool.ts'
import { workerThreads } from './threads.ts'

export { inlinePool } from './pool.ts'
export type { Pool, PoolOptions } from './pool.ts'
export { workerThreads, type ThreadOptions, type Threads } from './threads.ts'

export interface NodePoolOptions extends PoolOptions {
  /** Milliseconds after which an idle worker stops; 30,000 unless given. */
  readonly idle?: number
  /** Megabytes of a worker's JavaScript heap; Node's default unless given. */
  readonly memory?: number
}

export interface NodePool extends Pool {
  /** The threads that run now. */
  threads(): readonly Worker[]
}

export function nodePool(options: NodePoolOptions = {}): NodePool {
  const { workers = availableParallelism(), idle = 30_000, memory } = options
  const filename = new URL('./node-worker.ts', import.meta.url).href
  const threads = workerThreads({ filename, workers, idle, memory })
  const crew: Crew = {
    workers,
    call: (name, input, transfer, signal) => threads.run({ name, input }, transfer, signal) as Promise<Reply>,
    [Symbol.asyncDispose]: () => threads[Symbol.asyncDispose](),
  }
  return { ...poolOver(crew, nodeEngine, options), threads: () => threads.running() }
}
