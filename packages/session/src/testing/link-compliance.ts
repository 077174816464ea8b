/** What every link must do, whatever carries it. */
import type { TallyError } from '@tallystick/core'
import { afterEach, describe, expect, test } from 'vitest'
import type { Frame, Link } from '../link.ts'

export interface LinkPair {
  readonly links: readonly [Link, Link]
  /** Frees what the pair stands on. */
  dispose(): Promise<void> | void
}

export interface ComplianceOptions {
  /** The largest body that is tried. */
  readonly largestBody?: number
}

interface Collected {
  readonly frames: Frame[]
  readonly ends: (TallyError | undefined)[]
  /** Resolves when so many frames are there. */
  count(frames: number): Promise<void>
  ended(): Promise<TallyError | undefined>
}

/** Receives into a list. */
export const collect = (link: Link): Collected => {
  const frames: Frame[] = []
  const ends: (TallyError | undefined)[] = []
  const waiting: { frames: number; resolve: () => void }[] = []
  const end = Promise.withResolvers<TallyError | undefined>()
  const wake = (): void => {
    for (const waiter of waiting) if (frames.length >= waiter.frames) waiter.resolve()
  }
  link.receive({
    frame(frame) {
      frames.push(frame)
      wake()
    },
    closed(error) {
      ends.push(error)
      end.resolve(error)
    },
  })
  return {
    frames,
    ends,
    count(wanted) {
      if (frames.length >= wanted) return Promise.resolve()
      return new Promise((resolve) => waiting.push({ frames: wanted, resolve }))
    },
    ended: () => end.promise,
  }
}

