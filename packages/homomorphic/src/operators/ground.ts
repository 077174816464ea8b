/**
 * Where kernels run: a party's context, or, outside of any protocol, an engine in this thread or a pool. What is written
 * against it is a routine either way.
 */
import type { Engine, Kernel, Routine } from '@tallystick/protocol'
import { runKernel } from '@tallystick/protocol'

export interface Ground {
  compute<I, O>(kernel: Kernel<I, O>, input: I): Routine<O>
  join(...branches: readonly ((ground: Ground) => Routine<unknown>)[]): Routine<readonly unknown[]>
}

/** Outside of a protocol. */
export const ground: Ground = {
  *compute(kernel, input) {
    return yield { kind: 'compute', step: kernel.name, kernel, input }
  },
  *join(...branches) {
    return yield { kind: 'join', branches: branches.map((branch) => branch(ground)) }
  },
}

/** Runs a routine that only computes, in this thread. */
export const runOn = <T>(engine: Engine, routine: Routine<T>): T => {
  for (let answer: unknown; ;) {
    const { done, value } = routine.next(answer)
    if (done === true) return value
    if (value.kind === 'compute') answer = runKernel(engine, value.kernel, value.input)
    else if (value.kind === 'join') answer = value.branches.map((branch) => runOn(engine, branch))
    else throw new Error(`${value.kind} outside of a protocol`)
  }
}

/** As much of a pool as is needed here. */
export interface Runner {
  run<I, O>(kernel: Kernel<I, O>, input: I, signal?: AbortSignal): Promise<O>
}

/** Runs a routine that only computes, on a pool. */
export const runIn = async <T>(pool: Runner, routine: Routine<T>, signal?: AbortSignal): Promise<T> => {
  for (let answer: unknown; ;) {
    const { done, value } = routine.next(answer)
    if (done === true) return value
    if (value.kind === 'compute') answer = await pool.run(value.kernel, value.input, signal)
    else if (value.kind === 'join')
      answer = await Promise.all(value.branches.map((branch) => runIn(pool, branch, signal)))
    else throw new Error(`${value.kind} outside of a protocol`)
  }
}
