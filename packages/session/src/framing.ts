/**
 * Frames as bytes: the same on TLS, WebSocket and message ports.
 *
 *   u32 length of what follows · u8 kind (0x80: defines its step) · u8 zero · u16 step · u32 ordinal
 *   where the step is defined here: u16 length · UTF-8 · then the body up to `length`
 *
 * Step names are interned for each direction: the first frame of a step carries its name, later ones its number. The
 * table has {@link stepTableSize} places which the sender fills in turn, so neither end holds more than that. All
 * integers are big-endian. `decode` is incremental: it holds one header and one body, whatever the chunks are.
 */
import { bytesToUtf8, TallyError, utf8ToBytes } from '@tallystick/core'
import type { Frame, LinkLimits } from './link.ts'

/** `hello` opens a link, `end` is its last frame (body: an error code or nothing), `credit` grants bytes to a sender. */
export type FrameKind = 'control' | 'message' | 'hello' | 'end' | 'credit'
const kinds: readonly FrameKind[] = ['control', 'message', 'hello', 'end', 'credit']

export const headerBytes = 12
const stepTableSize = 1024
/** The longest step name, in bytes of UTF-8. */
const stepBytes = 1024
const definesStep = 0x80
/** Bodies up to this size travel in one piece with their header; larger ones are not copied beyond this. */
const inlineBytes = 16 * 1024

/** An encoded frame: `rest` is a view of the caller's body, which must not change until it has left. */
export interface Encoded {
  readonly head: Uint8Array
  readonly rest: Uint8Array | undefined
  readonly bytes: number
}

export interface FrameEncoder {
  /** @throws TallyError api/misuse for a frame that no honest peer accepts */
  frame(frame: Frame): Encoded
  /** A frame of the link itself. */
  internal(kind: 'hello' | 'end' | 'credit', body: Uint8Array): Encoded
}

const misuse = (message: string): TallyError => new TallyError('api/misuse', 'self', message)

// Names are ASCII in practice, and some programs send few frames a step: these cost them less than a codec object does.
const encodeName = (step: string): Uint8Array => {
  const bytes = new Uint8Array(step.length)
  for (let i = 0; i < step.length; i++) {
    const code = step.charCodeAt(i)
    if (code > 0x7f) return utf8ToBytes(step)
    bytes[i] = code
  }
  return bytes
}

const decodeName = (bytes: Uint8Array): string => {
  for (let i = 0; i < bytes.length; i++) if (bytes[i]! > 0x7f) return bytesToUtf8(bytes)
  return String.fromCharCode.apply(undefined, bytes as unknown as number[])
}

/** Small bodies are cut from slabs, too: memory of its own costs one more than all else that is done with it. */
const sharedBytes = 4096
const bodySlabBytes = 16 * 1024

/** A short copy costs less by hand than a view and a call. */
const copyInto = (target: Uint8Array, filled: number, source: Uint8Array, at: number, bytes: number): void => {
  if (bytes > 64) target.set(bytes === source.length ? source : source.subarray(at, at + bytes), filled)
  else for (let i = 0; i < bytes; i++) target[filled + i] = source[at + i]!
}

const slabBytes = 64 * 1024

/** Heads are cut from slabs: an allocation of its own costs a small frame more than all the rest of its encoding. */
const createAssembler = () => {
  let slab = new Uint8Array(0)
  let view = new DataView(slab.buffer)
  let used = 0
  return (kind: number, step: number, ordinal: number, name: Uint8Array | undefined, body: Uint8Array): Encoded => {
    const prefix = headerBytes + (name === undefined ? 0 : 2 + name.length)
    const inline = Math.min(body.length, Math.max(0, inlineBytes - prefix))
    if (used + prefix + inline > slab.length) {
      slab = new Uint8Array(slabBytes)
      view = new DataView(slab.buffer)
      used = 0
    }
    const at = used
    used += prefix + inline
    view.setUint32(at, prefix - 4 + body.length)
    view.setUint32(at + 4, (kind << 24) | step)
    view.setUint32(at + 8, ordinal)
    if (name !== undefined) {
      view.setUint16(at + headerBytes, name.length)
      slab.set(name, at + headerBytes + 2)
    }
    const whole = inline === body.length
    slab.set(whole ? body : body.subarray(0, inline), at + prefix)
    const head = slab.subarray(at, used)
    return { head, rest: whole ? undefined : body.subarray(inline), bytes: prefix + body.length }
  }
}

export const createEncoder = (limits: LinkLimits): FrameEncoder => {
  const assemble = createAssembler()
  // By name, the numbers of the last definitions: those of this half of the table, and of the half before it. A half
  // is forgotten at once, which costs less than forgetting each name that is overwritten.
  let numbers = new Map<string, number>()
  let before = new Map<string, number>()
  let next = 0
  const define = (step: string): Uint8Array => {
    const name = encodeName(step)
    if (name.length === 0 || name.length > stepBytes || !step.isWellFormed())
      throw misuse(`expected a step name of 1 to ${stepBytes} bytes, found ${name.length}`)
    if (numbers.size === stepTableSize / 2) {
      before = numbers
      numbers = new Map()
    }
    numbers.set(step, next)
    next = (next + 1) % stepTableSize
    return name
  }
  return {
    frame({ channel, step, ordinal, body }) {
      if (!Number.isInteger(ordinal) || ordinal < 0 || ordinal > 0xffffffff)
        throw misuse(`expected an ordinal of 32 bits, found ${ordinal}`)
      if (headerBytes + 2 + stepBytes + body.length > limits.frameBytes)
        throw misuse(
          `expected a frame of at most ${limits.frameBytes} bytes at ${step}, found a body of ${body.length}`,
        )
      const known = numbers.get(step) ?? before.get(step)
      const name = known === undefined ? define(step) : undefined
      const kind = kinds.indexOf(channel) | (name === undefined ? 0 : definesStep)
      return assemble(kind, known ?? (next + stepTableSize - 1) % stepTableSize, ordinal, name, body)
    },
    internal: (kind, body) => assemble(kinds.indexOf(kind), 0, 0, undefined, body),
  }
}

