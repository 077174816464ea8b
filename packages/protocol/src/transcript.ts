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
  /** Where the head stands: programs with a step for each message have very many, and an array for each costs more than its hash. */
  readonly heads: Uint8Array
  readonly at: number
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
const headsTogether = 256
/** Small frames wait here, each as its link in the chain: room for the head ‖ u32 length ‖ body. Larger are hashed at once. */
const waitingBytes = 64 * 1024
const largestWaiting = 4096
/** A buffer that no transcript has frames in: there may be many transcripts, few of them at work. */
let spare: Uint8Array | undefined

const putU32 = (target: Uint8Array, at: number, value: number): void => {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
}

/** Names of steps are ASCII, but for those of a test: these are copied without an encoder. */
const putStep = (target: Uint8Array, at: number, step: Step): number => {
  for (let i = 0; i < step.length; i++) {
    const code = step.charCodeAt(i)
    if (code > 0x7f) {
      const bytes = utf8ToBytes(step)
      target.set(bytes, at)
      return at + bytes.length
    }
    target[at + i] = code
  }
  return at + step.length
}

interface Named {
  readonly step: Step
  readonly bytes: Uint8Array
}

/** In the order of their bytes, which is that of the text where both are ASCII. */
const byBytes = (a: Named, b: Named): number => {
  if (a.bytes.length !== a.step.length || b.bytes.length !== b.step.length) return compareBytes(a.bytes, b.bytes)
  return a.step < b.step ? -1 : a.step > b.step ? 1 : 0
}

export const createTranscript = (binding: Uint8Array, hash: Hash = portableHash): Transcript => {
  const links: DirectedLink[] = []
  const existing = (from: string, to: string): DirectedLink | undefined => {
    for (const link of links) if (link.from === from && link.to === to) return link
    return undefined
  }
  const linkOf = (from: string, to: string): DirectedLink => {
    let link = existing(from, to)
    if (link === undefined) {
      const parts = [utf8ToBytes('tallystick/chain/v1'), binding, utf8ToBytes(from), utf8ToBytes(to)]
      link = { from, to, prefix: concatBytes(...parts.map(sized)), chains: new Map() }
      links.push(link)
    }
    return link
  }
  let slab = new Uint8Array(0)
  let used = 0
  let draft = new Uint8Array(0)
  /** The tagged digest of (binding, from, to, step), by the hash that the driver brought: one for every step. */
  const firstHead = ({ prefix }: DirectedLink, step: Step): Uint8Array => {
    const most = prefix.length + 4 + 3 * step.length
    if (draft.length < most) draft = new Uint8Array(2 * most)
    draft.set(prefix)
    const end = putStep(draft, prefix.length + 4, step)
    putU32(draft, prefix.length, end - prefix.length - 4)
    return hash(draft.subarray(0, end))
  }
  const chainOf = (link: DirectedLink, step: Step): Chain => {
    let chain = link.chains.get(step)
    if (chain !== undefined) return chain
    if (used === slab.length) {
      slab = new Uint8Array(headBytes * headsTogether)
      used = 0
    }
    slab.set(firstHead(link, step), used)
    chain = { frames: 0, heads: slab, at: used }
    used += headBytes
    link.chains.set(step, chain)
    return chain
  }
  const headOf = ({ heads, at }: Chain): Uint8Array => heads.subarray(at, at + headBytes)
  const sorted = ({ chains }: DirectedLink) =>
    [...chains].map(([step, chain]) => ({ step, chain, bytes: utf8ToBytes(step) })).sort(byBytes)

  /** Frames that are not hashed yet, and where each ends in the buffer. */
  let waiting: { readonly link: DirectedLink; readonly step: Step; readonly end: number }[] = []
  let buffer: Uint8Array | undefined
  let filled = 0
  const settle = (): void => {
    if (buffer === undefined) return
    let start = 0
    for (const { link, step, end } of waiting) {
      const chain = chainOf(link, step)
      const { heads, at } = chain
      for (let i = 0; i < headBytes; i++) buffer[start + i] = heads[at + i]!
      heads.set(hash(buffer.subarray(start, end)), at)
      chain.frames++
      start = end
    }
    spare = buffer
    buffer = undefined
    waiting = []
    filled = 0
  }
  return {
    append(from, to, step, body) {
      const link = linkOf(from, to)
      const bytes = headBytes + 4 + body.length
      if (filled + bytes > waitingBytes || body.length > largestWaiting) settle()
      if (body.length > largestWaiting) {
        const chain = chainOf(link, step)
        chain.heads.set(hash(headOf(chain), u32(body.length), body), chain.at)
        chain.frames++
        return
      }
      buffer ??= spare ?? new Uint8Array(waitingBytes)
      spare = undefined
      putU32(buffer, filled + headBytes, body.length)
      buffer.set(body, filled + headBytes + 4)
      filled += bytes
      waiting.push({ link, step, end: filled })
    },
    settle,
    heads() {
      settle()
      return links
        .toSorted((a, b) => (`${a.from}>${a.to}` < `${b.from}>${b.to}` ? -1 : 1))
        .flatMap((link) =>
          sorted(link).map(({ step, chain }) => {
            return { from: link.from, to: link.to, step, frames: chain.frames, head: headOf(chain).slice() }
          }),
        )
    },
    link(from, to) {
      settle()
      // The tagged digest of (binding, from, to, step, frames ‖ head, step, …), by the hash that the driver brought.
      const link = existing(from, to)
      const start = [utf8ToBytes('tallystick/link/v1'), binding, utf8ToBytes(from), utf8ToBytes(to)]
      const chains = link === undefined ? [] : sorted(link)
      const size = chains.reduce((sum, { bytes }) => sum + 4 + bytes.length + 8 + headBytes, 0)
      const all = new Uint8Array(size)
      const view = new DataView(all.buffer)
      let at = 0
      for (const { bytes, chain } of chains) {
        view.setUint32(at, bytes.length)
        all.set(bytes, at + 4)
        at += 4 + bytes.length
        view.setUint32(at, 4 + headBytes)
        view.setUint32(at + 4, chain.frames)
        all.set(headOf(chain), at + 8)
        at += 8 + headBytes
      }
      return hash(...start.map(sized), all) as Digest
    },
  }
}
