/** Worker threads of Node, by piscina: started when first needed, stopped after idling, never holding the process. */
import { availableParallelism } from 'node:os'
import { Piscina } from 'piscina'
import { nodeEngine } from '../native/engine.ts'
import { type Crew, type Pool, poolOver, type PoolOptions, type Reply } from './pool.ts'

export { inlinePool } from './pool.ts'
export type { Pool, PoolOptions } from './pool.ts'

export interface NodePoolOptions extends PoolOptions {
  /** Milliseconds after which an idle worker stops; 30,000 unless given. */
  readonly idle?: number
}

export function nodePool(options: NodePoolOptions = {}): Pool {
  const { workers = availableParallelism(), idle = 30_000, inlineBelow } = options
  const threads = new Piscina({
    filename: new URL('./node-worker.ts', import.meta.url).href,
    minThreads: 0,
    maxThreads: workers,
    idleTimeout: idle,
    // Workers need nothing of the environment, and must not inherit inspector or loader flags.
    env: {},
    execArgv: [],
  })
  const crew: Crew = {
    workers,
    call: (name, input, transferList, signal) =>
      threads.run({ name, input }, { transferList, ...(signal && { signal }) }) as Promise<Reply>,
    [Symbol.asyncDispose]: () => threads.destroy(),
  }
  return poolOver(crew, nodeEngine, inlineBelow)
}
