/**
 * The WebAssembly engine of the OPRF kernels, two rows at a time over the field of the curve25519 kernels.
 *
 * Constant time, as far as WebAssembly goes: the map, the scalar multiplication (64 signed digits, each read from a
 * table of 8 entries by masks over all of them; complete additions), square roots, encodings and SHA-512 have no branch
 * and no address that depends on a scalar, a message byte or a coordinate. What is not, or is not promised, is as in
 * `../curve25519/engine.ts`: counts, lengths, which rows are bad, what a compiler does, and copies of the caller.
 *
 * Memory is bounded: a call is worked off in blocks of 256 rows, or of 64 KiB of messages.
 */
import { concatBytes, invariant } from '@tallystick/core'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Variant } from '../curve25519/module.ts'
import type {
  BlindInput,
  CombineOutput,
  FinalizeInput,
  FinalizeOutput,
  HashInput,
  ScaleInput,
  ScaleOutput,
} from './kernels.ts'
import { type Exports, instantiate } from './module.ts'
import { checkCombine, checkFinalize, checkMessages, checkScalars, checkScale } from './shapes.ts'

export interface OprfEngine {
  readonly hash: (input: HashInput) => Uint8Array
  readonly blind: (input: BlindInput) => Uint8Array
  readonly scale: (input: ScaleInput) => ScaleOutput
  readonly finalize: (input: FinalizeInput) => FinalizeOutput
  readonly evaluate: (input: BlindInput) => Uint8Array
  readonly combine: (input: ScaleInput) => CombineOutput
}

type Messages = Pick<HashInput, 'bytes' | 'offsets'>

/** The kernels on one instance; `loadOprf` adds the self-test. */
export const engineOn = (exports: Exports): OprfEngine => {
  const block = exports.BLOCK.value
  const at = (address: number, length: number): Uint8Array => new Uint8Array(exports.memory.buffer, address, length)

  /** Calls `work` for blocks of rows [from, to), and wipes. */
  const blocks = (rows: number, end: (from: number) => number, work: (from: number, to: number) => void): void => {
    try {
      for (let from = 0; from < rows;) {
        const to = end(from)
        work(from, to)
        from = to
      }
    } finally {
      exports.wipeRows(block)
      exports.wipeHash(exports.MESSAGES_BYTES.value)
    }
  }
  const byCount = (rows: number) => (from: number) => Math.min(rows, from + block)
  const byLength =
    ({ offsets }: Messages) =>
    (from: number) => {
      let to = from + 1
      const most = Math.min(offsets.length - 1, from + block)
      while (to < most && offsets[to + 1]! - offsets[from]! <= exports.MESSAGES_BYTES.value) to++
      return to
    }
  const setMessages = ({ bytes, offsets }: Messages, from: number, to: number): void => {
    const ends = new Uint32Array(exports.memory.buffer, exports.OFFSETS.value, to - from + 1)
    for (let i = from; i <= to; i++) ends[i - from] = offsets[i]! - offsets[from]!
    at(exports.MESSAGES.value, exports.MESSAGES_BYTES.value).set(bytes.subarray(offsets[from], offsets[to]))
  }
  const setTag = (dst: Uint8Array): void => {
    at(exports.TAG.value, dst.length).set(dst)
    exports.setTag(dst.length)
  }
  const setScalars = (scalars: Uint8Array, from: number, to: number): void => {
    const target = at(exports.SCALARS.value, 32 * (to - from))
    if (scalars.length > 32) return target.set(scalars.subarray(32 * from, 32 * to))
    for (let row = 0; row < to - from; row++) target.set(scalars, 32 * row)
  }
  const setPoints = (points: Uint8Array, from: number, to: number): void =>
    at(exports.POINTS.value, 32 * (to - from)).set(points.subarray(32 * from, 32 * to))

  /** Hashes rows to the group, multiplies them where there are scalars, and hands over each block when it is encoded. */
  const hashed = (
    input: HashInput & { readonly scalars?: Uint8Array },
    take: (from: number, to: number) => void,
  ): void => {
    setTag(input.dst)
    blocks(input.offsets.length - 1, byLength(input), (from, to) => {
      setMessages(input, from, to)
      exports.expandRows(to - from)
      exports.mapRows(to - from)
      if (input.scalars !== undefined) {
        setScalars(input.scalars, from, to)
        exports.scaleRows(to - from)
      }
      exports.encodeRows(to - from)
      take(from, to)
    })
  }
  const hashedPoints = (input: HashInput & { readonly scalars?: Uint8Array }): Uint8Array => {
    const out = new Uint8Array(32 * (input.offsets.length - 1))
    hashed(input, (from, to) => out.set(at(exports.POINTS.value, 32 * (to - from)), 32 * from))
    return out
  }

  return {
    hash: (input) => hashedPoints(checkMessages(input)),
    blind: (input) => hashedPoints(checkScalars(checkMessages(input), input.offsets.length - 1)),
    evaluate: (input) => {
      checkScalars(checkMessages(input), input.offsets.length - 1)
      const out = new Uint8Array(64 * (input.offsets.length - 1))
      hashed(input, (from, to) => {
        exports.finalizeRows(to - from)
        out.set(at(exports.OUTPUTS.value, 64 * (to - from)), 64 * from)
      })
      return out
    },
    scale: (input) => {
      const { scalars, points } = checkScale(input)
      const out = new Uint8Array(points.length)
      let bad = -1
      blocks(points.length / 32, byCount(points.length / 32), (from, to) => {
        setPoints(points, from, to)
        setScalars(scalars, from, to)
        exports.decodeRows(to - from)
        exports.scaleRows(to - from)
        const first = exports.encodeRows(to - from)
        if (bad < 0 && first >= 0) bad = from + first
        out.set(at(exports.POINTS.value, 32 * (to - from)), 32 * from)
      })
      return { points: out, bad }
    },
    finalize: (input) => {
      const { scalars, points } = checkFinalize(input)
      const out = new Uint8Array(2 * points.length)
      let bad = -1
      blocks(points.length / 32, byLength(input), (from, to) => {
        setMessages(input, from, to)
        setPoints(points, from, to)
        setScalars(scalars, from, to)
        exports.decodeRows(to - from)
        exports.scaleRows(to - from)
        const first = exports.encodeRows(to - from)
        if (bad < 0 && first >= 0) bad = from + first
        exports.finalizeRows(to - from)
        out.set(at(exports.OUTPUTS.value, 64 * (to - from)), 64 * from)
      })
      return { outputs: out, bad }
    },
    combine: (input) => {
      const { scalars, points } = checkCombine(input)
      const point = new Uint8Array(32)
      let bad = -1
      exports.clearSum()
      blocks(points.length / 32, byCount(points.length / 32), (from, to) => {
        if (bad >= 0) return
        setPoints(points, from, to)
        at(exports.SCALARS.value, 32 * (to - from)).set(scalars.subarray(32 * from, 32 * to))
        exports.decodeRows(to - from)
        const first = exports.firstBad(to - from)
        if (first >= 0) bad = from + first
        exports.scaleRows(to - from)
        exports.sumRows(to - from)
        if (to < points.length / 32 || bad >= 0) return
        exports.takeSum()
        exports.encodeRows(1)
        point.set(at(exports.POINTS.value, 32))
      })
      return { point, bad }
    },
  }
}

