/**
 * Kernels: named pure batch computations over flat typed arrays. The protocol text names a kernel; the driver decides
 * where it runs (inline, worker, WebAssembly). Every engine must equal the reference bit for bit.
 */

/** How a pool may split one call over workers. */
export interface Batch<I, O> {
  readonly rows: (input: I) => number
  /** The rows from `from` (inclusive) to `to` (exclusive) as an input of their own. */
  readonly slice: (input: I, from: number, to: number) => I
  /** `parts` are the outputs of consecutive slices, `sizes` their row counts. */
  readonly join: (parts: readonly O[], sizes: readonly number[]) => O
}

export interface Kernel<I, O> {
  /** `group/operation`, the key in an {@link Engine}. */
  readonly name: string
  /** The reference: plain TypeScript, the oracle. */
  readonly run: (input: I) => O
  readonly batch?: Batch<I, O>
}

/** Faster implementations by kernel name; a kernel without an entry runs its reference. */
export type Engine = Readonly<Record<string, (input: never) => unknown>>

export const referenceEngine: Engine = {}

export const runKernel = <I, O>(engine: Engine, kernel: Kernel<I, O>, input: I): O => {
  const implementation = engine[kernel.name] as ((input: I) => O) | undefined
  return (implementation ?? kernel.run)(input)
}
