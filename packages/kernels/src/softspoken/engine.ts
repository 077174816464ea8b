/**
 * `softspoken/*` in WebAssembly over any AES: key streams and the public permutation come from outside (the portable
 * ones here, OpenSSL's in native/softspoken.ts). Vectors are cut into tiles of 8 KiB, so that 128 columns stay in the cache.
 */
import type { Engine } from '@tallystick/protocol'
import { hashKey } from '../aes/keys.ts'
import { loadModule, setKey } from '../aes/module.ts'
import { arenaOf, layout, type ArenaExports } from '../arena.ts'
import type {
  BitsInput,
  OwnProductsInput,
  OwnProductsOutput,
  PeerProductsInput,
  ReceiveInput,
  ReceiveOutput,
  SendInput,
  SendOutput,
} from './kernels.ts'
import {
  checkBits,
  checkOwnProducts,
  checkPeerProducts,
  checkReceive,
  checkSend,
  chunkLeaves,
  chunks,
  productBytes,
} from './shapes.ts'
import { base64 } from './simd.wasm.ts'

interface Exports extends ArenaExports {
  readonly transpose: (input: number, stride: number, output: number, step: number, columns: number) => void
  readonly wipe: () => void
  readonly fold: (leaves: number, stride: number, bytes: number, sum: number, columns: number, step: number) => void
  readonly add: (target: number, source: number, bytes: number) => void
  readonly addMasked: (columns: number, step: number, sum: number, bytes: number, nibble: number) => void
  readonly shift: (target: number, source: number, delta: number, bytes: number) => void
  readonly lowBits: (a: number, b: number, out: number, n: number) => void
  readonly own: (
    x0: number,
    y0: number,
    x1: number,
    y1: number,
    values: number,
    corrections: number,
    shares: number,
    bits: number,
    n: number,
  ) => number
  readonly peer: (
    x: number,
    y: number,
    choices: number,
    first: number,
    corrections: number,
    shares: number,
    bits: number,
    n: number,
  ) => number
}

/** Writes the next bytes of a key stream; whole blocks. */
export type Stream = (target: Uint8Array) => void
export interface Cipher {
  readonly stream: (key: Uint8Array) => Stream
  /** AES-128 under the key of the hash, block by block: `source` to `target`, at most a tile. */
  readonly permute: (target: Uint8Array, source: Uint8Array) => void
}

const tileBytes = 8192
/** Rows of odd numbers of blocks fall into different sets of the cache. */
const stride = tileBytes + 16
/** Rows that are hashed at once: 64 KiB. */
const tileRows = 4096

const columnsLayout = layout({
  leaves: chunkLeaves * stride,
  sum: tileBytes,
  corrections: tileBytes,
  columns: 128 * stride,
  rows: 128 * tileBytes,
})

const hashLayout = layout({
  delta: 16,
  rows: 16 * tileRows,
  hashed: 16 * tileRows,
  shifted: 16 * tileRows,
  other: 16 * tileRows,
  values: 8 * tileRows,
  shares: 8 * tileRows,
  choices: tileRows / 8 + 16,
  corrections: 8 * tileRows + 16,
})

