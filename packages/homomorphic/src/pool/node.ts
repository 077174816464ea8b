/**
 * Worker threads for programs over ciphertexts: one SEAL a thread, by piscina. It is a pool of kernels like any other;
 * only `rlwe/evaluate` goes to SEAL, everything else (keys, encryption, decryption among it) to the kernels' own pool, so
 * that no thread which computes on a partner's ciphertexts ever holds a secret key.
 *
 * One call a worker is copied and under way, and `queue` calls wait; who comes then is refused, so that memory is bounded
 * by what callers hold themselves. Ciphertexts of a caller stay its own: they are copied once, into memory that goes to the
 * worker and comes back with the results, or not at all where they lie in a SharedArrayBuffer; results are transferred.
 * Switching keys are put into shared memory once, and each worker loads them once, by their digest. A worker that is
 * killed, runs out of memory or fails in any way that is no `TallyError` is thrown away, and its call is tried once more in
 * another.
 */
import { availableParallelism } from 'node:os'
import type { Worker } from 'node:worker_threads'
import { TallyError } from '@tallystick/core'
import type { Kernel } from '@tallystick/protocol'
import type { RingCiphertext, RlweEvaluateInput, SwitchKeys } from '@tallystick/kernels'
import { nodePool, workerThreads, type Pool } from '@tallystick/kernels/pool'
import { headroomBytes } from '../seal/format.ts'
import type { Reply, Task } from './task.ts'
import { createTurns, disposed, twice } from './turns.ts'

export interface SealPoolOptions {
  /** Threads with a SEAL of their own, 1 or more; the number of cores unless given. */
  readonly workers?: number
  /** Milliseconds after which an idle worker stops; 30,000 unless given (a context takes about a second to make). */
  readonly idle?: number
  /** Calls of `rlwe/evaluate` that may wait; 1024 unless given. */
  readonly queue?: number
  /** Megabytes of a worker's JavaScript heap (SEAL's own memory and ciphertexts are not in it); Node's default unless given. */
  readonly memory?: number
  /** Told of each worker that broke over a call. */
  readonly onBroken?: (cause: unknown) => void
  /** Where all other kernels run, disposed of with this pool; a `nodePool` unless given. */
  readonly kernels?: Pool
}

export interface SealPool extends Pool {
  /** The threads that run now. */
  threads(): readonly Worker[]
}

/** Sets of keys that stay in shared memory: those of the youngest jobs. */
const keptKeys = 4

const shared = (values: BigUint64Array): BigUint64Array => {
  if (values.buffer instanceof SharedArrayBuffer) return values
  const out = new BigUint64Array(new SharedArrayBuffer(values.byteLength))
  out.set(values)
  return out
}

interface Residues {
  readonly residues: BigUint64Array
}

/**
 * Memory for what a call brings, which goes to the worker, is read there in place, comes back with the reply and serves
 * later calls. It is not shared: SEAL's loads start at odd bytes, which V8 copies out of shared memory one by one.
 */
const createArenas = () => {
  const free: ArrayBuffer[] = []
  return {
    /** Ciphertexts and plaintexts in memory to be given away; what lies in shared memory stays where it is. */
    take(input: RlweEvaluateInput): { readonly task: Task; readonly arena: ArrayBuffer } {
      const local = [...input.inputs, ...input.plains].filter(
        ({ residues }) => !(residues.buffer instanceof SharedArrayBuffer),
      )
      const bytes = local.reduce((sum, { residues }) => sum + headroomBytes + residues.byteLength, 0)
      let arena = free.pop() ?? new ArrayBuffer(bytes)
      if (arena.byteLength < bytes) arena = new ArrayBuffer(bytes)
      let at = 0
      const put = <T extends Residues>(value: T): T => {
        if (value.residues.buffer instanceof SharedArrayBuffer) return value
        at += headroomBytes
        const residues = new BigUint64Array(arena, at, value.residues.length)
        residues.set(value.residues)
        at += residues.byteLength
        return { ...value, residues }
      }
      return { task: { ...input, inputs: input.inputs.map(put), plains: input.plains.map(put), arena }, arena }
    },
    give: (arena: ArrayBuffer | undefined): void => void (arena && free.push(arena)),
  }
}

/** Shared copies of keys by their digest. */
const createKeyring = () => {
  const ring = new Map<string, SwitchKeys>()
  return (keys: SwitchKeys): SwitchKeys => {
    if (keys.targets.length === 0) return keys
    if (keys.id === '') {
      throw new TallyError('api/misuse', 'self', 'rlwe/evaluate: expected keys with their digest as id, found none')
    }
    const known = ring.get(keys.id) ?? { ...keys, first: shared(keys.first), second: shared(keys.second) }
    ring.delete(keys.id)
    ring.set(keys.id, known)
    for (const id of ring.keys()) {
      if (ring.size <= keptKeys) break
      ring.delete(id)
    }
    return known
  }
}

/**
 * A pool of kernels with SEAL in it.
 * @throws TallyError (of `run`) api/misuse for a wrong program, a full queue, a disposed pool; invariant/broken where two
 *   workers in turn broke on one call; the signal's reason once it is aborted, also in mid-call
 */
export const sealPool = (options: SealPoolOptions = {}): SealPool => {
  const { workers = availableParallelism(), idle = 30_000, queue = 1024, memory, onBroken } = options
  const kernels = options.kernels ?? nodePool({ workers })
  const filename = new URL('./node-worker.ts', import.meta.url).href
  const threads = workerThreads({ filename, workers, idle, memory })
  const keyring = createKeyring()
  // No more than are at work: what waits inside piscina is lost with a worker that an abort stops.
  const inTurn = createTurns(workers, queue)
  let open = true

  const arenas = createArenas()
  const attempt = async (input: RlweEvaluateInput, signal: AbortSignal | undefined): Promise<Reply> => {
    const { task, arena } = arenas.take(input)
    const reply = (await threads.run(task, [arena], signal)) as Reply
    // A worker that broke keeps what it got.
    arenas.give(reply.arena)
    return reply
  }

  const evaluate = async (
    input: RlweEvaluateInput,
    signal: AbortSignal | undefined,
  ): Promise<readonly RingCiphertext[]> => {
    const stopped = (): void => {
      if (!open) throw disposed()
      signal?.throwIfAborted()
    }
    stopped()
    const reply = await twice(() => attempt(input, signal), stopped, onBroken)
    if ('output' in reply) return reply.output
    const { code, blame, message, remedy } = reply.error
    throw new TallyError(code, blame, message, remedy === undefined ? {} : { remedy })
  }

  return {
    workers,
    threads: () => threads.running(),
    run<I, O>(kernel: Kernel<I, O>, input: I, signal?: AbortSignal): Promise<O> {
      if (kernel.name !== 'rlwe/evaluate') return kernels.run(kernel, input, signal)
      const given = input as RlweEvaluateInput
      const turn = async (): Promise<unknown> => evaluate({ ...given, keys: keyring(given.keys) }, signal)
      return (open ? inTurn(turn, signal) : Promise.reject(disposed())) as Promise<O>
    },
    async [Symbol.asyncDispose]() {
      if (!open) return
      open = false
      await Promise.all([threads[Symbol.asyncDispose](), kernels[Symbol.asyncDispose]()])
    },
  }
}
