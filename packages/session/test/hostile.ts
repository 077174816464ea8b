/** Peers that do not behave: honest software behind a connection that changes what leaves it, and bare connections. */
import { canonicalBytes, parseCanonical, type TallyError } from '@tallystick/core'
import {
  memoryLinks,
  runSession,
  type Frame,
  type Link,
  type SessionOptions,
  type SessionResult,
} from '@tallystick/session'
import { optionsOf, type Setting } from './fixture.ts'

/** What leaves in place of a frame to a peer. */
export type Tamper = (frame: Frame, to: string) => readonly Frame[]

type Dial = SessionOptions['links']

/** The same links, with every outgoing frame replaced. */
export const tampering =
  (dial: Dial, tamper: Tamper): Dial =>
  async (signal) => {
    const links = await dial(signal)
    const change = (peer: string, link: Link): Link => ({
      peerKey: link.peerKey,
      binding: link.binding,
      traffic: link.traffic,
      send(frame) {
        let room = true
        for (const other of tamper(frame, peer)) room = link.send(other)
        return room
      },
      drained: () => link.drained(),
      receive: (receiver) => link.receive(receiver),
      pause: () => link.pause(),
      resume: () => link.resume(),
      close: (reason) => link.close(reason),
    })
    return Object.fromEntries(Object.entries(links).map(([peer, link]) => [peer, change(peer, link)]))
  }

export interface Ending {
  readonly result?: SessionResult
  readonly error?: TallyError
  /** Seconds of the session's clock. */
  readonly seconds: number
  /** Message frames that left this party. */
  readonly sent: readonly Frame[]
}

/** Runs all parties, some of them tampering, each to its output or error; the others end with the party `until`. */
export const runHostile = async (
  given: Setting,
  tampers: Readonly<Record<string, Tamper>>,
  changes: Readonly<Record<string, Partial<SessionOptions>>> = {},
  until?: string,
): Promise<Readonly<Record<string, Ending>>> => {
  const over = new AbortController()
  const endings = (given.protocol.roles as string[]).map(async (role) => {
    const signal = until === undefined || role === until ? {} : { signal: over.signal }
    const options = optionsOf(given, role, { ...signal, ...changes[role] })
    const clock = options.clock!
    const began = clock.now()
    const sent: Frame[] = []
    const watched: Tamper = (frame, to) => {
      const frames = tampers[role]?.(frame, to) ?? [frame]
      sent.push(...frames.filter((f) => f.channel === 'message'))
      return frames
    }
    const seconds = () => (clock.now() - began) / 1000
    try {
      const result = await runSession({ ...options, links: tampering(options.links, watched) })
      const ending: Ending = { result, seconds: seconds(), sent }
      await result.close(false)
      return [role, ending] as const
    } catch (error) {
      return [role, { error: error as TallyError, seconds: seconds(), sent }] as const
    } finally {
      if (role === until) over.abort()
    }
  })
  return Object.fromEntries(await Promise.all(endings))
}

export const control = (kind: string, change: (body: any) => unknown): Tamper => {
  return (frame) =>
    frame.channel === 'control' && frame.step === kind
      ? [{ ...frame, body: canonicalBytes(change(parseCanonical(frame.body))) }]
      : [frame]
}

export const on =
  (kind: 'control' | 'message', step: RegExp, replace: (frame: Frame) => readonly Frame[]): Tamper =>
  (frame) =>
    frame.channel === kind && step.test(frame.step) ? replace(frame) : [frame]

/** A connection whose other end does what the test says. */
export const bare = (play: (end: Link) => void): Dial => {
  return () => {
    const [own, other] = memoryLinks()
    play(other)
    return Promise.resolve({ right: own })
  }
}
