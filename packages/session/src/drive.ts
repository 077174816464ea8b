/**
 * Runs one party's routine over links, pool and journal. Frames are pushed in and pull the routine along in the same
 * call, so a frame that is awaited costs no promise; only a kernel, a full link and the checkpoint wait for one.
 *
 * A routine that is run again over its journal takes the frames that the journal holds, sends nothing that the peer
 * already has, and must stand where it stood: what the peer holds has to be what this run sends.
 */
import { decodeValue, invariant, TallyError } from '@tallystick/core'
import {
  createTranscript,
  type AnyProtocol,
  type Effect,
  type Hash,
  type Kernel,
  type Routine,
  type Transcript,
} from '@tallystick/protocol'
import { frameKey, type Attempt } from './attempt.ts'
import type { Clock } from './clock.ts'
import type { Chains } from './control.ts'
import { chainBinding } from './digests.ts'
import { createFibers, parked, type Fiber } from './fibers.ts'
import { createHeldFrames, type HeldFrames } from './held-frames.ts'
import { createInbox, type Inbox, type Slot } from './inbox.ts'
import { worthKeeping } from './kept-results.ts'
import type { Frame } from './link.ts'
import { flooding, timeout } from './wire.ts'

/** Where kernels run. */
export interface KernelPool {
  run<I, O>(kernel: Kernel<I, O>, input: I, signal?: AbortSignal): Promise<O>
}

/** The part of a link that the driver uses. */
export interface Outlet {
  send(frame: Frame): boolean
  drained(): Promise<void>
  pause(): void
  resume(): void
}

export interface DriveStatistics {
  framesSent: number
  framesReceived: number
  bytesSent: number
  bytesReceived: number
  /** The step of the last frame. */
  step: string
}

export interface DriveOptions {
  readonly protocol: AnyProtocol
  readonly role: string
  readonly routine: Routine<unknown>
  readonly outlets: ReadonlyMap<string, Outlet>
  readonly attempt: Attempt
  readonly transcript: Transcript
  readonly hash?: Hash | undefined
  readonly pool: KernelPool
  readonly clock: Clock
  /** By peer: what it holds of this side's frames. */
  readonly holds: ReadonlyMap<string, Chains>
  /** The longest wait for an awaited frame, or for room to send one. */
  readonly messageMilliseconds: number
  /** How much of a peer's frames may wait unawaited. */
  readonly inboxBytes: number
  /** Signs and matches heads with all parties; resolves when openings may leave. */
  readonly checkpoint: () => Promise<void>
  /** Burns a range of a correlation durably and returns its units. */
  readonly reserve?: ((correlation: string, count: number, key: string) => Promise<Uint8Array>) | undefined
  /** Called at once when the run ends with an error, before {@link Drive.done} rejects. */
  readonly onStop?: ((error: unknown) => void) | undefined
  readonly onFrame?: ((statistics: DriveStatistics) => void) | undefined
}

export interface Drive {
  /** The routine's value; rejects with the first error. */
  readonly done: Promise<unknown>
  readonly statistics: DriveStatistics
  arrive(peer: string, frame: Frame): void
  /** Ends the run with an error that did not come out of it. Idempotent. */
  stop(error: unknown): void
}

type Receive = Extract<Effect, { kind: 'receive' }>

/** A step of a peer, and who awaits its next frame, if somebody does. */
interface Place extends Slot {
  fiber: Fiber | undefined
  effect: Receive | undefined
  since: number
}

const createPlace = (): Place => ({
  taken: 0,
  arrived: 0,
  journaled: 0,
  maxBytes: undefined,
  frames: undefined,
  first: 0,
  fiber: undefined,
  effect: undefined,
  since: 0,
})

/** A peer's side of the run. */
interface Peer {
  readonly role: string
  readonly outlet: Outlet
  readonly inbox: Inbox<Place>
  /** The steps whose next frame somebody awaits. */
  readonly waiting: Set<Place>
  readonly holds: HeldFrames
  /** How many frames of each step were sent to it. */
  readonly sent: Map<string, number>
  lastTaken: number
  /** When this side began to wait for room; 0 while there is. */
  blockedSince: number
}

