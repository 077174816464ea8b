/**
 * WebAssembly instances of the PIR kernels over memories of their own. A large matrix is put where it is scanned, once:
 * {@link resident} gives bytes inside the memory of an instance, and an engine that meets such bytes works in place.
 * Anything else is copied through a small common instance, block by block.
 */
import { TallyError } from '@tallystick/core'
import { base64 } from './scan.wasm.ts'
import { gaussTable } from './gauss.ts'

/** The exports of `assembly/pir/index.ts`. */
export interface Exports {
  readonly split: (from: number, columns: number, to: number) => void
  readonly scan: (matrix: number, columns: number, rows: number, query: number, out: number) => void
  readonly scanBatch: (
    matrix: number,
    columns: number,
    rows: number,
    queries: number,
    out: number,
    count: number,
  ) => void
  readonly multiply: (matrix: number, inner: number, rows: number, vector: number, out: number) => void
  readonly patch: (
    words: number,
    inner: number,
    width: number,
    differences: number,
    pairs: number,
    rows: number,
    halves: number,
  ) => void
  readonly gauss: (coins: number, count: number, table: number, entries: number, out: number) => void
  readonly read: (from: number, bytes: number) => number
}

export interface Instance {
  readonly exports: Exports
  readonly memory: WebAssembly.Memory
  /** Bytes of the memory, also those beyond 2 GiB. */
  readonly bytes: Uint8Array
}

/** Addresses in every instance; what lies below `free` is scratch, and holds nothing between calls. */
export const layout = {
  table: 1 << 14,
  raw: 1 << 16,
  rawBytes: 1 << 20,
  halves: (1 << 16) + (1 << 20),
  halvesBytes: 1 << 23,
  out: (1 << 16) + (1 << 20) + (1 << 23),
  outBytes: 1 << 21,
  free: 12 << 20,
} as const
const commonBytes = 8 << 20

const decode = (text: string): Uint8Array<ArrayBuffer> => {
  const raw = atob(text)
  return Uint8Array.from({ length: raw.length }, (_, i) => raw.charCodeAt(i))
}

const page = 65_536
const mostPages = 65_536
let compiled: WebAssembly.Module | undefined

const load = (bytes: number): Instance => {
  compiled ??= new WebAssembly.Module(decode(base64))
  const pages = Math.ceil((layout.free + bytes) / page)
  let memory: WebAssembly.Memory
  try {
    if (pages > mostPages) throw new RangeError('more than 4 GiB')
    memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  } catch (cause) {
    const message = `no memory for a table of ${bytes} bytes beside ${layout.free} of scratch`
    throw new TallyError('input/oversize', 'self', message, {
      cause,
      remedy: 'cut the table into segments below 4 GiB, or use a machine with more memory',
    })
  }
  const exports = new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as Exports
  const view = new Uint8Array(memory.buffer)
  const words = new BigUint64Array(memory.buffer, layout.table, 4 * gaussTable().length)
  for (const [i, entry] of gaussTable().entries()) {
    words.fill(entry >> 63n, 4 * i, 4 * i + 2)
    words.fill(entry & ((1n << 63n) - 1n), 4 * i + 2, 4 * i + 4)
  }
  return { exports, memory, bytes: view }
}

let common: Instance | undefined

/** The instance through which what is not resident is copied: `commonBytes` from `layout.free` on. */
export const commonInstance = (): Instance & { readonly room: number } => ({
  ...(common ??= load(commonBytes)),
  room: commonBytes,
})

const residents = new WeakMap<ArrayBufferLike, Instance>()

/** `length` zero bytes, aligned to 64, in the memory of a WebAssembly instance of their own. @throws TallyError input/oversize */
export const resident = (length: number): Uint8Array<ArrayBuffer> => {
  const instance = load(length)
  residents.set(instance.memory.buffer, instance)
  return new Uint8Array(instance.memory.buffer, layout.free, length)
}

/** Reads resident bytes once and returns what is of no use: the bound of any scan, for benches. */
export const readMemory = (view: Uint8Array): number => {
  const instance = residentIn(view)
  return instance === undefined ? 0 : instance.exports.read(view.byteOffset, view.length - (view.length % 128))
}

/** The instance in whose memory these bytes lie, aligned. */
export const residentIn = (view: Uint8Array | Uint32Array): Instance | undefined =>
  view.byteOffset % 16 === 0 && view.byteOffset >= layout.free ? residents.get(view.buffer) : undefined
