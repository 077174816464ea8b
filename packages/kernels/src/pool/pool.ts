/**
 * Pools run kernels by name, inline or over worker threads, with one interface. What is common to Node and browsers is
 * here; `node.ts` and `browser.ts` bring the workers.
 *
 * A call is cut by `kernel.batch` into pieces of at most PIECE rows. A piece is copied only when a worker is about to
 * take it, and the copy is transferred, so the caller's buffers are never detached and at most one piece a worker is in
 * memory, however large the input; further pieces and calls wait in order. SharedArrayBuffers are shared, not copied.
 * Where a worker ends over a piece, another gets a new copy of it, once.
 */
import { invariant, TallyError } from '@tallystick/core'
import { type Engine, type Kernel, runKernel } from '@tallystick/protocol'
import { wasmEngine } from '../engine.ts'
import { borrow, lend, residentIn } from '../pir/module.ts'
import type { IntersectInput } from '../table/kernels.ts'

export interface Pool extends AsyncDisposable {
  /** Worker threads; 0 where kernels run in the calling thread. */
  readonly workers: number
  /**
   * @throws TallyError api/misuse for a wrong shape or a disposed pool; the signal's reason once it is aborted, also in
   * mid-call (a busy worker is stopped and replaced).
   */
  run<I, O>(kernel: Kernel<I, O>, input: I, signal?: AbortSignal): Promise<O>
}

/** Workers, as a platform brings them. */
export interface Crew extends AsyncDisposable {
  readonly workers: number
  /** Calls `serve` in some worker. */
  call(name: string, input: unknown, transfer: ArrayBuffer[], signal: AbortSignal | undefined): Promise<Reply>
}

/** Errors cross threads as plain fields: structured cloning would drop code and blame. */
export type Reply = { readonly output: unknown } | { readonly error: ReturnType<TallyError['toJSON']> }

/** Rows of a piece: 100 ms of scalar multiplications, so that aborting and sharing among callers are prompt. */
const PIECE = 4096

export interface PoolOptions {
  /** Worker threads, 1 or more; the number of cores unless given. */
  readonly workers?: number
  /**
   * Estimated microseconds of work below which a call runs in the calling thread; 1000 unless given, about ten times
   * what a hop to a worker and back costs.
   */
  readonly inlineBelow?: number
  /** Calls that may wait for a worker; one more is refused. 65,536 unless given. */
  readonly queue?: number
  /** Told of each worker that broke over a call; the call is tried once more in another. */
  readonly onBroken?: (cause: unknown) => void
}

