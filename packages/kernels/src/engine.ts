/**
 * The fast implementations of the kernel table: `const engine = await wasmEngine()` once a thread, then synchronous.
 * Every entry equals its reference on every input (tests are driven by the table).
 */
import type { Engine } from '@tallystick/protocol'
import { type CurveEngine, loadCurve, loadVariant } from './curve25519/engine.ts'
import { intersect } from './table/engine.ts'

export type { Variant } from './curve25519/module.ts'

export const toEngine = (curve: CurveEngine): Engine => ({
  'curve25519/hash': curve.hash,
  'curve25519/scale': curve.scale,
  'curve25519/hash-scale': curve.hashScale,
  'table/intersect': intersect,
})

let loading: Promise<CurveEngine> | undefined

/** The best engine for this machine: fused multiply-add where it passes the self-test, else plain SIMD. */
export const wasmEngine = async (): Promise<Engine> => toEngine(await (loading ??= loadCurve()))

/** One WebAssembly variant, for tests and benches; undefined where it cannot run right on this machine. */
export async function wasmEngineOf(variant: 'fma' | 'integer'): Promise<Engine | undefined> {
  const curve = await loadVariant(variant)
  return curve && toEngine(curve)
}
