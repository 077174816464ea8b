/** The WebAssembly module of AES and GGM trees, and what it exports; addresses are in `memory`. */
import { type Arena, type ArenaExports, arenaOf } from '../arena.ts'
import { base64 } from './simd.wasm.ts'

export interface Exports extends ArenaExports {
  readonly schedule: (slot: number, key: number) => void
  readonly encrypt: (slot: number, input: number, output: number, blocks: number) => void
  readonly stream: (slot: number, output: number, first: number, blocks: number) => void
  readonly add: (target: number, source: number, blocks: number) => void
  readonly addTweaks: (target: number, source: number, tweak: bigint, blocks: number) => void
  readonly wipeSlots: () => void
  readonly grow: (
    parents: number,
    zero: number,
    one: number,
    children: number,
    sums: number,
    width: number,
    below: number,
    first: number,
    count: number,
  ) => void
}

let loading: Promise<Arena<Exports>> | undefined

export const loadModule = (): Promise<Arena<Exports>> => (loading ??= arenaOf<Exports>(base64))

/** Puts a key's round keys into a slot (0 to 3); `at` is a free address. */
export function setKey(exports: Exports, slot: number, key: Uint8Array, at: number): void {
  const place = new Uint8Array(exports.memory.buffer, at, 16)
  place.set(key)
  exports.schedule(slot, at)
  place.fill(0)
}