/** Microseconds of one core for a call, by kernel, as measured (docs/kernels.md); for choosing where to run only. */
const estimates: Readonly<Record<string, ((input: never) => number) | undefined>> = {
  // Rounds of shares: moving a vector to a worker costs as much as the work on it.
  'bits/and': () => 0,
  'bits/masked': () => 0,
  'bits/beaver': () => 0,
  'bits/deal': () => 0,
  'bits/pair-terms': () => 0,
  'ring64/pair-terms': () => 0,
  'ring128/pair-terms': () => 0,
  'digest/words': () => 0,
  'field61/multiply': () => 0,
  'field61/combine': () => 0,
  'field61/dots': () => 0,
  'bits/expand': () => 0,
  'bits/permutation': () => 0,
  'bits/slice': () => 0,
  'bits/unslice': () => 0,
  'blake3/ids': ({ offsets, bytes }: { offsets: Uint32Array; bytes: Uint8Array }) =>
    offsets.length * 0.06 + bytes.length / 1000,
  'blake3/masks': ({ values }: { values: Uint8Array }) => values.length / 300,
  // Long rows are those of a matrix: a copy costs as much as hashing it.
  'merkle/tiles': ({ offsets, bytes }: { offsets: Uint32Array; bytes: Uint8Array }) =>
    bytes.length > 2048 * offsets.length ? 0 : offsets.length,
  'cuckoo/place': ({ digests }: { digests: Uint8Array }) => digests.length / 200,
  'cuckoo/simple': ({ digests }: { digests: Uint8Array }) => digests.length / 300,
  'curve25519/hash': (input: { offsets: Uint32Array; bytes: Uint8Array }) =>
    input.offsets.length * 7 + input.bytes.length / 300,
  'curve25519/scale': (input: { points: Uint8Array }) => (input.points.length / 32) * 22,
  'curve25519/hash-scale': (input: { offsets: Uint32Array; bytes: Uint8Array }) =>
    input.offsets.length * 29 + input.bytes.length / 300,
  'curve25519/scale-each': (input: { points: Uint8Array }) => (input.points.length / 32) * 22,
  'aes/hash': ({ blocks }: { blocks: Uint8Array }) => blocks.length / 3000,
  'aes/tweaked-hash': ({ blocks }: { blocks: Uint8Array }) => blocks.length / 1500,
  'aes/expand': ({ keys, width }: { keys: Uint8Array; width: number }) => (keys.length / 16) * (5 + width / 3000),
  'gf128/scale': ({ elements }: { elements: Uint8Array }) => elements.length / 1000,
  'gf128/evaluate': ({ elements }: { elements: Uint8Array }) => elements.length / 1000,
  'gf128/multiply': ({ left }: { left: Uint8Array }) => left.length / 250,
  'gf128/inner': ({ left }: { left: Uint8Array }) => left.length / 250,
  'ggm/grow': ({ roots, leaves }: { roots: Uint8Array; leaves: number }) => roots.length * leaves * 0.002,
  'ggm/puncture': ({ points, leaves }: { points: Uint32Array; leaves: number }) => points.length * leaves * 0.03,
  'mlkem/keys': ({ seeds }: { seeds: Uint8Array }) => seeds.length * 5,
  'mlkem/encapsulate': ({ messages }: { messages: Uint8Array }) => messages.length * 10,
  'mlkem/decapsulate': ({ ciphertexts }: { ciphertexts: Uint8Array }) => ciphertexts.length / 2.5,
  'mlkem/uniform': ({ seeds }: { seeds: Uint8Array }) => seeds.length * 3,
  // A call reads and gives as much as it computes on.
  'softspoken/receive-bits': () => 0,
  'softspoken/receive-products': () => 0,
  'softspoken/select-products': () => 0,
  'softspoken/send-bits': () => 0,
  'softspoken/send-products': () => 0,
  'transpose/bits': ({ rows }: { rows: Uint8Array }) => rows.length / 2000,
  'expand-convolute/encode': ({ dense }: { dense: Uint8Array }) => dense.length / 250,
  'chacha/seal': ({ keys }: { keys: Uint8Array }) => (keys.length / 32) * 7,
  'oprf/hash': ({ offsets }: { offsets: Uint32Array }) => offsets.length * 9,
  'oprf/blind': ({ offsets }: { offsets: Uint32Array }) => offsets.length * 37,
  'oprf/evaluate': ({ offsets }: { offsets: Uint32Array }) => offsets.length * 37,
  'oprf/finalize': ({ offsets }: { offsets: Uint32Array }) => offsets.length * 37,
  'oprf/scale': ({ points }: { points: Uint8Array }) => (points.length / 32) * 37,
  'oprf/combine': ({ points }: { points: Uint8Array }) => (points.length / 32) * 33,
  'p256/hash-scale': ({ offsets }: { offsets: Uint32Array }) => offsets.length * 65,
  'p256/scale': ({ points }: { points: Uint8Array }) => (points.length / 33) * 50,
  // A resident matrix that is not shared is scanned by the thread that holds it: a copy costs more than a scan.
  'pir/scan': ({ matrix, columns, queries }: { matrix: Uint8Array; columns: number; queries: Uint32Array }) =>
    residentIn(matrix) && !lend(matrix) ? 0 : (matrix.length / 15_000) * (queries.length / columns),
  'pir/multiply': ({ matrix, inner, vectors }: { matrix: Uint32Array; inner: number; vectors: Uint32Array }) =>
    residentIn(matrix) ? 0 : (matrix.length / 2500) * (vectors.length / inner),
  // Reads rows of a matrix far larger than what it computes on.
  'pir/patch': () => 0,
  'pir/gauss': ({ coins }: { coins: Uint8Array }) => coins.length / 200,
  'pir/expand': ({ blocks }: { blocks: number }) => blocks * 800,
  'okvs/encode': ({ rows }: { rows: Uint8Array }) => rows.length / 80,
  'okvs/decode': ({ rows, vector }: { rows: Uint8Array; vector: Uint8Array }) =>
    rows.length / 160 + vector.length / 2000,
  // Mostly AND gates, three numbers each: 0.2 µs a gate and instance.
  'garble/garble': (input: { code: Int32Array; instances: number }) => input.code.length * input.instances * 0.03,
  'garble/evaluate': (input: { code: Int32Array; instances: number }) => input.code.length * input.instances * 0.02,
  'ring64/cross-terms': () => 0,
  'ring64/masked': () => 0,
  'ring64/beaver': () => 0,
  'ring64/deal': () => 0,
  'ring128/masked': () => 0,
  'ring128/beaver': () => 0,
  'ring128/deal': () => 0,
  'ring128/cross-terms': () => 0,
  'ring64/matrix-product': () => 0,
  'ring128/matrix-product': () => 0,
  'table/intersect': ({ left, right, width }: IntersectInput) => ((left.length + right.length) / width) * 0.07,
  'table/duplicate': ({ offsets }: { offsets: Uint32Array }) => offsets.length * 0.05,
  'table/sort': ({ rows, width }: { rows: Uint8Array; width: number }) => (rows.length / width) * 0.1,
}

