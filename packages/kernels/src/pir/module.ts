/**
 * WebAssembly instances of the PIR kernels over memories of their own. A large matrix is put where it is scanned, once:
 * {@link resident} gives bytes inside the memory of an instance, and an engine that meets such bytes works in place;
 * {@link sharedResident} gives them where several threads scan them at a time. Anything else is copied through a small
 * common instance, block by block.
 */
import { TallyError } from '@tallystick/core'
import { base64 } from './scan.wasm.ts'
import { base64 as sharedBase64 } from './shared.wasm.ts'
import { gaussTable } from './gauss.ts'

/** The exports of `assembly/pir/index.ts`. */
export interface Exports {
  readonly split: (from: number, columns: number, to: number) => void
  readonly scan: (matrix: number, columns: number, rows: number, query: number, out: number) => void
  readonly splitWide: (from: number, columns: number, to: number) => void
  readonly scanWide: (matrix: number, columns: number, rows: number, query: number, out: number, sums: number) => void
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
  /** Where what a caller puts begins: below is scratch, and holds nothing between calls. */
  readonly free: number
}

/** Addresses of scratch, of which several threads have one each. */
export interface Scratch {
  readonly raw: number
  readonly halves: number
  readonly out: number
}

/** Addresses in every instance, and sizes of what a {@link Scratch} has. */
export const layout = {
  lanes: 1 << 13,
  table: 1 << 14,
  scratch: 1 << 16,
  rawBytes: 1 << 20,
  halvesBytes: 1 << 23,
  outBytes: 1 << 21,
} as const
const scratchBytes = layout.rawBytes + layout.halvesBytes + layout.outBytes
/** Threads that may scan a shared memory at a time. */
const lanes = 16
const commonBytes = 8 << 20

const scratchAt = (lane: number): Scratch => {
  const raw = layout.scratch + lane * scratchBytes
  return { raw, halves: raw + layout.rawBytes, out: raw + layout.rawBytes + layout.halvesBytes }
}

/** The scratch of an instance that one thread works in. */
export const ownScratch: Scratch = scratchAt(0)

const decode = (text: string): Uint8Array<ArrayBuffer> => {
  const raw = atob(text)
  return Uint8Array.from({ length: raw.length }, (_, i) => raw.charCodeAt(i))
}

const page = 65_536
const mostPages = 65_536
const compiled = { alone: undefined, shared: undefined } as Record<Kind, WebAssembly.Module | undefined>

type Kind = 'alone' | 'shared'

const instantiate = (kind: Kind, memory: WebAssembly.Memory, free: number): Instance => {
  const module = (compiled[kind] ??= new WebAssembly.Module(decode(kind === 'shared' ? sharedBase64 : base64)))
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports
  return { exports, memory, bytes: new Uint8Array(memory.buffer), free }
}

const load = (kind: Kind, bytes: number): Instance => {
  const free = layout.scratch + scratchBytes * (kind === 'shared' ? lanes : 1)
  const pages = Math.ceil((free + bytes) / page)
  let memory: WebAssembly.Memory
  try {
    if (pages > mostPages) throw new RangeError('more than 4 GiB')
    memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: kind === 'shared' })
  } catch (cause) {
    const message = `no memory for a table of ${bytes} bytes beside ${free} of scratch`
    throw new TallyError('input/oversize', 'self', message, {
      cause,
      remedy: 'cut the table into several below 4 GiB, or use a machine with more memory',
    })
  }
  const instance = instantiate(kind, memory, free)
  const words = new BigUint64Array(memory.buffer, layout.table, 4 * gaussTable().length)
  for (const [i, entry] of gaussTable().entries()) {
    words.fill(entry >> 63n, 4 * i, 4 * i + 2)
    words.fill(entry & ((1n << 63n) - 1n), 4 * i + 2, 4 * i + 4)
  }
  return instance
}

let common: Instance | undefined

/** The instance through which what is not resident is copied: `commonBytes` from `free` on. */
export const commonInstance = (): Instance & { readonly room: number } => ({
  ...(common ??= load('alone', commonBytes)),
  room: commonBytes,
})