const body = (length: number, seed = 0): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 17 + seed) & 255)
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.from(a).equals(b)
const message = (step: string, ordinal: number, bytes: Uint8Array): Frame => ({
  channel: 'message',
  step,
  ordinal,
  body: bytes,
})
const settle = (milliseconds = 30): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Declares the suite for links of one kind; `connect` makes a connected pair. */
export const linkCompliance = (
  name: string,
  connect: () => Promise<LinkPair>,
  { largestBody = 4 * 1024 * 1024 }: ComplianceOptions = {},
): void => {
  describe(`a link over ${name}`, () => {
    let pair: LinkPair | undefined
    const open = async (): Promise<readonly [Link, Link]> => (pair = await connect()).links
    afterEach(async () => {
      await Promise.all((pair?.links ?? []).map((link) => link.close()))
      await pair?.dispose()
      pair = undefined
    })

    test('has one binding of 32 bytes at both ends, another for each connection', async () => {
      const [a, b] = await open()
      expect(a.binding).toHaveLength(32)
      expect(same(a.binding, b.binding)).toBe(true)
      const first = a.binding
      await Promise.all([a.close(), b.close()])
      await pair!.dispose()
      const [c] = await open()
      expect(same(c.binding, first)).toBe(false)
    })

    test('keeps order, channel, step, ordinal and body, in both directions', async () => {
      const [a, b] = await open()
      const sizes = [0, 1, 11, 1000, 16_372, 16_384, 65_536, 100_000]
      const sent = sizes.flatMap((size, i): Frame[] => [
        { channel: 'control', step: `c/${i % 3}`, ordinal: i, body: body(size, i) },
        { channel: 'message', step: `psi/ä/${i}`, ordinal: 0xffffffff - i, body: body(size, i + 1) },
      ])
      const atB = collect(b)
      const atA = collect(a)
      for (const frame of sent) {
        if (!a.send(frame)) await a.drained()
        if (!b.send(frame)) await b.drained()
      }
      for (const at of [atA, atB]) {
        await at.count(sent.length)
        expect(at.frames.map(({ channel, step, ordinal }) => [channel, step, ordinal])).toEqual(
          sent.map(({ channel, step, ordinal }) => [channel, step, ordinal]),
        )
        at.frames.forEach((frame, i) => expect(same(frame.body, sent[i]!.body)).toBe(true))
      }
    })

    test("gives bodies that are the receiver's to keep", async () => {
      const [a, b] = await open()
      const at = collect(b)
      const own = body(100)
      a.send(message('s', 0, own))
      a.send(message('s', 1, body(100, 1)))
      a.send(message('s', 2, body(70_000, 2)))
      await at.count(3)
      for (const frame of at.frames) {
        expect(frame.body.constructor).toBe(Uint8Array)
        frame.body.fill(0)
      }
      expect(same(own, body(100))).toBe(true)
      a.send(message('s', 3, body(100, 3)))
      await at.count(4)
      expect(same(at.frames[3]!.body, body(100, 3))).toBe(true)
    })

    test('carries thousands of steps, more than any table holds', async () => {
      const [a, b] = await open()
      const at = collect(b)
      const steps = Array.from({ length: 3000 }, (_, i) => `round/${i % 2 === 0 ? i : i % 700}`)
      for (const [i, step] of steps.entries()) if (!a.send(message(step, i, body(3, i)))) await a.drained()
      await at.count(steps.length)
      expect(at.frames.map((frame) => frame.step)).toEqual(steps)
    })

    test('delivers frames that came before the receiver first', async () => {
      const [a, b] = await open()
      for (let i = 0; i < 5; i++) a.send(message('early', i, body(10, i)))
      await settle()
      const at = collect(b)
      for (let i = 5; i < 8; i++) a.send(message('early', i, body(10, i)))
      await at.count(8)
      expect(at.frames.map((frame) => frame.ordinal)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    })

    test('carries large bodies', async () => {
      const [a, b] = await open()
      const at = collect(b)
      const large = body(largestBody, 5)
      a.send(message('large', 0, large))
      a.send(message('after', 1, body(1)))
      await at.count(2)
      expect(same(at.frames[0]!.body, large)).toBe(true)
    })

    test('pushes back on a sender whose peer has paused, and loses nothing', async () => {
      const [a, b] = await open()
      const at = collect(b)
      b.pause()
      const chunk = body(64 * 1024)
      let sent = 0
      let full = false
      for (; sent < 1000 && !full; sent++) {
        full = !a.send(message('bulk', sent, chunk))
        if (!full) await Promise.resolve()
      }
      expect(full).toBe(true)
      let drained = false
      const room = a.drained().then(() => (drained = true))
      await settle(100)
      // The transport may have taken some of it; it cannot take everything that is sent while nobody reads.
      while (drained && sent < 4000) {
        drained = a.send(message('bulk', sent++, chunk))
        if (sent % 50 === 0) await settle(5)
      }
      expect(drained).toBe(false)
      expect(at.frames.length).toBeLessThan(sent)
      b.resume()
      await room
      if (!drained) await a.drained()
      await at.count(sent)
      expect(at.frames.map((frame) => frame.ordinal)).toEqual(Array.from({ length: sent }, (_, i) => i))
    })

    test('delivers nothing between pause and resume, also when paused by the receiver itself', async () => {
      const [a, b] = await open()
      const frames: number[] = []
      b.receive({
        frame({ ordinal }) {
          frames.push(ordinal)
          b.pause()
        },
        closed() {},
      })
      for (let i = 0; i < 4; i++) a.send(message('one by one', i, body(5)))
      for (let seen = 1; seen <= 4; seen++) {
        await settle()
        expect(frames).toHaveLength(seen)
        b.resume()
      }
    })

    test('lets a paused side send on', async () => {
      const [a, b] = await open()
      const at = collect(b)
      a.receive({ frame() {}, closed() {} })
      a.pause()
      for (let i = 0; i < 100; i++) if (!a.send(message('on', i, body(64 * 1024)))) await a.drained()
      await at.count(100)
    })

    test('ends cleanly: all that was sent arrives, then the end, once', async () => {
      const [a, b] = await open()
      const at = collect(b)
      for (let i = 0; i < 20; i++) a.send(message('last', i, body(50_000, i)))
      const closing = a.close()
      expect(a.close()).toBeInstanceOf(Promise)
      expect(await at.ended()).toBeUndefined()
      expect(at.frames).toHaveLength(20)
      await closing
      await settle()
      expect(at.ends).toEqual([undefined])
    })

    test('tells the peer the code of a close with a reason', async () => {
      const [a, b] = await open()
      const at = collect(b)
      const { TallyError: Typed } = await import('@tallystick/core')
      await a.close(new Typed('peer/replayed', { peer: 'b' }, 'a text that stays here'))
      const error = await at.ended()
      expect(error?.code).toBe('peer/aborted')
      expect(error?.message).toContain('peer/replayed')
      expect(error?.message).not.toContain('a text that stays here')
    })

    test('delivers nothing after its own close', async () => {
      const [a, b] = await open()
      const at = collect(b)
      for (let i = 0; i < 3; i++) a.send(message('s', i, body(10)))
      const closing = b.close()
      a.send(message('late', 0, body(10)))
      await Promise.all([closing, a.close()])
      await settle()
      expect(at.frames.filter((frame) => frame.step === 'late')).toEqual([])
      expect(at.ends).toEqual([])
      await expect(b.drained()).rejects.toThrow()
    })

    test('counts its traffic', async () => {
      const [a, b] = await open()
      const at = collect(b)
      const before = a.traffic.sent
      a.send(message('s', 0, body(10_000)))
      await at.count(1)
      expect(a.traffic.sent - before).toBeGreaterThanOrEqual(10_000)
      expect(b.traffic.received).toBeGreaterThanOrEqual(10_000)
    })
  })
}
