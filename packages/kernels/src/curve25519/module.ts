/** One WebAssembly instance of the curve25519 kernels, and what it exports. */
import * as fma from './fma.wasm.ts'
import * as integer from './integer.wasm.ts'

/** `fma`: doubles with relaxed-SIMD fused multiply-add. `integer`: plain SIMD, for every engine since 2021. */
export type Variant = 'fma' | 'integer'

/** The exports of `assembly/curve25519/index.ts`; globals are addresses in `memory` or counts. */
export interface Exports {
  readonly memory: WebAssembly.Memory
  readonly BLOCK: WebAssembly.Global<'i32'>
  readonly POINTS: WebAssembly.Global<'i32'>
  readonly SCALAR: WebAssembly.Global<'i32'>
  readonly SCALARS: WebAssembly.Global<'i32'>
  readonly UNIFORM: WebAssembly.Global<'i32'>
  readonly MESSAGES: WebAssembly.Global<'i32'>
  readonly MESSAGES_BYTES: WebAssembly.Global<'i32'>
  readonly OFFSETS: WebAssembly.Global<'i32'>
  readonly TAG: WebAssembly.Global<'i32'>
  readonly fused: () => number
  readonly init: () => void
  readonly read: (rows: number) => void
  readonly ladder: (rows: number) => void
  readonly ladderEach: (rows: number) => void
  readonly mapRows: (rows: number) => void
  readonly normalise: (rows: number) => void
  readonly write: (rows: number) => number
  readonly wipeCurve: (rows: number) => void
  readonly setTag: (bytes: number) => void
  readonly begin: () => void
  readonly absorb: (address: number, bytes: number) => void
  readonly finish: (row: number) => void
  readonly expandRows: (row: number, rows: number) => void
  readonly wipeExpand: (bytes: number) => void
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64)
  return Uint8Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))
}

/** undefined where this JavaScript engine does not know the instructions, or does not fuse its multiply-add. */
export async function instantiate(variant: Variant): Promise<Exports | undefined> {
  const bytes = decode((variant === 'fma' ? fma : integer).base64)
  if (!WebAssembly.validate(bytes)) return undefined
  const { instance } = await WebAssembly.instantiate(bytes, {})
  const exports = instance.exports as unknown as Exports
  if (exports.fused() !== 1) return undefined
  exports.init()
  return exports
}