export interface FrameSink {
  frame(frame: Frame, bytes: number): void
  internal(kind: 'hello' | 'end' | 'credit', body: Uint8Array): void
  /** Asked after each frame: true leaves the rest of the chunk unread. */
  paused(): boolean
}

export interface FrameDecoder {
  /**
   * Reads a chunk from `at` and returns where it stopped: its end, or earlier when the sink paused. Copies what it
   * keeps: each body is alone in its buffer.
   * @throws TallyError decode/malformed, decode/oversize; the decoder is then of no further use
   */
  decode(chunk: Uint8Array, at: number): number
  /** Whether a frame has begun and not ended. */
  readonly partial: boolean
}

/**
 * @param peer how the sender is named in errors
 * @param allocate memory for a large body; it may be uninitialised, since nothing is delivered before it is filled
 */
export const createDecoder = (
  limits: LinkLimits,
  peer: string,
  sink: FrameSink,
  allocate: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
): FrameDecoder => {
  const blame = { peer }
  const malformed = (message: string): TallyError =>
    new TallyError('decode/malformed', blame, message, {
      remedy: 'the bytes are not of this version of the link: check which program answers there, and its version',
    })
  const names: string[] = []
  let slab = new Uint8Array(0)
  let used = 0
  const bodyOf = (bytes: number): Uint8Array => {
    if (bytes >= sharedBytes) return allocate(bytes)
    if (used + bytes > slab.length) {
      slab = new Uint8Array(bodySlabBytes)
      used = 0
    }
    const body = slab.subarray(used, used + bytes)
    // Aligned, as memory of its own is.
    used += (bytes + 7) & ~7
    return body
  }
  const header = new Uint8Array(headerBytes)
  const view = new DataView(header.buffer)
  let phase: 'header' | 'nameLength' | 'name' | 'body' = 'header'
  /** Holds a name, or its length. */
  const nameBuffer = new Uint8Array(stepBytes)
  let target: Uint8Array = header
  let wanted = headerBytes
  let filled = 0
  let left = 0 // bytes of the frame after the current target
  let name = ''

  const full = (): boolean => filled === wanted
  const expect = (next: typeof phase, bytes: number): void => {
    if (bytes > left) throw malformed(`expected ${bytes} bytes of ${next}, found a frame that ends after ${left}`)
    phase = next
    wanted = bytes
    target = next === 'body' ? bodyOf(bytes) : nameBuffer
    filled = 0
    left -= bytes
  }
  const readHeader = (): void => {
    const length = view.getUint32(0)
    if (length < headerBytes - 4) throw malformed(`expected a frame of at least ${headerBytes} bytes`)
    if (length + 4 > limits.frameBytes) {
      throw new TallyError(
        'decode/oversize',
        blame,
        `expected frames of at most ${limits.frameBytes} bytes, found one of ${length + 4}`,
        {
          remedy: 'the peer must send smaller chunks, or both sides agree on a larger limit',
        },
      )
    }
    const kind = kinds[header[4]! & ~definesStep]
    if (kind === undefined || header[5] !== 0) throw malformed(`expected a frame of a known kind, found ${header[4]}`)
    const defines = (header[4]! & definesStep) !== 0
    const step = view.getUint16(6)
    left = length - (headerBytes - 4)
    if (kind !== 'control' && kind !== 'message') {
      if (defines || step !== 0 || view.getUint32(8) !== 0) throw malformed(`expected a plain header of kind ${kind}`)
      return expect('body', left)
    }
    if (step >= stepTableSize) throw malformed(`expected a step below ${stepTableSize}, found ${step}`)
    if (defines) return expect('nameLength', 2)
    if (names[step] === undefined) throw malformed(`expected a step that was defined before, found ${step}`)
    name = names[step]
    expect('body', left)
  }
  const finishFrame = (): void => {
    const kind = kinds[header[4]! & ~definesStep]!
    const body = target
    const bytes = view.getUint32(0) + 4
    phase = 'header'
    target = header
    wanted = headerBytes
    filled = 0
    if (kind === 'control' || kind === 'message')
      return sink.frame({ channel: kind, step: name, ordinal: view.getUint32(8), body }, bytes)
    sink.internal(kind, body)
  }
  const finishPhase = (): void => {
    if (phase === 'header') return readHeader()
    if (phase === 'nameLength') {
      const length = (target[0]! << 8) | target[1]!
      if (length === 0 || length > stepBytes) throw malformed(`expected a step name of 1 to ${stepBytes} bytes`)
      return expect('name', length)
    }
    if (phase === 'name') {
      try {
        name = decodeName(target.subarray(0, wanted))
      } catch (cause) {
        throw new TallyError('decode/malformed', blame, 'expected a step name in UTF-8', { cause })
      }
      names[view.getUint16(6)] = name
      return expect('body', left)
    }
    finishFrame()
  }
  return {
    decode(chunk, at) {
      while (at < chunk.length) {
        const take = Math.min(wanted - filled, chunk.length - at)
        copyInto(target, filled, chunk, at, take)
        filled += take
        at += take
        while (full()) {
          const ends = phase === 'body'
          finishPhase()
          if (!ends) continue
          if (sink.paused()) return at
          break
        }
      }
      return at
    },
    get partial() {
      return phase !== 'header' || filled > 0
    },
  }
}
