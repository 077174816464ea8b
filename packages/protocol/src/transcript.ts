/**
 * The transcript of one party: a SHA-256 chain for each (directed link, step), not one global chain, so that the heads
 * do not depend on the order in which concurrent branches happened to run.
 *
 *     head_0 = H(tag ‖ binding ‖ from ‖ to ‖ step)        head_(i+1) = SHA-256(head_i ‖ u32 length ‖ body)
 *
 * The binding (specHash, session, attempt) makes a frame of another session change every head after it.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { compareBytes, concatBytes, u32, utf8ToBytes, type Digest } from '@tallystick/core'
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
  /** Takes in the next frame of a chain; the body is copied where it is not hashed at once. */
  append(from: string, to: string, step: Step, body: Uint8Array): void
  /** Hashes what was appended so far. Heads and links do so themselves; a driver calls it where nobody waits. */
  settle(): void
  /** All chains in the order (from, to, step). */
  heads(): readonly Head[]
  /** Digest of the chains of one directed link. */
  link(from: string, to: string): Digest
}

interface Chain {
  frames: number
  head: Uint8Array
}

interface DirectedLink {
  readonly from: string
  readonly to: string
  /** What the first heads of this link have in common: tag ‖ binding ‖ from ‖ to, each with its length. */
  readonly prefix: Uint8Array
  readonly chains: Map<Step, Chain>
}

const sized = (part: Uint8Array): Uint8Array => concatBytes(u32(part.length), part)

const headBytes = 32
/** Small frames wait here, each as its link in the chain: room for the head ‖ u32 length ‖ body. Larger are hashed at once. */
const waitingBytes = 64 * 1024
const largestWaiting = 4096
/** A buffer that no transcript has frames in: there may be many transcripts, few of them at work. */
let spare: Uint8Array | undefined

export const createTranscript = (binding: Uint8Array, hash: Hash = portableHash): Transcript => {
  const links = new Map<string, DirectedLink>()
  const linkOf = (from: string, to: string): DirectedLink => {
    const key = `${from}>${to}`
    let link = links.get(key)
    if (link === undefined) {
      const parts = [utf8ToBytes('tallystick/chain/v1'), binding, utf8ToBytes(from), utf8ToBytes(to)]
      link = { from, to, prefix: concatBytes(...parts.map(sized)), chains: new Map() }
      links.set(key, link)
    }
    return link
  }
  /** The tagged digest of (binding, from, to, step), by the hash that the driver brought: one for every step. */
  const firstHead = ({ prefix }: DirectedLink, step: Step): Uint8Array =>
    hash(concatBytes(prefix, sized(utf8ToBytes(step))))
  const chainOf = (link: DirectedLink, step: Step): Chain => {
    let chain = link.chains.get(step)
    if (chain === undefined) link.chains.set(step, (chain = { frames: 0, head: firstHead(link, step) }))
    return chain
  }
  const sorted = ({ chains }: DirectedLink) =>
    [...chains]
      .map(([step, chain]) => ({ step, chain, bytes: utf8ToBytes(step) }))
      .sort((a, b) => compareBytes(a.bytes, b.bytes))

  let waiting: { readonly link: DirectedLink; readonly step: Step; readonly start: number; readonly end: number }[] = []
  let buffer: Uint8Array | undefined
  let used = 0
  const settle = (): void => {
    for (const { link, step, start, end } of waiting) {
      const chain = chainOf(link, step)
      buffer!.set(chain.head, start)
      // A copy: what a native hash returns is alone in memory outside the heap, a lot for 32 bytes that are kept.
      chain.head = Uint8Array.from(hash(buffer!.subarray(start, end)))
      chain.frames++
    }
    if (buffer === undefined) return
    spare = buffer
    buffer = undefined
    waiting = []
    used = 0
  }
  return {
    append(from, to, step, body) {
      const link = linkOf(from, to)
      const bytes = headBytes + 4 + body.length
      if (used + bytes > waitingBytes || body.length > largestWaiting) settle()
      if (body.length > largestWaiting) {
        const chain = chainOf(link, step)
        chain.head = hash(chain.head, u32(body.length), body)
        chain.frames++
        return
      }
      buffer ??= spare ?? new Uint8Array(waitingBytes)
      spare = undefined
      const start = used
      used += bytes
      buffer.set(u32(body.length), start + headBytes)
      buffer.set(body, start + headBytes + 4)
      waiting.push({ link, step, start, end: used })
    },
    settle,
    heads() {
      settle()
      return [...links]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([, link]) =>
          sorted(link).map(({ step, chain }) => ({ from: link.from, to: link.to, step, ...chain })),
        )
    },
    link(from, to) {
      settle()
      // The tagged digest of (binding, from, to, step, frames ‖ head, step, …), by the hash that the driver brought.
      const link = links.get(`${from}>${to}`)
      const start = [utf8ToBytes('tallystick/link/v1'), binding, utf8ToBytes(from), utf8ToBytes(to)]
      const chains = link === undefined ? [] : sorted(link)
      const size = chains.reduce((sum, { bytes, chain }) => sum + 4 + bytes.length + 8 + chain.head.length, 0)
      const all = new Uint8Array(size)
      const view = new DataView(all.buffer)
      let at = 0
      for (const { bytes, chain } of chains) {
        view.setUint32(at, bytes.length)
        all.set(bytes, at + 4)
        at += 4 + bytes.length
        view.setUint32(at, 4 + chain.head.length)
        view.setUint32(at + 4, chain.frames)
        all.set(chain.head, at + 8)
        at += 8 + chain.head.length
      }
      return hash(...start.map(sized), all) as Digest
    },
  }
}
