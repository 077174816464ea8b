/**
 * `aes/*` in WebAssembly: bit-sliced, eight blocks at a time, without tables or secret-dependent branches. In Node the
 * OpenSSL entries of `native/aes.ts` stand in their place (AES instructions of the processor).
 */
import type { Engine } from '@tallystick/protocol'
import type { ExpandInput, HashInput, TweakedHashInput } from './kernels.ts'
import { hashKey } from './keys.ts'
import { type Exports, loadModule, setKey } from './module.ts'
import { checkBlocks, checkExpand, checkTweaked } from './shapes.ts'

/** 64 KiB a piece. */
const pieceBlocks = 4096
const pieceBytes = 16 * pieceBlocks

export async function loadAes(): Promise<Engine> {
  const arena = await loadModule()

  /** Runs `work` on pieces of the blocks, which lie at `at`; the result is at the address that it returns. */
  const map = (
    blocks: Uint8Array,
    work: (exports: Exports, at: number, n: number, first: number) => number,
  ): Uint8Array =>
    arena.run(3 * pieceBytes, (exports, base) => {
      setKey(exports, 0, hashKey, base)
      const memory = new Uint8Array(exports.memory.buffer)
      const out = new Uint8Array(blocks.length)
      for (let from = 0; from < blocks.length; from += pieceBytes) {
        const piece = blocks.subarray(from, from + pieceBytes)
        memory.set(piece, base)
        const result = work(exports, base, piece.length / 16, from / 16)
        out.set(memory.subarray(result, result + piece.length), from)
      }
      return out
    })

  const hash = (input: HashInput): Uint8Array =>
    map(checkBlocks('aes/hash', input).blocks, ({ encrypt, add }, at, n) => {
      encrypt(0, at, at + pieceBytes, n)
      add(at + pieceBytes, at, n)
      return at + pieceBytes
    })

  const tweakedHash = (input: TweakedHashInput): Uint8Array => {
    const { blocks, tweak } = checkTweaked(input)
    return map(blocks, ({ encrypt, add, addTweaks }, at, n, first) => {
      encrypt(0, at, at + pieceBytes, n)
      addTweaks(at + 2 * pieceBytes, at + pieceBytes, BigInt(tweak + first), n)
      encrypt(0, at + 2 * pieceBytes, at, n)
      add(at, at + pieceBytes, n)
      return at
    })
  }

  const expand = (input: ExpandInput): Uint8Array => {
    const { keys, width } = checkExpand(input)
    const out = new Uint8Array((keys.length / 16) * width)
    return arena.run(pieceBytes, (exports, base) => {
      const memory = new Uint8Array(exports.memory.buffer)
      for (let row = 0; row < keys.length / 16; row++) {
        setKey(exports, 1, keys.subarray(16 * row, 16 * row + 16), base)
        for (let from = 0; from < width; from += pieceBytes) {
          const length = Math.min(pieceBytes, width - from)
          exports.stream(1, base, from / 16, length / 16)
          out.set(memory.subarray(base, base + length), row * width + from)
        }
      }
      exports.wipeSlots()
      return out
    })
  }

  return { 'aes/hash': hash, 'aes/tweaked-hash': tweakedHash, 'aes/expand': expand }
}