let wide = false

/** Whether scans of one query go in pairs of vectors, here and in threads that are lent memory. */
export const useWide = (on: boolean): void => void (wide = on)
export const isWide = (): boolean => wide

/** A new instance of what is compiled under the flags that V8 has now, for a test of them. */
export const freshInstance = (bytes: number): Instance => {
  compiled.alone = undefined
  compiled.shared = undefined
  common = undefined
  return load('alone', bytes)
}

const residents = new WeakMap<ArrayBufferLike, Instance>()

const place = (kind: Kind, length: number): Uint8Array => {
  const instance = load(kind, length)
  residents.set(instance.memory.buffer, instance)
  return new Uint8Array(instance.memory.buffer, instance.free, length)
}

/** `length` zero bytes, aligned to 64, in the memory of a WebAssembly instance of their own. @throws TallyError input/oversize */
export const resident = (length: number): Uint8Array<ArrayBuffer> => place('alone', length) as Uint8Array<ArrayBuffer>

/** The same in a memory that worker threads share: `pir/scan` over it runs in all of them. @throws TallyError input/oversize */
export const sharedResident = (length: number): Uint8Array<SharedArrayBuffer> =>
  place('shared', length) as Uint8Array<SharedArrayBuffer>

/** Bytes of a {@link sharedResident} on their way to another thread. */
export interface Lent {
  readonly memory: WebAssembly.Memory
  readonly byteOffset: number
  readonly length: number
  /** {@link useWide} of the thread that lends. */
  readonly wide: boolean
}

/** Of a page without cross-origin isolation there is no such class. */
const isShared = (buffer: ArrayBufferLike): boolean =>
  typeof SharedArrayBuffer !== 'undefined' && buffer instanceof SharedArrayBuffer

/** What stands for bytes of a shared memory in a message; undefined for any other value. */
export const lend = (value: unknown): Lent | undefined => {
  if (!(value instanceof Uint8Array) || !isShared(value.buffer)) return undefined
  const home = residents.get(value.buffer)
  return home && { memory: home.memory, byteOffset: value.byteOffset, length: value.length, wide }
}

/** Bytes that another thread has lent, in an instance of this thread's own over the same memory; else the value itself. */
export const borrow = (value: unknown): unknown => {
  const { memory, byteOffset, length, wide: widened = false } = (value ?? {}) as Partial<Lent>
  if (!(memory instanceof WebAssembly.Memory)) return value
  wide = widened
  residents.set(memory.buffer, instantiate('shared', memory, layout.scratch + lanes * scratchBytes))
  return new Uint8Array(memory.buffer, byteOffset, length)
}

/**
 * Calls `work` with scratch that no other thread uses meanwhile. Of a shared memory there are 16; a thread beyond that
 * waits. @throws TallyError invariant/broken in a thread that may not wait
 */
export const inScratch = <T>({ memory }: Instance, work: (scratch: Scratch) => T): T => {
  if (!isShared(memory.buffer)) return work(ownScratch)
  const taken = new Int32Array(memory.buffer, layout.lanes, lanes)
  for (;;) {
    for (let lane = 0; lane < lanes; lane++) {
      if (Atomics.compareExchange(taken, lane, 0, 1) !== 0) continue
      try {
        return work(scratchAt(lane))
      } finally {
        Atomics.store(taken, lane, 0)
        Atomics.notify(taken, 0)
      }
    }
    Atomics.wait(taken, 0, 1, 10)
  }
}

/** Reads resident bytes once and returns what is of no use: the bound of any scan, for benches. */
export const readMemory = (view: Uint8Array): number => {
  const instance = residentIn(view)
  return instance === undefined ? 0 : instance.exports.read(view.byteOffset, view.length - (view.length % 128))
}

/** The instance in whose memory these bytes lie, aligned. */
export const residentIn = (view: Uint8Array | Uint32Array): Instance | undefined => {
  const home = view.byteOffset % 16 === 0 ? residents.get(view.buffer) : undefined
  return home !== undefined && view.byteOffset >= home.free ? home : undefined
}