export const drive = (options: DriveOptions): Drive => {
  const { protocol, role, attempt, transcript, clock, pool } = options
  const { journal } = attempt
  const statistics: DriveStatistics = { framesSent: 0, framesReceived: 0, bytesSent: 0, bytesReceived: 0, step: '' }
  const ordinals = new Map<string, number>()
  const cancel = new AbortController()
  let passed = false
  let finished = false
  let settle: { resolve(value: unknown): void; reject(error: unknown): void }
  const done = new Promise<unknown>((resolve, reject) => (settle = { resolve, reject }))

  const peers = new Map<string, Peer>()
  const held = attempt.held()
  for (const [name, outlet] of options.outlets) {
    const inbox = createInbox(protocol, name, role, options.inboxBytes, outlet, createPlace)
    for (const [step, frames] of held.get(name) ?? []) {
      const place = inbox.slot(step)
      place.journaled = place.arrived = frames
    }
    const holds = createHeldFrames(role, name, options.holds.get(name) ?? [], () =>
      createTranscript(chainBinding(attempt.run), options.hash),
    )
    const [waiting, sent] = [new Set<Place>(), new Map<string, number>()]
    peers.set(name, { role: name, outlet, inbox, waiting, holds, sent, lastTaken: 0, blockedSince: 0 })
  }
  const peerOf = (name: string): Peer => {
    const peer = peers.get(name)
    if (peer === undefined) throw new TallyError('api/misuse', 'self', `there is no peer "${name}"`)
    return peer
  }
  const take = (counts: Map<string, number>, name: string): number => {
    const ordinal = counts.get(name) ?? 0
    counts.set(name, ordinal + 1)
    return ordinal
  }

  const stop = (error: unknown): void => {
    if (fibers.ended) return
    fibers.end()
    stopWatch()
    cancel.abort(error)
    settle.reject(error)
    options.onStop?.(error)
  }

  const perform = (fiber: Fiber, effect: Effect): unknown => {
    switch (effect.kind) {
      case 'send':
        return send(fiber, effect)
      case 'receive':
        return receive(fiber, effect)
      case 'compute':
        return compute(fiber, effect)
      case 'reserve':
        return reserve(fiber, effect)
      case 'checkpoint':
        return checkpoint(fiber)
      default:
        return fibers.join(fiber, effect.branches)
    }
  }

  const send = (fiber: Fiber, effect: Extract<Effect, { kind: 'send' }>): unknown => {
    const { to, step, body, opening } = effect
    const peer = peerOf(to)
    if (opening && !passed) throw new TallyError('api/misuse', 'self', `${step} opens before any checkpoint`)
    const ordinal = take(peer.sent, step)
    transcript.append(role, to, step, body)
    statistics.step = step
    if (isHeld(peer, step, ordinal, body)) return undefined
    attempt.beforeSend()
    const room = peer.outlet.send({ channel: 'message', step, ordinal, body })
    statistics.framesSent++
    statistics.bytesSent += body.length
    options.onFrame?.(statistics)
    if (room) return undefined
    if (peer.blockedSince === 0) peer.blockedSince = clock.now()
    const relieved = async (): Promise<void> => {
      await peer.outlet.drained()
      peer.blockedSince = 0
    }
    return fibers.wait(fiber, relieved())
  }

  /** No routine goes on over a second answer, whatever it catches. */
  const isHeld = (peer: Peer, step: string, ordinal: number, body: Uint8Array): boolean => {
    try {
      return peer.holds.has(step, ordinal, body)
    } catch (error) {
      stop(error)
      throw error
    }
  }

  const receive = (fiber: Fiber, effect: Receive): unknown => {
    const { from, step } = effect
    const peer = peerOf(from)
    const place = peer.inbox.slot(step)
    if (place.fiber !== undefined) throw new TallyError('api/misuse', 'self', `two branches await ${step} from ${from}`)
    const ordinal = place.taken++
    if (ordinal < place.journaled) {
      const body = journal.get('receive', frameKey(from, step, ordinal))
      invariant(body !== undefined, 'the journal holds the frames that it lists')
      transcript.append(from, role, step, body)
      return body
    }
    const body = peer.inbox.take(place, step)
    if (body !== undefined) return accept(peer, effect, ordinal, body)
    place.fiber = fiber
    place.effect = effect
    place.since = clock.now()
    peer.waiting.add(place)
    return parked
  }

  /** Journal before act: taken in, with the system before anything leaves that depends on it (see beforeSend). */
  const accept = (peer: Peer, { from, step, maxBytes }: Receive, ordinal: number, body: Uint8Array): Uint8Array => {
    if (body.length > maxBytes) {
      const message = `${step} from ${from}: expected at most ${maxBytes} bytes, found ${body.length}`
      throw new TallyError('decode/oversize', { peer: from }, message)
    }
    attempt.append('receive', frameKey(from, step, ordinal), body)
    transcript.append(from, role, step, body)
    peer.lastTaken = clock.now()
    statistics.framesReceived++
    statistics.bytesReceived += body.length
    statistics.step = step
    options.onFrame?.(statistics)
    return body
  }

  const compute = (fiber: Fiber, { step, kernel, input }: Extract<Effect, { kind: 'compute' }>): unknown => {
    const key = `${step}#${take(ordinals, `compute:${step}`)}`
    if (journal.has('compute', key)) return decodeValue(journal.get('compute', key)!)
    const computed = async (): Promise<unknown> => {
      const began = clock.now()
      const output = await pool.run(kernel as Kernel<unknown, unknown>, input, cancel.signal)
      const kept = fibers.ended ? undefined : worthKeeping(output, clock.now() - began)
      if (kept !== undefined) attempt.append('compute', key, kept)
      return output
    }
    return fibers.wait(fiber, computed())
  }

  const reserve = (fiber: Fiber, { step, correlation, count }: Extract<Effect, { kind: 'reserve' }>): unknown => {
    const key = `reserve/${step}#${take(ordinals, `reserve:${step}`)}`
    if (attempt.has(key)) return (attempt.value(key) as { units: Uint8Array }).units
    const store = options.reserve
    if (store === undefined) throw new TallyError('api/misuse', 'self', `${step} needs a correlation store`)
    const burned = async (): Promise<Uint8Array> => {
      const units = await store(correlation, count, `${attempt.run.sessionId}/${key}`)
      attempt.put(key, { correlation, count, units })
      attempt.sync()
      return units
    }
    return fibers.wait(fiber, burned())
  }

  const checkpoint = (fiber: Fiber): unknown => {
    if (passed) throw new TallyError('api/misuse', 'self', 'a second checkpoint')
    const matched = async (): Promise<void> => {
      try {
        await options.checkpoint()
        passed = true
      } catch (error) {
        stop(error)
        throw error
      }
    }
    return fibers.wait(fiber, matched())
  }

  /** A frame that is needed cannot come when everything waits for peers whose unawaited frames fill the buffer. */
  const checkFlooding = (): void => {
    if (fibers.busy > 0) return
    let full: Peer | undefined
    for (const peer of peers.values()) {
      if (peer.waiting.size === 0) continue
      if (!peer.inbox.paused) return
      full ??= peer
    }
    if (full !== undefined) stop(filled(full))
  }
  const filled = (peer: Peer): TallyError =>
    flooding(peer.role, `${peer.role} filled the buffer of ${options.inboxBytes} bytes with frames that nobody awaits`)

  /** Only an awaited frame that was taken counts as progress: bytes that trickle in or pile up do not. */
  const watch = (): void => {
    if (fibers.ended) return
    const now = clock.now()
    const limit = options.messageMilliseconds
    for (const peer of peers.values()) {
      for (const { effect, since } of peer.waiting) {
        if (now - Math.max(since, peer.lastTaken) < limit) continue
        return stop(peer.inbox.paused ? filled(peer) : timeout(peer.role, effect!.step, limit))
      }
      if (peer.blockedSince > 0 && now - Math.max(peer.blockedSince, peer.lastTaken) >= limit) {
        return stop(timeout(peer.role, 'that it takes what is sent to it', limit))
      }
    }
    stopWatch = clock.after(limit / 8, watch)
  }

  const finish = (value: unknown): void => {
    for (const peer of peers.values()) {
      const left = peer.inbox.left()
      if (left !== undefined) {
        const message = `${left} from ${peer.role}: frames that nobody awaited`
        return stop(new TallyError('peer/unexpected-message', { peer: peer.role }, message))
      }
      const missing = peer.holds.left()
      if (missing !== undefined) {
        const message = `${peer.role} holds frames of ${missing} that this run never sent`
        return stop(new TallyError('journal/rewound', 'none', message, { remedy: 'start a new attempt' }))
      }
    }
    fibers.end()
    finished = true
    stopWatch()
    settle.resolve(value)
  }

  /** Nothing can run: what was sent leaves first, then the chains catch up while the peers are at work. */
  const idle = (): void => {
    checkFlooding()
    queueMicrotask(() => transcript.settle())
  }

  const fibers = createFibers({ clock, perform, onError: stop, onIdle: idle })
  let stopWatch = clock.after(options.messageMilliseconds / 8, watch)
  fibers.spawn(options.routine, finish)
  queueMicrotask(() => fibers.turn())
  return {
    done,
    statistics,
    arrive(name, frame) {
      if (fibers.ended && !finished) return
      if (finished) {
        const message = `${frame.step} from ${name} came after the end of the protocol`
        throw new TallyError('peer/unexpected-message', { peer: name }, message)
      }
      const peer = peerOf(name)
      const place = peer.inbox.admit(frame)
      const { fiber, effect } = place
      if (fiber === undefined) peer.inbox.keep(place, frame)
      else {
        place.fiber = place.effect = undefined
        peer.waiting.delete(place)
        try {
          fibers.answer(fiber, accept(peer, effect!, place.taken - 1, frame.body))
        } catch (error) {
          fibers.raise(fiber, error)
        }
      }
      fibers.turn()
    },
    stop,
  }
}