/** [from, to) of even pieces of at most `most` rows, at least one for each of `parts` takers where there are rows. */
function cut(rows: number, parts: number, most: number): readonly (readonly [from: number, to: number])[] {
  const count = Math.max(1, Math.ceil(rows / most), Math.min(parts, rows))
  const edge = (i: number): number => Math.floor((i * rows) / count)
  return Array.from({ length: count }, (_, i) => [edge(i), edge(i + 1)])
}

const bufferOf = (value: unknown): ArrayBuffer[] =>
  ArrayBuffer.isView(value) && value.buffer instanceof ArrayBuffer ? [value.buffer] : []

/** The buffers behind an output, or a flat record of outputs, to be given away with it. */
export function buffersOf(output: unknown): ArrayBuffer[] {
  const values: unknown[] = ArrayBuffer.isView(output) ? [output] : Object.values(output ?? {})
  return [...new Set(values.flatMap(bufferOf))]
}

/** A flat input over buffers of its own; shared memory stays shared, with what a kernel needs to work in it. */
function owned(input: unknown): { value: unknown; transfer: ArrayBuffer[] } {
  const own = (value: unknown): unknown =>
    bufferOf(value).length > 0 ? (value as Uint8Array).slice() : (lend(value) ?? value)
  const value = ArrayBuffer.isView(input)
    ? own(input)
    : Object.fromEntries(Object.entries(input as object).map(([key, field]) => [key, own(field)]))
  return { value, transfer: buffersOf(value) }
}

const borrowed = (input: unknown): unknown =>
  ArrayBuffer.isView(input)
    ? input
    : Object.fromEntries(Object.entries(input as object).map(([key, field]) => [key, borrow(field)]))

/** What a worker does with a call. */
export function serve(engine: Engine, name: string, input: unknown): Reply {
  const implementation = engine[name]
  invariant(implementation, `kernel ${name} has no entry in the engine`)
  try {
    return { output: implementation(borrowed(input) as never) }
  } catch (error) {
    if (error instanceof TallyError) return { error: error.toJSON() }
    throw error
  }
}

const disposed = (): TallyError => new TallyError('api/misuse', 'self', 'expected a pool in use, found it disposed')

export const overrun = (queue: number): TallyError =>
  new TallyError('api/misuse', 'self', `expected at most ${queue} waiting calls of kernels, found one more`, {
    remedy: 'wait for the results of earlier calls, or ask for a longer queue',
  })

/** Rejects with the signal's reason once it is aborted; calls `forget` to stop listening. */
function aborted(signal: AbortSignal): { promise: Promise<never>; forget: () => void } {
  const { promise, reject } = Promise.withResolvers<never>()
  const listener = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', listener, { once: true })
  return { promise, forget: () => signal.removeEventListener('abort', listener) }
}