/** The group over an AES. */
export async function softspokenEngine({ stream, permute }: Cipher): Promise<Engine> {
  const arena = await arenaOf<Exports>(base64)

  /** Rows and next states; `fix` is called for each chunk of each tile once its sums and columns are there. */
  const stretch = (
    seeds: Uint8Array,
    width: number,
    fix: (
      exports: Exports,
      at: ReturnType<typeof columnsLayout.from>,
      memory: Uint8Array,
      chunk: number,
      from: number,
      length: number,
    ) => void,
  ): SendOutput =>
    arena.run(columnsLayout.bytes, (exports, base) => {
      const memory = new Uint8Array(exports.memory.buffer)
      const at = columnsLayout.from(base)
      const next = new Uint8Array(seeds.length)
      const out = new Uint8Array(128 * width)
      const streams = Array.from({ length: chunks * chunkLeaves }, (_, i) => {
        const leaf = stream(seeds.subarray(16 * i, 16 * i + 16))
        leaf(next.subarray(16 * i, 16 * i + 16))
        return leaf
      })
      for (let from = 0; from < width; from += tileBytes) {
        const length = Math.min(tileBytes, width - from)
        for (let chunk = 0; chunk < chunks; chunk++) {
          for (let leaf = 0; leaf < chunkLeaves; leaf++) {
            const place = at.leaves + leaf * stride
            streams[chunk * chunkLeaves + leaf]!(memory.subarray(place, place + length))
          }
          exports.fold(at.leaves, stride, length, at.sum, at.columns + 4 * chunk * stride, stride)
          fix(exports, at, memory, chunk, from, length)
        }
        exports.transpose(at.columns, stride, at.rows, 16, 8 * length)
        out.set(memory.subarray(at.rows, at.rows + 128 * length), 128 * from)
      }
      exports.wipe()
      return { rows: out, seeds: next }
    })

  const receive = (input: ReceiveInput): ReceiveOutput => {
    const { seeds, choices } = checkReceive(input)
    const width = choices.length
    const corrections = new Uint8Array(chunks * width)
    const stretched = stretch(seeds, width, ({ add }, at, memory, chunk, from, length) => {
      memory.set(choices.subarray(from, from + length), at.corrections)
      add(at.sum, at.corrections, length)
      corrections.set(memory.subarray(at.sum, at.sum + length), chunk * width + from)
    })
    return { corrections, ...stretched }
  }

  const send = (input: SendInput): SendOutput => {
    const { seeds, delta, corrections } = checkSend(input)
    const width = corrections.length / chunks
    return stretch(seeds, width, ({ add, addMasked }, at, memory, chunk, from, length) => {
      memory.set(corrections.subarray(chunk * width + from, chunk * width + from + length), at.corrections)
      add(at.sum, at.corrections, length)
      const nibble = (delta[chunk >> 1]! >> (4 * (chunk & 1))) & 15
      addMasked(at.columns + 4 * chunk * stride, stride, at.sum, length, nibble)
    })
  }

  const bits = (input: BitsInput): Uint32Array => {
    const { rows, delta } = checkBits(input)
    const out = new Uint32Array(rows.length / 512)
    const outBytes = new Uint8Array(out.buffer)
    return arena.run(hashLayout.bytes, (exports, base) => {
      const memory = new Uint8Array(exports.memory.buffer)
      const at = hashLayout.from(base)
      memory.set(delta, at.delta)
      for (let from = 0; from < rows.length; from += 16 * tileRows) {
        const piece = rows.subarray(from, from + 16 * tileRows)
        const { length } = piece
        memory.set(piece, at.rows)
        exports.shift(at.shifted, at.rows, at.delta, length)
        permute(memory.subarray(at.hashed, at.hashed + length), memory.subarray(at.shifted, at.shifted + length))
        exports.lowBits(at.hashed, at.shifted, at.shares, length / 16)
        outBytes.set(memory.subarray(at.shares, at.shares + length / 128), from / 128)
      }
      return out
    })
  }

  const ownProducts = (input: OwnProductsInput): OwnProductsOutput => {
    const { rows, delta, values, bits: width } = checkOwnProducts(input)
    const n = values.length / 2
    const each = productBytes(width)
    const corrections = new Uint8Array(n * each)
    const shares = new Uint32Array(values.length)
    const [from, to] = [values, shares].map((part) => new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
    const step = Math.floor(tileRows / width)
    return arena.run(hashLayout.bytes, (exports, base) => {
      const memory = new Uint8Array(exports.memory.buffer)
      const at = hashLayout.from(base)
      memory.set(delta, at.delta)
      for (let first = 0; first < n; first += step) {
        const count = Math.min(step, n - first)
        const length = 16 * width * count
        const region = (place: number): Uint8Array => memory.subarray(place, place + length)
        memory.set(rows.subarray(16 * width * first, 16 * width * first + length), at.rows)
        memory.set(from!.subarray(8 * first, 8 * (first + count)), at.values)
        exports.shift(at.shifted, at.rows, at.delta, length)
        permute(region(at.hashed), region(at.rows))
        permute(region(at.other), region(at.shifted))
        exports.own(at.hashed, at.rows, at.other, at.shifted, at.values, at.corrections, at.shares, width, count)
        corrections.set(memory.subarray(at.corrections, at.corrections + count * each), first * each)
        to!.set(memory.subarray(at.shares, at.shares + 8 * count), 8 * first)
      }
      return { corrections, shares }
    })
  }

  const peerProducts = (input: PeerProductsInput): Uint32Array => {
    const { rows, choices, corrections, bits: width } = checkPeerProducts(input)
    const n = rows.length / 16 / width
    const each = productBytes(width)
    const shares = new Uint32Array(2 * n)
    const to = new Uint8Array(shares.buffer)
    const step = Math.floor(tileRows / width)
    return arena.run(hashLayout.bytes, (exports, base) => {
      const memory = new Uint8Array(exports.memory.buffer)
      const at = hashLayout.from(base)
      for (let first = 0; first < n; first += step) {
        const count = Math.min(step, n - first)
        const length = 16 * width * count
        const bit = width * first
        memory.set(rows.subarray(16 * bit, 16 * bit + length), at.rows)
        memory.set(choices.subarray(bit >> 3, (bit + width * count + 7) >> 3), at.choices)
        memory.set(corrections.subarray(first * each, (first + count) * each), at.corrections)
        permute(memory.subarray(at.hashed, at.hashed + length), memory.subarray(at.rows, at.rows + length))
        exports.peer(at.hashed, at.rows, at.choices, bit & 7, at.corrections, at.shares, width, count)
        to.set(memory.subarray(at.shares, at.shares + 8 * count), 8 * first)
      }
      return shares
    })
  }

  return {
    'softspoken/receive': receive,
    'softspoken/send': send,
    'softspoken/bits': bits,
    'softspoken/own-products': ownProducts,
    'softspoken/peer-products': peerProducts,
  }
}

/** With the bit-sliced AES of this package. */
export async function loadSoftspoken(): Promise<Engine> {
  const aes = await loadModule()
  const blocks = 16 * tileRows
  return softspokenEngine({
    stream: (key) => {
      let done = 0
      return (target) => {
        const count = target.length / 16
        aes.run(target.length + 16, (exports, base) => {
          setKey(exports, 1, key, base + target.length)
          exports.stream(1, base, done, count)
          target.set(new Uint8Array(exports.memory.buffer, base, target.length))
          exports.wipeSlots()
        })
        done += count
      }
    },
    permute: (target, source) =>
      aes.run(2 * blocks, (exports, base) => {
        setKey(exports, 0, hashKey, base)
        const memory = new Uint8Array(exports.memory.buffer)
        memory.set(source, base)
        exports.encrypt(0, base, base + blocks, source.length / 16)
        target.set(memory.subarray(base + blocks, base + blocks + source.length))
      }),
  })
}
