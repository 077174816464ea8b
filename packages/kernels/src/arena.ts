/**
 * Linear memory for kernels whose tables are as large as their input. A call says how many bytes it needs; it is given
 * an instance and the address where they start, all zero. Large calls have an instance of their own, since the memory of
 * WebAssembly never shrinks: the garbage collector takes it whole, as it does with the caller's tables. The shared
 * instance is wiped when a call returns.
 */
import { TallyError } from '@tallystick/core'

export interface ArenaExports {
  readonly memory: WebAssembly.Memory
  /** First address that the module does not use itself. */
  readonly BASE: WebAssembly.Global<'i32'>
}

export interface Arena<E extends ArenaExports> {
  /** `work` has `bytes` zero bytes from `base` on. */
  run<T>(bytes: number, work: (exports: E, base: number) => T): T
}

const page = 65_536
/** Up to here calls share one instance. */
const shared = 8 * 1024 * 1024
/** 4 GiB less a page. */
const most = 65_535 * page

export const decode = (base64: string): Uint8Array<ArrayBuffer> => {
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

/** An address aligned to 16 bytes, at or after `at`. */
export const align = (at: number): number => Math.ceil(at / 16) * 16

/** Consecutive regions of named sizes: how many bytes they take, and where each starts from a base on. */
export function layout<K extends string>(sizes: Readonly<Record<K, number>>) {
  const offsets: [name: string, offset: number][] = []
  let bytes = 0
  for (const [name, size] of Object.entries<number>(sizes)) {
    offsets.push([name, bytes])
    bytes = align(bytes + size)
  }
  const from = (base: number): Record<K, number> =>
    Object.fromEntries(offsets.map(([name, offset]) => [name, base + offset])) as Record<K, number>
  return { bytes, from }
}

/** Compiles a module that has no imports. @throws TallyError api/misuse in `run` for a call of more than 4 GiB. */
export async function arenaOf<E extends ArenaExports>(base64: string): Promise<Arena<E>> {
  const module = await WebAssembly.compile(decode(base64))
  const instantiate = (): E => new WebAssembly.Instance(module, {}).exports as unknown as E
  const common = instantiate()
  const grow = (exports: E, bytes: number): void => {
    const missing = exports.BASE.value + bytes - exports.memory.buffer.byteLength
    if (missing > 0) exports.memory.grow(Math.ceil(missing / page))
  }
  return {
    run(bytes, work) {
      if (!(bytes + common.BASE.value <= most)) {
        throw new TallyError('api/misuse', 'self', `expected a kernel call within 4 GiB, found one of ${bytes} bytes`)
      }
      const exports = bytes <= shared ? common : instantiate()
      const base = exports.BASE.value
      grow(exports, bytes)
      try {
        return work(exports, base)
      } finally {
        if (exports === common) new Uint8Array(exports.memory.buffer, base, bytes).fill(0)
      }
    },
  }
}
