/**
 * `okvs/*` in WebAssembly, bin by bin. Rows come in tiles and are dealt into bins in linear memory: 32 bytes a row for
 * encoding (and the vector), 36 for decoding, and what one bin needs.
 */
import type { Engine } from '@tallystick/protocol'
import { arenaOf, layout, type ArenaExports } from '../arena.ts'
import type { DecodeInput, EncodeInput, EncodeOutput } from './kernels.ts'
import { base64 } from './okvs.wasm.ts'
import { okvsSize } from './parameters.ts'
import { checkDecode, checkEncode } from './shapes.ts'

interface Exports extends ArenaExports {
  readonly deal: (
    rows: number,
    values: number,
    n: number,
    bins: number,
    room: number,
    counts: number,
    toRows: number,
    toValues: number,
  ) => number
  readonly encode: (
    rows: number,
    values: number,
    n: number,
    bins: number,
    sparse: number,
    dense: number,
    part: number,
    work: number,
  ) => number
  readonly count: (rows: number, n: number, bins: number, counts: number) => void
  readonly accumulate: (counts: number, bins: number) => void
  readonly scatter: (
    rows: number,
    n: number,
    first: number,
    bins: number,
    starts: number,
    toRows: number,
    numbers: number,
  ) => void
  readonly decode: (
    rows: number,
    numbers: number,
    from: number,
    to: number,
    bins: number,
    sparse: number,
    dense: number,
    part: number,
    out: number,
  ) => void
}

const tileRows = 4096
const tileBytes = 16 * tileRows

function tiles(rows: Uint8Array, work: (tile: Uint8Array, first: number) => void): void {
  for (let at = 0; at < rows.length; at += tileBytes) work(rows.subarray(at, at + tileBytes), at / 16)
}

export async function loadOkvs(): Promise<Engine> {
  const arena = await arenaOf<Exports>(base64)

  const encode = (input: EncodeInput): EncodeOutput => {
    const { shape, rows, values, fill } = checkEncode(input)
    const { bins, load, sparse, dense } = shape
    const bytes = 16 * okvsSize(shape)
    const regions = layout({
      tile: tileBytes,
      tileValues: tileBytes,
      counts: 4 * bins,
      binned: 16 * bins * load,
      binnedValues: 16 * bins * load,
      scratch: 17 * (sparse + load),
      vector: bytes,
    })
    return arena.run(regions.bytes, (exports, base) => {
      const { tile, tileValues, counts, binned, binnedValues, scratch, vector } = regions.from(base)
      const memory = new Uint8Array(exports.memory.buffer)
      const failed = (bad: number): EncodeOutput => ({ vector: new Uint8Array(bytes), bad })
      memory.set(fill, vector)
      let overfull = -1
      tiles(rows, (part, first) => {
        if (overfull >= 0) return
        memory.set(part, tile)
        memory.set(values.subarray(16 * first, 16 * first + part.length), tileValues)
        overfull = exports.deal(tile, tileValues, part.length / 16, bins, load, counts, binned, binnedValues)
      })
      if (overfull >= 0) return failed(overfull)
      const lengths = new Uint32Array(exports.memory.buffer, counts, bins)
      for (let bin = 0; bin < bins; bin++) {
        const at = 16 * bin * load
        const part = vector + 16 * bin * (sparse + dense)
        const [from, fromValues] = [binned + at, binnedValues + at]
        if (!exports.encode(from, fromValues, lengths[bin]!, bins, sparse, dense, part, scratch)) return failed(bin)
      }
      return { vector: memory.slice(vector, vector + bytes), bad: -1 }
    })
  }

  const decode = (input: DecodeInput): Uint8Array => {
    const { shape, rows, vector } = checkDecode(input)
    const { bins, sparse, dense } = shape
    const n = rows.length / 16
    const width = 16 * (sparse + dense)
    const regions = layout({
      tile: tileBytes,
      counts: 4 * (bins + 2),
      binned: 16 * n,
      numbers: 4 * n,
      part: width,
      out: 16 * n,
    })
    return arena.run(regions.bytes, (exports, base) => {
      const { tile, counts, binned, numbers, part, out } = regions.from(base)
      const memory = new Uint8Array(exports.memory.buffer)
      const each = (work: (rows: number, first: number) => void): void =>
        tiles(rows, (bytes, first) => {
          memory.set(bytes, tile)
          work(bytes.length / 16, first)
        })
      each((count) => exports.count(tile, count, bins, counts))
      exports.accumulate(counts, bins)
      each((count, first) => exports.scatter(tile, count, first, bins, counts, binned, numbers))
      const ends = new Uint32Array(exports.memory.buffer, counts, bins + 1)
      for (let bin = 0; bin < bins; bin++) {
        memory.set(vector.subarray(width * bin, width * (bin + 1)), part)
        exports.decode(binned, numbers, ends[bin]!, ends[bin + 1]!, bins, sparse, dense, part, out)
      }
      return memory.slice(out, out + 16 * n)
    })
  }

  return { 'okvs/encode': encode, 'okvs/decode': decode }
}
