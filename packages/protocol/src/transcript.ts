/**
 * The transcript of one party: a SHA-256 chain for each (directed link, step), not one global chain, so that the heads
 * do not depend on the order in which concurrent branches happened to run.
 *
 *     head_0 = H(tag ‖ binding ‖ from ‖ to ‖ step)        head_(i+1) = SHA-256(head_i ‖ u32 length ‖ body)
 *
 * The binding (specHash, session, attempt) makes a frame of another session change every head after it.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { compareBytes, concatBytes, taggedDigest, u32, utf8ToBytes, type Digest } from '@tallystick/core'
import type { Step } from './effects.ts'

/** SHA-256 of the concatenation; a driver may bring a faster one than the portable default. */
export type Hash = (...parts: readonly Uint8Array[]) => Uint8Array

const portableHash: Hash = (...parts) => {
  const hash = sha256.create()
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** One chain: how many frames it has taken in and where it stands. */
export interface Head {
  readonly from: string
  readonly to: string
  readonly step: Step
  readonly frames: number
  readonly head: Uint8Array
}

export interface Transcript {
  /** Takes in the next frame of a chain. */
  append(from: string, to: string, step: Step, body: Uint8Array): void
  /** All chains in the order (from, to, step). */
  heads(): readonly Head[]
  /** Digest of the chains of one directed link. */
  link(from: string, to: string): Digest
}

interface Chain {
  frames: number
  head: Uint8Array
}

const byStep = (a: readonly [Step, Chain], b: readonly [Step, Chain]): number =>
  compareBytes(utf8ToBytes(a[0]), utf8ToBytes(b[0]))

export const createTranscript = (binding: Uint8Array, hash: Hash = portableHash): Transcript => {
  const links = new Map<string, Map<Step, Chain>>()
  const key = (from: string, to: string): string => `${from}>${to}`
  const sorted = (chains: Map<Step, Chain> | undefined) => [...(chains ?? [])].sort(byStep)
  return {
    append(from, to, step, body) {
      const name = key(from, to)
      let chains = links.get(name)
      if (chains === undefined) links.set(name, (chains = new Map()))
      let chain = chains.get(step)
      if (chain === undefined) {
        const head = taggedDigest('tallystick/chain/v1', binding, from, to, step)
        chains.set(step, (chain = { frames: 0, head }))
      }
      chain.head = hash(chain.head, u32(body.length), body)
      chain.frames++
    },
    heads: () =>
      [...links]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([name, chains]) => {
          const [from, to] = name.split('>') as [string, string]
          return sorted(chains).map(([step, { frames, head }]) => ({ from, to, step, frames, head }))
        }),
    link(from, to) {
      const parts = sorted(links.get(key(from, to))).flatMap(([step, { frames, head }]) => [
        utf8ToBytes(step),
        concatBytes(u32(frames), head),
      ])
      return taggedDigest('tallystick/link/v1', binding, from, to, ...parts)
    },
  }
}
