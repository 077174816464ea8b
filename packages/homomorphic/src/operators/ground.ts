/**
 * Where kernels run: a party's context, or, outside of any protocol, an engine in this thread or a pool. What is written
 * against it is a routine either way.
 */
import type { Kernel, Routine } from '@tallystick/protocol'

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