/** Kernels in the calling thread, by `engine` (the WebAssembly one unless given), yielding to events between pieces. */
export function inlinePool(engine?: Engine): Pool {
  let open = true
  return {
    workers: 0,
    async run(kernel, input, signal) {
      const chosen = engine ?? (await wasmEngine())
      const pieces = kernel.batch ? cut(kernel.batch.rows(input), 1, PIECE / 4) : []
      const outputs = []
      for (let i = 0; i < Math.max(1, pieces.length); i++) {
        if (!open) throw disposed()
        signal?.throwIfAborted()
        if (!kernel.batch || pieces.length === 1) return runKernel(chosen, kernel, input)
        outputs.push(runKernel(chosen, kernel, kernel.batch.slice(input, ...pieces[i]!)))
        await new Promise((resolve) => setTimeout(resolve))
      }
      return kernel.batch!.join(
        outputs,
        pieces.map(([from, to]) => to - from),
      )
    },
    [Symbol.asyncDispose]: async () => void (open = false),
  }
}

/** A pool over a crew of workers; small calls run here, by the engine that `load` gives. */
export function poolOver(crew: Crew, load: () => Promise<Engine>, options: PoolOptions = {}): Pool {
  const { inlineBelow = 1000, queue = 65_536, onBroken } = options
  let open = true
  let free = crew.workers
  /** Calls that are not done, however many pieces they have. */
  let calls = 0
  const waiting: (() => void)[] = []

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free++
    }
  }

  async function call(name: string, piece: () => unknown, signal: AbortSignal | undefined): Promise<unknown> {
    const attempt = async (): Promise<Reply> => {
      const { value, transfer } = owned(piece())
      return await crew.call(name, value, transfer, signal)
    }
    const broke = (cause: unknown): void => {
      if (!open) throw disposed()
      if (signal?.aborted) throw signal.reason
      onBroken?.(cause)
    }
    const reply = await attempt()
      .catch((cause: unknown) => {
        broke(cause)
        return attempt()
      })
      .catch((cause: unknown) => {
        broke(cause)
        const message = `kernel ${name} failed in two workers, one after the other`
        throw new TallyError('invariant/broken', 'self', message, { cause })
      })
    if ('output' in reply) return reply.output
    const { code, blame, message, remedy } = reply.error
    throw new TallyError(code, blame, message, remedy === undefined ? {} : { remedy })
  }

  async function spread<I, O>(kernel: Kernel<I, O>, input: I, signal: AbortSignal | undefined): Promise<O> {
    const { name, batch } = kernel
    const rows = batch?.rows(input) ?? 0
    const pieces = batch ? cut(rows, crew.workers, PIECE) : []
    let failed = false
    const dispatch = (piece: () => unknown): Promise<unknown> =>
      inTurn(async () => {
        if (!open) throw disposed()
        signal?.throwIfAborted()
        // A piece that waited while another one failed: its output would be thrown away.
        if (failed) return undefined
        return call(name, piece, signal).catch((error: unknown) => {
          failed = true
          throw error
        })
      })
    if (!batch || pieces.length === 1) return (await dispatch(() => input)) as O
    const outputs = await Promise.all(pieces.map(([from, to]) => dispatch(() => batch.slice(input, from, to))))
    return batch.join(
      outputs as O[],
      pieces.map(([from, to]) => to - from),
    )
  }

  return {
    workers: crew.workers,
    async run(kernel, input, signal) {
      if (!open) throw disposed()
      signal?.throwIfAborted()
      const engine = await load()
      const estimate = estimates[kernel.name]?.(input as never) ?? Infinity
      if (!engine[kernel.name] || estimate < inlineBelow) return runKernel(engine, kernel, input)
      if (calls >= crew.workers + queue) throw overrun(queue)
      calls++
      const abort = signal && aborted(signal)
      try {
        const outcome = spread(kernel, input, signal)
        return await (abort ? Promise.race([outcome, abort.promise]) : outcome)
      } finally {
        calls--
        abort?.forget()
      }
    },
    async [Symbol.asyncDispose]() {
      if (!open) return
      open = false
      await crew[Symbol.asyncDispose]()
    },
  }
}
