/**
 * `softspoken/*` in WebAssembly over any AES: key streams and the public permutation come from outside (the portable
 * ones here, OpenSSL's in native/softspoken.ts). Vectors are cut into tiles of 16 KiB.
 */
import type { Engine } from '@tallystick/protocol'
import { hashKey } from '../aes/keys.ts'
import { loadModule, setKey } from '../aes/module.ts'
import { arenaOf, layout, type ArenaExports } from '../arena.ts'
import type {
  Chosen,
  Known,
  ReceiveBitsInput,
  ReceiveBitsOutput,
  ReceiveProductsInput,
  ReceiveProductsOutput,
  SelectProductsInput,
  SendBitsInput,
  SendBitsOutput,
  SendProductsInput,
  SendProductsOutput,
} from './kernels.ts'
import {
  checkReceiveBits,
  checkReceiveProducts,
  checkSelectProducts,
  checkSendBits,
  checkSendProducts,
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
  readonly lowHalves: (a: number, b: number, out: number, n: number) => void
  readonly mask: (
    h0: number,
    h1: number,
    values: number,
    products: number,
    shares: number,
    bits: number,
    n: number,
  ) => void
  readonly gather: (h: number, shares: number, bits: number, n: number) => void
  readonly select: (choices: number, first: number, products: number, shares: number, bits: number, n: number) => void
}

/** Writes the next bytes of a key stream; whole blocks. */
export type Stream = (target: Uint8Array) => void
export interface Cipher {
  readonly stream: (key: Uint8Array) => Stream
  /** AES-128 under the key of the hash, block by block: `source` to `target`, at most a tile. */
  readonly permute: (target: Uint8Array, source: Uint8Array) => void
}

/** Rows that are hashed at once: 64 KiB of them, from so many bytes of each column. */
const tileRows = 4096
const partBytes = tileRows / 8
/** Hashes of a part, and those of a product that the part before began. */
const heldHashes = tileRows + 64

const tilesOf = (tileBytes: number, stride: number) =>
  layout({
    leaves: chunkLeaves * stride,
    sum: tileBytes,
    corrections: tileBytes,
    columns: 128 * stride,
    delta: 16,
    rows: 16 * tileRows,
    hashed: 16 * tileRows,
    shifted: 16 * tileRows,
    other: 16 * tileRows,
    zero: 8 * heldHashes,
    one: 8 * heldHashes,
    values: 8 * heldHashes,
    shares: 8 * heldHashes,
    products: 8 * heldHashes + 16,
  })

const selection = layout({
  choices: tileRows / 8 + 16,
  products: 8 * tileRows + 16,
  shares: 8 * tileRows,
})

interface Tile {
  readonly exports: Exports
  readonly at: ReturnType<ReturnType<typeof tilesOf>['from']>
  readonly memory: Uint8Array
}

const bytesOf = (limbs: Uint32Array): Uint8Array => new Uint8Array(limbs.buffer, limbs.byteOffset, limbs.byteLength)

/**
 * The group over an AES.
 * @param tileBytes of a column, whole blocks: each call of the cipher costs time, and long pieces do not stay in the cache
 */