/** SHA-256 of what {@link answers} gives by the references: computing it takes them longer than all else of loading. */
export const knownAnswers = '870d1bd2edae958034662ea1e33cd2382e5be63faf0e9650de9105968673b876'

/** What each kernel gives on a few rows, a bad one among them. */
export const answers = (engine: OprfEngine): Uint8Array => {
  const dst = utf8ToBytes('HashToGroup-OPRFV1-\x01-ristretto255-SHA512')
  const messages = { bytes: utf8ToBytes('abcabc'), offsets: Uint32Array.of(0, 3, 3, 6) }
  const scalars = Uint8Array.from({ length: 96 }, (_, i) => ((i & 31) === 31 ? 15 : 255 - 7 * i))
  const points = engine.hash({ dst, ...messages })
  const { points: scaled, bad } = engine.scale({ scalars, points: points.slice().fill(255, 32, 64) })
  return concatBytes(
    points,
    engine.blind({ dst, ...messages, scalars }),
    engine.evaluate({ dst, ...messages, scalars }),
    scaled,
    Uint8Array.of(bad),
    engine.finalize({ ...messages, scalars, points }).outputs,
    engine.combine({ scalars, points }).point,
  )
}

const selfTest = (candidate: OprfEngine): boolean => bytesToHex(sha256(answers(candidate))) === knownAnswers

const load = async (variant: Variant): Promise<OprfEngine | undefined> => {
  const exports = await instantiate(variant)
  if (exports === undefined) return undefined
  const candidate = engineOn(exports)
  return selfTest(candidate) ? candidate : undefined
}

/** The fastest variant that this machine runs right; of those named. */
export const loadOprf = async (...variants: readonly Variant[]): Promise<Record<string, unknown>> => {
  let best: OprfEngine | undefined
  for (const variant of variants) best ??= await load(variant)
  invariant(best, 'no WebAssembly module of ristretto255 passes its self-test on this machine')
  return {
    'oprf/hash': best.hash,
    'oprf/blind': best.blind,
    'oprf/scale': best.scale,
    'oprf/finalize': best.finalize,
    'oprf/evaluate': best.evaluate,
    'oprf/combine': best.combine,
  }
}
