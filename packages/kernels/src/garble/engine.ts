/**
 * `garble/*` in WebAssembly: bit-sliced AES over 128 blocks under 128 keys, so that a key for each half gate costs little.
 * Constant-time: no branch and no address depends on a label, a difference or a table. Memory is that of a call: code,
 * labels and tables.
 */
import type { Engine } from '@tallystick/protocol'
import { arenaOf, layout, type ArenaExports } from '../arena.ts'
import { base64 } from './garble.wasm.ts'
import type { EvaluateInput, Garbled, GarbleInput, LayersInput } from './kernels.ts'
import { checkEvaluate, checkGarble, gatesOf, layersOf } from './shapes.ts'

interface Exports extends ArenaExports {
  readonly free: (labels: number, code: number, gates: number, instances: number, delta: number) => void
  readonly garble: (
    labels: number,
    code: number,
    gates: number,
    instances: number,
    delta: number,
    start: number,
    tweak: number,
    stride: number,
    tables: number,
  ) => void
  readonly evaluate: (
    labels: number,
    code: number,
    gates: number,
    instances: number,
    start: number,
    tweak: number,
    stride: number,
    tables: number,
  ) => void
  readonly wipe: () => void
}

export async function loadGarble(): Promise<Engine> {
  const arena = await arenaOf<Exports>(base64)

  /** Lays the input out, walks the layers, and takes labels and tables. */
  const run = (input: LayersInput, delta: Uint8Array, given: Uint8Array | undefined): Garbled => {
    const { code, instances, labels, start, stride } = input
    const layers = layersOf(code)
    const tableBytes = 32 * instances * gatesOf(code)
    const sizes = { delta: 16, start: 16, code: code.byteLength, labels: labels.length, tables: tableBytes }
    const { bytes, from } = layout(sizes)
    return arena.run(bytes, (exports, base) => {
      const at = from(base)
      const memory = new Uint8Array(exports.memory.buffer)
      memory.set(delta, at.delta)
      memory.set(start, at.start)
      memory.set(new Uint8Array(code.buffer, code.byteOffset, code.byteLength), at.code)
      memory.set(labels, at.labels)
      if (given !== undefined) memory.set(given, at.tables)
      let [tweak, tables] = [input.tweak, at.tables]
      for (const { free, and } of layers) {
        const gates = and.length / 3
        exports.free(at.labels, at.code + free.byteOffset - code.byteOffset, free.length / 4, instances, at.delta)
        const place = at.code + and.byteOffset - code.byteOffset
        if (given === undefined)
          exports.garble(at.labels, place, gates, instances, at.delta, at.start, tweak, stride, tables)
        else exports.evaluate(at.labels, place, gates, instances, at.start, tweak, stride, tables)
        tweak += 2 * gates
        tables += 32 * gates * instances
      }
      exports.wipe()
      return {
        labels: memory.slice(at.labels, at.labels + labels.length),
        tables: given ?? memory.slice(at.tables, at.tables + tableBytes),
      }
    })
  }
  return {
    'garble/garble': (input: GarbleInput) => run(checkGarble(input), input.delta, undefined),
    'garble/evaluate': (input: EvaluateInput) => run(checkEvaluate(input), new Uint8Array(16), input.tables).labels,
  }
}
