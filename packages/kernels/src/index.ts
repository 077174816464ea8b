/**
 * The kernel table: named pure batch computations over flat typed arrays, each with its reference in plain TypeScript.
 * This entry point touches neither Node, nor a browser global, nor WebAssembly, so that protocol text may import it;
 * `@tallystick/kernels/engine` holds the fast implementations of the same names, `@tallystick/kernels/pool` runs them.
 */
export {
  hash as curve25519Hash,
  hashScale as curve25519HashScale,
  scale as curve25519Scale,
} from './curve25519/kernels.ts'
export type { HashInput, HashScaleInput, ScaleInput, ScaleOutput } from './curve25519/kernels.ts'
export { intersect as tableIntersect } from './table/kernels.ts'
export type { IntersectInput } from './table/kernels.ts'
export { kernels } from './kernels.ts'
