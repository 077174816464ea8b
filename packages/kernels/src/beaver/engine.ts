/** The kernels with triples over the module of the rings: tiles of 64 KiB, streams by the engine's AES. */
import type { Engine } from '@tallystick/protocol'
import type { StreamOf } from '../ring/engine.ts'
import type { BeaverInput, DealInput, Domain, MaskedInput, PairTermsInput } from './kernels.ts'
import { checkBeaver, checkDeal, checkMasked, checkPairTerms } from './shapes.ts'

type Address = WebAssembly.Global<'i32'>

/** What of the module is used here. */
export interface BeaverExports {
  readonly memory: WebAssembly.Memory
  readonly X0: Address
  readonly X1: Address
  readonly Y0: Address
  readonly Y1: Address
  readonly OWN: Address
  readonly NEXT: Address
  readonly OUT: Address
  readonly mask64: (bytes: number) => void
  readonly mask128: (bytes: number) => void
  readonly maskBits: (bytes: number) => void
  readonly gain64: (at: number, bytes: number) => void
  readonly gain128: (at: number, bytes: number) => void
  readonly gainBits: (at: number, bytes: number) => void
  readonly beaver64: (bytes: number, both: bigint) => void
  readonly beaver128: (bytes: number, both: bigint) => void
  readonly beaverBits: (bytes: number, both: bigint) => void
  readonly terms64: (bytes: number) => void
  readonly terms128: (bytes: number) => void
  readonly termsBits: (bytes: number) => void
  readonly wipe: (bytes: number) => void
}

const tileWords = 16_384
const round = (bytes: number): number => Math.ceil(bytes / 16) * 16

interface Tile {
  readonly from: number
  readonly to: number
  /** Whole vectors. */
  readonly size: number
}

export const beaverEngine = (exports: BeaverExports, streamOf: StreamOf): Engine => {
  const words = new Uint32Array(exports.memory.buffer)
  const bytes = new Uint8Array(exports.memory.buffer)
  const put = ({ value }: Address, source: Uint32Array): void => words.set(source, value / 4)
  const region = ({ value }: Address, { from, to }: Tile): Uint8Array => bytes.subarray(value, value + 4 * (to - from))
  /** Work on each tile leaves its result in OUT. */
  const byTiles = (total: number, work: (tile: Tile) => void): Uint32Array => {
    const out = new Uint32Array(total)
    const start = exports.OUT.value / 4
    for (let from = 0; from < total; from += tileWords) {
      const to = Math.min(from + tileWords, total)
      work({ from, to, size: round(4 * (to - from)) })
      out.set(words.subarray(start, start + to - from), from)
    }
    exports.wipe(round(4 * Math.min(tileWords, total)))
    return out
  }
  const operations = {
    1: { mask: exports.maskBits, gain: exports.gainBits, beaver: exports.beaverBits, terms: exports.termsBits },
    64: { mask: exports.mask64, gain: exports.gain64, beaver: exports.beaver64, terms: exports.terms64 },
    128: { mask: exports.mask128, gain: exports.gain128, beaver: exports.beaver128, terms: exports.terms128 },
  } as const

  const masked = (domain: Domain) => (input: MaskedInput) => {
    const { x, key, at } = checkMasked(input, domain)
    const stream = streamOf(key, at)
    return byTiles(x.length, (tile) => {
      put(exports.X0, x.subarray(tile.from, tile.to))
      stream(region(exports.OWN, tile))
      operations[domain].mask(tile.size)
    })
  }
  const beaver = (domain: Domain) => (input: BeaverInput) => {
    const { d, e, key, a, b, c, first } = checkBeaver(input, domain)
    const [left, right] = [streamOf(key, a), streamOf(key, b)]
    const third = typeof c === 'number' ? streamOf(key, c) : undefined
    return byTiles(d.length, (tile) => {
      const { from, to, size } = tile
      put(exports.X0, d.subarray(from, to))
      put(exports.Y0, e.subarray(from, to))
      left(region(exports.X1, tile))
      right(region(exports.Y1, tile))
      if (third === undefined) put(exports.OWN, (c as Uint32Array).subarray(from, to))
      else third(region(exports.OWN, tile))
      operations[domain].beaver(size, first ? -1n : 0n)
    })
  }
  const pairTerms = (domain: Domain) => (input: PairTermsInput) => {
    const { x0, x1, y0, y1, key, at, square } = checkPairTerms(input, domain)
    const stream = streamOf(key, at)
    return byTiles(x0.length, (tile) => {
      const { from, to, size } = tile
      put(exports.X0, x0.subarray(from, to))
      put(exports.X1, x1.subarray(from, to))
      put(exports.Y0, y0.subarray(from, to))
      put(exports.Y1, y1.subarray(from, to))
      stream(region(exports.OWN, tile))
      operations[domain].beaver(size, square ? -1n : 0n)
    })
  }
  const deal = (domain: Domain) => (input: DealInput) => {
    const { keys, a, b, c, words: total, to: corrected } = checkDeal(input, domain)
    const streams = keys.map((key, i) => ({
      left: streamOf(key, a),
      right: streamOf(key, b),
      rest: i === corrected ? undefined : streamOf(key, c),
    }))
    const { gain, terms } = operations[domain]
    return byTiles(total, (tile) => {
      // x0 (y0 + y1) + x1 y0 + own - next, with the sums in x0, y0, and, for a while in own, what next takes.
      for (const { value } of [exports.X0, exports.Y0, exports.X1, exports.Y1, exports.OWN]) {
        bytes.fill(0, value, value + tile.size)
      }
      const gather = (target: Address, stream: (target: Uint8Array) => void): void => {
        stream(region(exports.NEXT, tile))
        gain(target.value, tile.size)
      }
      for (const { left, right, rest } of streams) {
        gather(exports.X0, left)
        gather(exports.Y0, right)
        if (rest !== undefined) gather(exports.OWN, rest)
      }
      bytes.copyWithin(exports.NEXT.value, exports.OWN.value, exports.OWN.value + tile.size)
      bytes.fill(0, exports.OWN.value, exports.OWN.value + tile.size)
      terms(tile.size)
    })
  }
  const entries = ([1, 64, 128] as const).flatMap((domain) => {
    const group = domain === 1 ? 'bits' : `ring${domain}`
    return [
      [`${group}/masked`, masked(domain)],
      [`${group}/beaver`, beaver(domain)],
      [`${group}/deal`, deal(domain)],
      [`${group}/pair-terms`, pairTerms(domain)],
    ] as const
  })
  return Object.fromEntries(entries) as Engine
}
