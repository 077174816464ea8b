/**
 * A link as the session uses it: control messages by kind, each once (in a connection) and bounded; protocol messages
 * passed on. What arrives out of place ends the pass with a typed error.
 */
import { compareBytes, TallyError } from '@tallystick/core'
import type { Clock } from './clock.ts'
import { decodeControl, encodeControl, isControlKind, type ControlBody, type ControlKind } from './control.ts'
import type { Frame, Link } from './link.ts'
import type { Scope } from './scope.ts'

/** The largest control message, and how much of them may wait unread. */
const controlBytes = 1024 * 1024
const waitingBytes = 4 * controlBytes
/** What a waiting message costs besides its body: an empty one is not free. */
const frameCost = 256
/** Messages that a paused link may still deliver before the run begins: what one read from the network holds. */
const mostEarly = 65_536

export interface Wire {
  /** The role of the peer. */
  readonly role: string
  readonly link: Link
  send<K extends ControlKind>(kind: K, body: ControlBody<K>, ordinal?: number): void
  /** Sends what was encoded (and written down) before. */
  sendBytes(kind: ControlKind, bytes: Uint8Array): void
  /** The next message of a kind. */
  next<K extends ControlKind>(kind: K, milliseconds: number): Promise<ControlBody<K>>
  nextBytes(kind: ControlKind, milliseconds: number): Promise<Uint8Array>
  /** A message that this side holds from before: the peer may repeat it, and may not change it. */
  known(kind: ControlKind, bytes: Uint8Array): void
  /** Takes protocol messages from here on. Those that came before held their link back. */
  attach(handler: (frame: Frame) => void): void
  onAbort: (body: ControlBody<'abort'>) => void
}

const several: readonly ControlKind[] = ['held', 'chains']

export const misplaced = (peer: string, message: string): TallyError =>
  new TallyError('peer/unexpected-message', { peer }, message, {
    remedy: `ask ${peer} which software it runs; this message was not made by the agreed protocol`,
  })

export const replayed = (peer: string, message: string): TallyError =>
  new TallyError('peer/replayed', { peer }, message, { remedy: `ask ${peer} which software it runs` })

export const flooding = (peer: string, message: string): TallyError =>
  new TallyError('peer/flooding', { peer }, message, { remedy: `ask ${peer} which software it runs` })

export const timeout = (peer: string, what: string, milliseconds: number): TallyError =>
  new TallyError(
    'peer/timeout',
    { peer },
    `expected ${what} from ${peer} within ${milliseconds / 1000} s, found nothing`,
    {
      remedy: `ask ${peer} whether its process runs; then start this side again, which resumes`,
    },
  )

export const openWire = (role: string, link: Link, scope: Scope, clock: Clock): Wire => {
  const counts = new Map<ControlKind, number>()
  const arrived = new Map<ControlKind, Uint8Array[]>()
  const waiters = new Map<ControlKind, (bytes: Uint8Array) => void>()
  const remembered = new Map<ControlKind, Uint8Array>()
  const early: Frame[] = []
  let attached: ((frame: Frame) => void) | undefined
  let heldBack = false
  let waiting = 0

  /** A peer may be ahead by its first messages, but not before it has said what it holds. */
  const message = (frame: Frame): void => {
    if (attached !== undefined) return attached(frame)
    if (!counts.has('held')) {
      throw misplaced(role, `expected the handshake of ${role}, found the message "${frame.step.slice(0, 80)}"`)
    }
    early.push(frame)
    if (early.length > mostEarly) throw flooding(role, `${role} sent over ${mostEarly} messages before its turn`)
    if (!heldBack) link.pause()
    heldBack = true
  }

  const control = ({ step, ordinal, body }: Frame): void => {
    if (!isControlKind(step))
      throw misplaced(role, `expected a control message, found "${step.slice(0, 40)}" from ${role}`)
    if (body.length > controlBytes) {
      const message = `${step} from ${role}: expected at most ${controlBytes} bytes, found ${body.length}`
      throw new TallyError('decode/oversize', { peer: role }, message)
    }
    const count = counts.get(step) ?? 0
    if (ordinal < count || (count > 0 && !several.includes(step)))
      throw replayed(role, `${step} came twice from ${role}`)
    if (ordinal > count) throw misplaced(role, `expected ${step} ${count} from ${role}, found ${ordinal}`)
    counts.set(step, count + 1)
    if (step === 'abort') return wire.onAbort(decodeControl('abort', body, role))
    const before = remembered.get(step)
    if (before !== undefined) {
      if (compareBytes(before, body) === 0) return
      throw new TallyError(
        'peer/misbehaved',
        { peer: role },
        `${role} sent another ${step} than the one it sent before`,
        {
          remedy: `ask ${role} whether its journal was restored from a copy; a new attempt starts with fresh seeds`,
        },
      )
    }
    const waiter = waiters.get(step)
    if (waiter !== undefined) return waiter(body)
    waiting += body.length + frameCost
    if (waiting > waitingBytes) throw flooding(role, `${role} sent over ${waitingBytes} bytes that nobody awaits`)
    const queue = arrived.get(step)
    if (queue === undefined) arrived.set(step, [body])
    else queue.push(body)
  }

  const wire: Wire = {
    role,
    link,
    send: (kind, body, ordinal = 0) => {
      link.send({ channel: 'control', step: kind, ordinal, body: encodeControl(kind, body) })
    },
    sendBytes: (kind, body) => {
      link.send({ channel: 'control', step: kind, ordinal: 0, body })
    },
    async next(kind, milliseconds) {
      return decodeControl(kind, await wire.nextBytes(kind, milliseconds), role)
    },
    nextBytes(kind, milliseconds) {
      const queued = arrived.get(kind)?.shift()
      if (queued !== undefined) {
        waiting -= queued.length + frameCost
        return Promise.resolve(queued)
      }
      if (scope.failed) return Promise.reject(scope.failure)
      // Settled by the frame itself: what arrived before the end of a connection counts.
      return new Promise<Uint8Array>((resolve, reject) => {
        const cancel = clock.after(milliseconds, () => end(() => reject(timeout(role, `its ${kind}`, milliseconds))))
        const forget = scope.onFail((error) => end(() => reject(error)))
        const end = (settle: () => void): void => {
          cancel()
          forget()
          waiters.delete(kind)
          settle()
        }
        waiters.set(kind, (bytes) => end(() => resolve(bytes)))
      })
    },
    known(kind, bytes) {
      const early = arrived.get(kind)?.shift()
      remembered.set(kind, bytes)
      if (early === undefined) return
      counts.set(kind, 0)
      waiting -= early.length + frameCost
      control({ channel: 'control', step: kind, ordinal: 0, body: early })
    },
    attach(handler) {
      attached = handler
      for (const frame of early.splice(0)) handler(frame)
      if (heldBack) link.resume()
      heldBack = false
    },
    onAbort: ({ code, message }) => {
      throw new TallyError('peer/aborted', { peer: role }, `${role} ended the session with ${code}: ${message}`, {
        remedy: `ask ${role} what its side reported`,
      })
    },
  }
  link.receive({
    frame(frame) {
      if (scope.failed) return
      try {
        if (frame.channel === 'control') control(frame)
        else message(frame)
      } catch (error) {
        scope.fail(error)
      }
    },
    closed(error) {
      // Its last word: it holds all signatures and waits for nothing. Others may still be on their way to this side.
      if (counts.has('done')) return
      const remedy = 'start this side again; it resumes where it stopped'
      scope.fail(error ?? new TallyError('network/closed', 'network', `${role} closed the connection`, { remedy }))
    },
  })
  return wire
}