export async function softspokenEngine({ stream, permute }: Cipher, tileBytes = 16_384): Promise<Engine> {
  const arena = await arenaOf<Exports>(base64)
  // Rows of odd numbers of blocks fall into different sets of the cache.
  const stride = tileBytes + (tileBytes % 32 === 0 ? 16 : 0)
  const tiles = tilesOf(tileBytes, stride)

  /**
   * The next states. `fix` is called for each chunk of each tile once its sums and columns are there, `use` for each part of
   * the tile's rows.
   */
  const stretch = (
    tile: Tile,
    seeds: Uint8Array,
    width: number,
    fix: (chunk: number, from: number, length: number) => void,
    use: (rows: number) => void,
  ): Uint8Array => {
    const { exports, at, memory } = tile
    const next = new Uint8Array(seeds.length)
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
        fix(chunk, from, length)
      }
      for (let part = 0; part < length; part += partBytes) {
        const rows = 8 * Math.min(partBytes, length - part)
        exports.transpose(at.columns + part, stride, at.rows, 16, rows)
        use(rows)
      }
    }
    return next
  }

  /** Runs `work` over tiles, and wipes what they leave behind. */
  const inTiles = <T>(work: (tile: Tile) => T): T =>
    arena.run(tiles.bytes, (exports, base) => {
      try {
        return work({ exports, at: tiles.from(base), memory: new Uint8Array(exports.memory.buffer) })
      } finally {
        exports.wipe()
      }
    })

  const receive = (tile: Tile, { seeds, choices }: Chosen, use: (rows: number) => void) => {
    const { exports, at, memory } = tile
    const width = choices.length
    const corrections = new Uint8Array(chunks * width)
    const fix = (chunk: number, from: number, length: number): void => {
      memory.set(choices.subarray(from, from + length), at.corrections)
      exports.add(at.sum, at.corrections, length)
      corrections.set(memory.subarray(at.sum, at.sum + length), chunk * width + from)
    }
    return { corrections, seeds: stretch(tile, seeds, width, fix, use) }
  }

  const send = (tile: Tile, { seeds, delta, corrections }: Known, use: (rows: number) => void): Uint8Array => {
    const { exports, at, memory } = tile
    const width = corrections.length / chunks
    memory.set(delta, at.delta)
    const fix = (chunk: number, from: number, length: number): void => {
      memory.set(corrections.subarray(chunk * width + from, chunk * width + from + length), at.corrections)
      exports.add(at.sum, at.corrections, length)
      const nibble = (delta[chunk >> 1]! >> (4 * (chunk & 1))) & 15
      exports.addMasked(at.columns + 4 * chunk * stride, stride, at.sum, length, nibble)
    }
    return stretch(tile, seeds, width, fix, use)
  }

  /** The hash is what is at `hashed` plus the rows. */
  const hashRows = ({ at, memory }: Tile, rows: number): void =>
    permute(memory.subarray(at.hashed, at.hashed + 16 * rows), memory.subarray(at.rows, at.rows + 16 * rows))

  /** The same for the rows plus Delta, at `other` and `shifted`. */
  const hashShifted = ({ exports, at, memory }: Tile, rows: number): void => {
    exports.shift(at.shifted, at.rows, at.delta, 16 * rows)
    permute(memory.subarray(at.other, at.other + 16 * rows), memory.subarray(at.shifted, at.shifted + 16 * rows))
  }

  const receiveBits = (input: ReceiveBitsInput): ReceiveBitsOutput => {
    const { choices } = checkReceiveBits(input)
    const hashes = new Uint32Array(choices.length / 4)
    const out = bytesOf(hashes)
    return inTiles((tile) => {
      const { exports, at, memory } = tile
      let done = 0
      const corrected = receive(tile, input, (rows) => {
        hashRows(tile, rows)
        exports.lowBits(at.hashed, at.rows, at.zero, rows)
        out.set(memory.subarray(at.zero, at.zero + rows / 8), done)
        done += rows / 8
      })
      return { ...corrected, hashes }
    })
  }

  const sendBits = (input: SendBitsInput): SendBitsOutput => {
    const words = checkSendBits(input).corrections.length / chunks / 4
    const [zero, one] = [new Uint32Array(words), new Uint32Array(words)]
    return inTiles((tile) => {
      const { exports, at, memory } = tile
      let done = 0
      const seeds = send(tile, input, (rows) => {
        hashRows(tile, rows)
        hashShifted(tile, rows)
        exports.lowBits(at.hashed, at.rows, at.zero, rows)
        exports.lowBits(at.other, at.shifted, at.one, rows)
        bytesOf(zero).set(memory.subarray(at.zero, at.zero + rows / 8), done)
        bytesOf(one).set(memory.subarray(at.one, at.one + rows / 8), done)
        done += rows / 8
      })
      return { zero, one, seeds }
    })
  }

  const receiveProducts = (input: ReceiveProductsInput): ReceiveProductsOutput => {
    const { bits, n } = checkReceiveProducts(input)
    const shares = new Uint32Array(2 * n)
    return inTiles((tile) => {
      const { exports, at, memory } = tile
      let [done, held] = [0, 0]
      const corrected = receive(tile, input, (rows) => {
        hashRows(tile, rows)
        exports.lowHalves(at.hashed, at.rows, at.zero + 8 * held, rows)
        const ready = Math.min(n - done, Math.floor((held + rows) / bits))
        exports.gather(at.zero, at.shares, bits, ready)
        bytesOf(shares).set(memory.subarray(at.shares, at.shares + 8 * ready), 8 * done)
        done += ready
        memory.copyWithin(at.zero, at.zero + 8 * ready * bits, at.zero + 8 * (held + rows))
        held += rows - ready * bits
      })
      return { ...corrected, shares }
    })
  }

  const sendProducts = (input: SendProductsInput): SendProductsOutput => {
    const { values, bits } = checkSendProducts(input)
    const n = values.length / 2
    const each = productBytes(bits)
    const products = new Uint8Array(n * each)
    const shares = new Uint32Array(2 * n)
    return inTiles((tile) => {
      const { exports, at, memory } = tile
      let [done, held] = [0, 0]
      const seeds = send(tile, input, (rows) => {
        hashRows(tile, rows)
        hashShifted(tile, rows)
        exports.lowHalves(at.hashed, at.rows, at.zero + 8 * held, rows)
        exports.lowHalves(at.other, at.shifted, at.one + 8 * held, rows)
        const ready = Math.min(n - done, Math.floor((held + rows) / bits))
        memory.set(bytesOf(values).subarray(8 * done, 8 * (done + ready)), at.values)
        exports.mask(at.zero, at.one, at.values, at.products, at.shares, bits, ready)
        products.set(memory.subarray(at.products, at.products + each * ready), each * done)
        bytesOf(shares).set(memory.subarray(at.shares, at.shares + 8 * ready), 8 * done)
        done += ready
        for (const place of [at.zero, at.one]) {
          memory.copyWithin(place, place + 8 * ready * bits, place + 8 * (held + rows))
        }
        held += rows - ready * bits
      })
      return { products, shares, seeds }
    })
  }

  const selectProducts = (input: SelectProductsInput): Uint32Array => {
    const { choices, products, bits, n } = checkSelectProducts(input)
    const each = productBytes(bits)
    const shares = new Uint32Array(2 * n)
    const step = Math.floor(tileRows / bits)
    return arena.run(selection.bytes, (exports, base) => {
      const memory = new Uint8Array(exports.memory.buffer)
      const at = selection.from(base)
      for (let first = 0; first < n; first += step) {
        const count = Math.min(step, n - first)
        const bit = bits * first
        memory.set(choices.subarray(bit >> 3, (bit + bits * count + 7) >> 3), at.choices)
        memory.set(products.subarray(first * each, (first + count) * each), at.products)
        exports.select(at.choices, bit & 7, at.products, at.shares, bits, count)
        bytesOf(shares).set(memory.subarray(at.shares, at.shares + 8 * count), 8 * first)
      }
      return shares
    })
  }

  return {
    'softspoken/receive-bits': receiveBits,
    'softspoken/send-bits': sendBits,
    'softspoken/receive-products': receiveProducts,
    'softspoken/send-products': sendProducts,
    'softspoken/select-products': selectProducts,
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
