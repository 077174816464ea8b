/**
 * The WebAssembly engine of the curve25519 kernels.
 *
 * Constant time, as far as WebAssembly goes: the ladder (256 equal steps, conditional swaps by mask), Elligator 2, the
 * addition, inversion, encodings and SHA-512 have no branch and no address that depends on a scalar, a message byte or a
 * coordinate. What is not, or is not promised:
 * - time depends on the number of rows, the lengths of messages and tag, and on which rows are bad (a public result);
 * - WebAssembly and V8 promise nothing about timing: a compiler may turn a select into a branch. V8's optimising
 *   compiler does not for the bitwise operations used, and multiplications and FMA take constant time on current x86-64
 *   and ARMv8 cores; denormal doubles, which do not, cannot occur (limbs are integers);
 * - scalars and results also live in JavaScript buffers of the caller, which the garbage collector may copy; only the
 *   memory of the module is wiped, after every call. Registers and the machine stack are not.
 *
 * Memory is bounded: a call is worked off in blocks of 1024 rows in a few hundred KiB, whatever its size.
 */
import { concatBytes, invariant } from '@tallystick/core'
import { sha256, sha512 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { HashInput, HashScaleInput, ScaleEachInput, ScaleInput, ScaleOutput } from './kernels.ts'
import { type Exports, instantiate, type Variant } from './module.ts'
import { checkHash, checkScalar, checkScale, checkScaleEach } from './shapes.ts'

export interface CurveEngine {
  readonly variant: Variant
  readonly hash: (input: HashInput) => Uint8Array
  readonly scale: (input: ScaleInput) => ScaleOutput
  readonly hashScale: (input: HashScaleInput) => ScaleOutput
  readonly scaleEach: (input: ScaleEachInput) => ScaleOutput
}

/** Tags over 255 bytes are hashed: RFC 9380 section 5.3.3. */
const shortTag = (dst: Uint8Array): Uint8Array =>
  dst.length <= 255 ? dst : sha512.create().update(utf8ToBytes('H2C-OVERSIZE-DST-')).update(dst).digest()

/** Puts the uniform bytes of messages [from, to) into the module; returns how many message bytes it holds then. */
function expand(exports: Exports, input: HashInput, from: number, to: number): number {
  const capacity = exports.MESSAGES_BYTES.value
  const address = exports.MESSAGES.value
  const memory = new Uint8Array(exports.memory.buffer)
  const { bytes, offsets } = input
  let dirty = 0
  for (let row = from; row < to;) {
    const start = offsets[row]!
    let next = row
    while (next < to && offsets[next + 1]! - start <= capacity) next++
    if (next > row) {
      const ends = new Uint32Array(exports.memory.buffer, exports.OFFSETS.value, next - row + 1)
      for (let i = row; i <= next; i++) ends[i - row] = offsets[i]! - start
      memory.set(bytes.subarray(start, offsets[next]), address)
      dirty = Math.max(dirty, offsets[next]! - start)
      exports.expandRows(row - from, next - row)
      row = next
      continue
    }
    // One message larger than the region: in pieces.
    exports.begin()
    for (let at = start; at < offsets[row + 1]!; at += capacity) {
      const piece = bytes.subarray(at, Math.min(at + capacity, offsets[row + 1]!))
      memory.set(piece, address)
      exports.absorb(address, piece.length)
    }
    exports.finish(row - from)
    dirty = capacity
    row++
  }
  return dirty
}

/** Runs `work`, which leaves (x : z) rows in the module, over blocks of rows, and collects their points. */
function blocks(exports: Exports, rows: number, work: (from: number, to: number) => void): ScaleOutput {
  const block = exports.BLOCK.value
  const points = new Uint8Array(32 * rows)
  let bad = -1
  try {
    for (let from = 0; from < rows; from += block) {
      const n = Math.min(block, rows - from)
      work(from, from + n)
      exports.normalise(n)
      const first = exports.write(n)
      if (bad < 0 && first >= 0) bad = from + first
      points.set(new Uint8Array(exports.memory.buffer, exports.POINTS.value, 32 * n), 32 * from)
    }
  } finally {
    exports.wipeCurve(Math.min(block, rows))
  }
  return { points, bad }
}

/** The kernels on one instance; `loadVariant` adds the self-test. */
export function engineOn(exports: Exports, variant: Variant): CurveEngine {
  const at = (address: number, length: number): Uint8Array => new Uint8Array(exports.memory.buffer, address, length)

  function hashed(input: HashInput, then: (rows: number) => void): ScaleOutput {
    const tag = shortTag(input.dst)
    at(exports.TAG.value, tag.length).set(tag)
    exports.setTag(tag.length)
    let dirty = 0
    try {
      return blocks(exports, input.offsets.length - 1, (from, to) => {
        dirty = Math.max(dirty, expand(exports, input, from, to))
        exports.mapRows(to - from)
        then(to - from)
      })
    } finally {
      exports.wipeExpand(dirty)
    }
  }

  return {
    variant,
    hash: (input) => hashed(checkHash(input), () => undefined).points,
    scale: (input) => {
      checkScale(input)
      at(exports.SCALAR.value, 32).set(input.scalar)
      return blocks(exports, input.points.length / 32, (from, to) => {
        at(exports.POINTS.value, 32 * (to - from)).set(input.points.subarray(32 * from, 32 * to))
        exports.read(to - from)
        exports.ladder(to - from)
      })
    },
    scaleEach: (input) => {
      const { scalars, points } = checkScaleEach(input)
      return blocks(exports, points.length / 32, (from, to) => {
        at(exports.SCALARS.value, 32 * (to - from)).set(scalars.subarray(32 * from, 32 * to))
        at(exports.POINTS.value, 32 * (to - from)).set(points.subarray(32 * from, 32 * to))
        exports.read(to - from)
        exports.ladderEach(to - from)
      })
    },
    hashScale: (input) => {
      checkScalar(checkHash(input))
      at(exports.SCALAR.value, 32).set(input.scalar)
      return hashed(input, (rows) => {
        exports.normalise(rows)
        exports.ladder(rows)
      })
    },
  }
}

/** SHA-256 of what {@link answers} gives by the references: computing it takes them longer than all else of loading. */
export const knownAnswers = 'bb76d94a5505af605fde2fda6f5a726df74cc69369c3ebae1c0f3be74eba63e8'

/** What each kernel gives for RFC 9380 appendix J.4.1, "abc", and multiples of it. */
export function answers(engine: Omit<CurveEngine, 'variant'>): Uint8Array {
  const dst = utf8ToBytes('QUUX-V01-CS02-with-curve25519_XMD:SHA-512_ELL2_RO_')
  const message: HashInput = { dst, bytes: utf8ToBytes('abcabc'), offsets: Uint32Array.of(0, 3, 6) }
  const scalar = Uint8Array.from({ length: 32 }, (_, i) => 255 - 7 * i)
  const points = engine.hash(message)
  const scaled = [
    engine.scale({ scalar, points }),
    engine.scaleEach({ scalars: concatBytes(scalar, scalar.toReversed()), points }),
    engine.hashScale({ ...message, scalar }),
  ]
  return concatBytes(points, ...scaled.map((out) => out.points), i32(scaled.map(({ bad }) => bad)))
}

const i32 = (values: readonly number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer)

const selfTest = (candidate: CurveEngine): boolean => bytesToHex(sha256(answers(candidate))) === knownAnswers

/** One variant, self-tested; undefined if this machine cannot run it right. */
export async function loadVariant(variant: Variant): Promise<CurveEngine | undefined> {
  const exports = await instantiate(variant)
  if (!exports) return undefined
  const candidate = engineOn(exports, variant)
  return selfTest(candidate) ? candidate : undefined
}

/** The fastest variant that this machine runs right. */
export async function loadCurve(): Promise<CurveEngine> {
  const best = (await loadVariant('fma')) ?? (await loadVariant('integer'))
  invariant(best, 'neither WebAssembly module of curve25519 passes its self-test on this machine')
  return best
}
