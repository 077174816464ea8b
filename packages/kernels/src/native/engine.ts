/** Kernels that OpenSSL computes faster than WebAssembly, by bulk calls of `node:crypto`; Node only. */
import type { Engine } from '@tallystick/protocol'
import { wasmEngine } from '../engine.ts'

const native: Engine = {}

let loading: Promise<Engine> | undefined

/** The best engine under Node. */
export const nodeEngine = (): Promise<Engine> =>
  (loading ??= wasmEngine().then((portable) => ({ ...portable, ...native })))
