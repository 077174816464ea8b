/**
 * The fast implementations of the kernel table: `const engine = await wasmEngine()` once a thread, then synchronous.
 * Every entry equals its reference on every input (tests are driven by the table). In Node, `@tallystick/kernels/engine/node`
 * has some of them by OpenSSL on top.
 */
import type { Engine } from '@tallystick/protocol'
import { loadAes } from './aes/engine.ts'
import { loadProducts } from './bgv/engine.ts'
import { loadBlake3 } from './blake3/engine.ts'
import { loadCuckoo } from './cuckoo/engine.ts'
import { type CurveEngine, loadCurve, loadVariant } from './curve25519/engine.ts'
import { digestEngine } from './digest/kernels.ts'
import { loadExpandConvolute } from './expand-convolute/engine.ts'
import { loadGf128 } from './gf128/engine.ts'
import { loadGgm } from './ggm/engine.ts'
import { loadField61 } from './field61/engine.ts'
import { loadGarble } from './garble/engine.ts'
import { chachaEngine } from './chacha/engine.ts'
import { loadMerkle } from './merkle/engine.ts'
import { mlkemEngine } from './mlkem/engine.ts'
import { loadOprf } from './oprf/engine.ts'
import { loadP256 } from './p256/engine.ts'
import { pirEngine } from './pir/engine.ts'
import { loadShares } from './ring/engine.ts'
import { loadRing } from './rlwe/engine.ts'
import { loadOkvs } from './okvs/engine.ts'
import { loadSoftspoken } from './softspoken/engine.ts'
import { loadTable } from './table/engine.ts'
import { loadTranspose } from './transpose/engine.ts'

export type { Variant } from './curve25519/module.ts'
export { readMemory, resident, sharedResident } from './pir/module.ts'

const curveEngine = (curve: CurveEngine): Engine => ({
  'curve25519/hash': curve.hash,
  'curve25519/scale': curve.scale,
  'curve25519/hash-scale': curve.hashScale,
  'curve25519/scale-each': curve.scaleEach,
})

/** Groups that have no variants, each by its loader. */
const groups: readonly (() => Promise<Engine>)[] = [
  loadAes,
  () => loadProducts(),
  loadExpandConvolute,
  loadField61,
  loadGf128,
  loadGgm,
  loadTranspose,
  async () => mlkemEngine,
  loadBlake3,
  loadCuckoo,
  loadGarble,
  loadMerkle,
  loadOkvs,
  loadTable,
  loadP256,
  async () => chachaEngine,
  async () => digestEngine,
  async () => pirEngine,
  loadRing,
  loadShares,
  loadSoftspoken,
]

const assemble = async (curve: CurveEngine): Promise<Engine> =>
  Object.assign(curveEngine(curve), await loadOprf(curve.variant), ...(await Promise.all(groups.map((load) => load()))))

let loading: Promise<Engine> | undefined

/** The best engine for this machine: fused multiply-add where it passes the self-test, else plain SIMD. */
export const wasmEngine = (): Promise<Engine> => (loading ??= loadCurve().then(assemble))

/** One WebAssembly variant, for tests and benches; undefined where it cannot run right on this machine. */
export async function wasmEngineOf(variant: 'fma' | 'integer'): Promise<Engine | undefined> {
  const curve = await loadVariant(variant)
  return curve && assemble(curve)
}
