/** One WebAssembly instance of the OPRF kernels, and what it exports. */
import type { Variant } from '../curve25519/module.ts'
import * as fma from './fma.wasm.ts'
import * as integer from './integer.wasm.ts'

/** The exports of `assembly/oprf/index.ts`; globals are addresses in `memory` or counts. */
export interface Exports {
  readonly memory: WebAssembly.Memory
  readonly BLOCK: WebAssembly.Global<'i32'>
  readonly POINTS: WebAssembly.Global<'i32'>
  readonly SCALARS: WebAssembly.Global<'i32'>
  readonly UNIFORM: WebAssembly.Global<'i32'>
  readonly MESSAGES: WebAssembly.Global<'i32'>
  readonly MESSAGES_BYTES: WebAssembly.Global<'i32'>
  readonly OFFSETS: WebAssembly.Global<'i32'>
  readonly OUTPUTS: WebAssembly.Global<'i32'>
  readonly TAG: WebAssembly.Global<'i32'>
  readonly fused: () => number
  readonly init: () => void
  readonly setTag: (bytes: number) => void
  readonly expandRows: (rows: number) => void
  readonly mapRows: (rows: number) => void
  readonly decodeRows: (rows: number) => void
  readonly scaleRows: (rows: number) => void
  readonly encodeRows: (rows: number) => number
  readonly finalizeRows: (rows: number) => void
  readonly clearSum: () => void
  readonly sumRows: (rows: number) => void
  readonly takeSum: () => void
  readonly firstBad: (rows: number) => number
  readonly wipeRows: (rows: number) => void
  readonly wipeHash: (bytes: number) => void
}

const decode = (base64: string): Uint8Array<ArrayBuffer> => {
  const text = atob(base64)
  return Uint8Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))
}

/** undefined where this JavaScript engine does not know the instructions, or does not fuse its multiply-add. */
export const instantiate = async (variant: Variant): Promise<Exports | undefined> => {
  const bytes = decode((variant === 'fma' ? fma : integer).base64)
  if (!WebAssembly.validate(bytes)) return undefined
  const { instance } = await WebAssembly.instantiate(bytes, {})
  const exports = instance.exports as unknown as Exports
  if (exports.fused() !== 1) return undefined
  exports.init()
  return exports
}
