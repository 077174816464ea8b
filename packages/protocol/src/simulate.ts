/**
 * All parties of a protocol in one synchronous loop: deterministic in its arguments, so a test can choose the
 * schedule, kill a party at any effect, change any frame, and bring a party back from what it had journaled.
 */
import { compareBytes, invariant, taggedDigest, TallyError, toHex, type Rng } from '@tallystick/core'
import { start } from './context.ts'
import type { Effect, Routine, Step } from './effects.ts'
import { referenceEngine, runKernel, type Engine, type Kernel } from './kernel.ts'
import type { Protocol } from './protocol.ts'
import { createTranscript, type Hash, type Head, type Transcript } from './transcript.ts'

/** What a party wrote down before it acted on it, by `kind:where#ordinal`: enough to come back to where it died. */
export type SimulatedJournal = Map<string, unknown>

export interface FrameTrace {
  readonly from: string
  readonly to: string
  readonly step: Step
  readonly ordinal: number
  readonly bytes: number
  readonly opening: boolean
}

export interface Fault {
  /** The party that dies in place of its effect number `at`, counted from 0. */
  readonly crash?: { readonly role: string; readonly at: number }
  /** What arrives in place of a frame: itself, something else, several frames or none; later ones move up. */
  readonly mutate?: (frame: FrameTrace & { readonly body: Uint8Array }) => readonly Uint8Array[]
  /** Which of the runnable fibers moves next; the first where absent. */
  readonly schedule?: (runnable: number) => number
  /** Whether the closing comparison of the chains takes place; without it a test shows what it is good for. */
  readonly close?: boolean
}

export interface Simulation<R extends string, P, In> {
  readonly parameters: P
  readonly inputs: In
  readonly rng: (role: R) => Rng
  readonly engine?: Engine
  /** Of the transcripts; the portable one unless given. */
  readonly hash?: Hash
  /** Performs computations in place of the engine, as a cache does. */
  readonly compute?: <I, O>(kernel: Kernel<I, O>, input: I) => O
  /** What a party's correlation store hands out, from unit `at` on. */
  readonly reserve?: (role: R, correlation: string, at: number, count: number) => Uint8Array
  readonly journals?: Readonly<Record<string, SimulatedJournal>>
  readonly fault?: Fault
  /** What the chains are bound to (specHash, session, attempt). */
  readonly binding?: Uint8Array
}

export interface SimulationResult<R extends string, Out> {
  readonly outputs: Partial<Out>
  readonly errors: Partial<Record<R, unknown>>
  /** What the parties came to by themselves: what they would end with if nothing were compared at the close. */
  readonly unclosed: { readonly outputs: Partial<Out>; readonly errors: Partial<Record<R, unknown>> }
  /** All frames as they were sent, in order; sizes and order are what a network observer sees. */
  readonly trace: readonly FrameTrace[]
  /** The sender's chain heads, canonical: equal transcripts mean byte-identical frames. */
  readonly transcript: string
  readonly heads: readonly Head[]
  readonly effects: Readonly<Record<R, number>>
  readonly coins: Readonly<Record<R, number>>
  readonly correlations: Readonly<Record<string, number>>
  readonly rounds: number
  readonly bytes: number
  /** For each checkpoint passed: how many frames of the trace were sent before it. */
  readonly checkpoints: readonly number[]
}

interface PartyState {
  readonly role: string
  readonly journal: SimulatedJournal
  readonly transcript: Transcript
  readonly rng: Rng
  /** Next ordinal by effect and step. */
  readonly ordinals: Map<string, number>
  readonly reserved: Map<string, number>
  state: 'running' | 'done' | 'failed' | 'dead'
  effects: number
  passedCheckpoint: boolean
}

interface Fiber {
  readonly party: PartyState
  readonly routine: Routine<unknown>
  readonly finish: (value: unknown, depth: number) => void
  pending: Effect | undefined
  children: number
  /** Rounds on the longest chain of messages that led here. */
  depth: number
}

interface Arrival {
  readonly body: Uint8Array
  /** The round that the frame ends. */
  readonly depth: number
}

/** What arrived at one step of one link: arrival i meets the receive with ordinal i. */
interface Wire {
  readonly arrivals: Arrival[]
  received: number
}

/** The typed ending of a party whose peer is no more. */
const gone = (peer: string, step: Step): TallyError =>
  new TallyError('peer/gone', { peer }, `${peer} ended before ${step}`, { remedy: 'resume when the peer is back' })

export const simulate = <R extends string, P, In extends Record<R, unknown>, Out extends Record<R, unknown>>(
  protocol: Protocol<R, any, P, In, Out>,
  simulation: Simulation<R, P, In>,
): SimulationResult<R, Out> => {
  const { parameters, inputs, fault = {}, engine = referenceEngine } = simulation
  const compute = simulation.compute ?? ((kernel, input) => runKernel(engine, kernel, input))
  const binding = simulation.binding ?? taggedDigest('tallystick/simulation/v1', protocol.id)
  const outputs: Record<string, unknown> = {}
  const errors: Record<string, unknown> = {}
  const trace: FrameTrace[] = []
  const wires = new Map<string, Wire>()
  const fibers: Fiber[] = []
  const correlations: Record<string, number> = {}
  let rounds = 0
  const checkpoints: number[] = []

  const wireAt = (from: string, to: string, step: Step): Wire => {
    const name = `${from}>${to}:${step}`
    let wire = wires.get(name)
    if (wire === undefined) wires.set(name, (wire = { arrivals: [], received: 0 }))
    return wire
  }
  const take = (party: PartyState, name: string): number => {
    const ordinal = party.ordinals.get(name) ?? 0
    party.ordinals.set(name, ordinal + 1)
    return ordinal
  }
  const fail = (party: PartyState, error: unknown): void => {
    errors[party.role] ??= error
    party.state = 'failed'
  }
  const advance = (fiber: Fiber, step: () => IteratorResult<Effect, unknown>): void => {
    fiber.pending = undefined
    try {
      const next = step()
      if (next.done !== true) {
        fiber.pending = next.value
        return
      }
      fibers.splice(fibers.indexOf(fiber), 1)
      fiber.finish(next.value, fiber.depth)
    } catch (error) {
      fail(fiber.party, error)
    }
  }
  const spawn = (party: PartyState, routine: Routine<unknown>, depth: number, finish: Fiber['finish']): void => {
    const fiber: Fiber = { party, routine, finish, pending: undefined, children: 0, depth }
    fibers.push(fiber)
    advance(fiber, () => routine.next())
  }

  const parties: PartyState[] = protocol.roles.map((role) => ({
    role,
    journal: simulation.journals?.[role] ?? new Map<string, unknown>(),
    transcript: createTranscript(binding, simulation.hash),
    rng: simulation.rng(role),
    ordinals: new Map<string, number>(),
    reserved: new Map<string, number>(),
    state: 'running',
    effects: 0,
    passedCheckpoint: false,
  }))
  const isRunning = (role: string): boolean => parties.some((p) => p.role === role && p.state === 'running')

  const ready = (fiber: Fiber): boolean => {
    const effect = fiber.pending
    const { party } = fiber
    if (effect === undefined || fiber.children > 0 || party.state !== 'running') return false
    if (effect.kind === 'checkpoint') {
      return atCheckpoint().length === parties.length || parties.some((p) => p.state !== 'running')
    }
    if (effect.kind !== 'receive') return true
    const { arrivals, received } = wireAt(effect.from, party.role, effect.step)
    const known = party.journal.has(`receive:${effect.from}:${effect.step}#${received}`)
    return known || arrivals.length > received || !isRunning(effect.from)
  }
  const atCheckpoint = (): Fiber[] =>
    fibers.filter((f) => f.pending?.kind === 'checkpoint' && f.party.state === 'running')

  /** Whether this is the effect that the fault plan lets the party die at. */
  const dies = (party: PartyState): boolean => {
    if (fault.crash?.role !== party.role || fault.crash.at !== party.effects) return false
    party.state = 'dead'
    return true
  }

  const perform = (fiber: Fiber): void => {
    const { party, routine } = fiber
    const effect = fiber.pending!
    if (dies(party)) return
    party.effects++
    const go = (value?: unknown): void => advance(fiber, () => routine.next(value))
    const raise = (error: unknown): void => advance(fiber, () => routine.throw(error))
    switch (effect.kind) {
      case 'send': {
        if (effect.opening && !party.passedCheckpoint) {
          return raise(new TallyError('api/misuse', 'self', `${effect.step} opens before any checkpoint`))
        }
        const { to, step, body, opening } = effect
        if (to === party.role || !(protocol.roles as readonly string[]).includes(to)) {
          return raise(new TallyError('api/misuse', 'self', `${step}: ${party.role} has no peer "${to}"`))
        }
        const ordinal = take(party, `send:${to}:${step}`)
        party.transcript.append(party.role, to, step, body)
        const frame = { from: party.role, to, step, ordinal, bytes: body.length, opening }
        trace.push(frame)
        const arrivals = fault.mutate?.({ ...frame, body: body.slice() }) ?? [body.slice()]
        const wire = wireAt(party.role, to, step)
        for (const arrival of arrivals) wire.arrivals.push({ body: arrival, depth: fiber.depth + 1 })
        return go()
      }
      case 'receive': {
        const { from, step, maxBytes } = effect
        const wire = wireAt(from, party.role, step)
        const key = `receive:${from}:${step}#${wire.received}`
        const arrival = wire.arrivals[wire.received++]
        const body = (party.journal.get(key) as Uint8Array | undefined) ?? arrival?.body
        if (arrival !== undefined) fiber.depth = Math.max(fiber.depth, arrival.depth)
        rounds = Math.max(rounds, fiber.depth)
        if (body === undefined) return raise(gone(from, step))
        if (body.length > maxBytes) {
          const message = `${step} from ${from}: expected at most ${maxBytes} bytes, found ${body.length}`
          return raise(new TallyError('decode/oversize', { peer: from }, message))
        }
        party.journal.set(key, body.slice())
        party.transcript.append(from, party.role, step, body)
        return go(body.slice())
      }
      case 'compute': {
        const name = `compute:${effect.step}`
        const key = `${name}#${take(party, name)}`
        try {
          if (!party.journal.has(key)) party.journal.set(key, compute(effect.kernel, effect.input))
        } catch (error) {
          return raise(error)
        }
        return go(party.journal.get(key))
      }
      case 'reserve': {
        const { correlation, count, step } = effect
        if (simulation.reserve === undefined) {
          return raise(new TallyError('api/misuse', 'self', `${step} needs a correlation store`))
        }
        const at = party.reserved.get(correlation) ?? 0
        party.reserved.set(correlation, at + count)
        correlations[correlation] = (correlations[correlation] ?? 0) + count
        const key = `reserve:${step}#${take(party, `reserve:${step}`)}`
        try {
          if (simulation.reserve === undefined) {
            throw new TallyError('api/misuse', 'self', `${step} needs a correlation store`)
          }
          const stored = party.journal.get(key) ?? simulation.reserve(party.role as R, correlation, at, count)
          party.journal.set(key, stored)
        } catch (error) {
          return raise(error)
        }
        return go(party.journal.get(key))
      }
      case 'checkpoint':
        return checkpoint(fiber)
      case 'join':
        return join(fiber, effect.branches)
    }
  }

  /** The barrier: both ends of every link compare their chains so far, and all go on or none. */
  const checkpoint = (fiber: Fiber): void => {
    const missing = parties.find((p) => p.state !== 'running')
    if (missing !== undefined) {
      const error = gone(missing.role, fiber.pending!.kind)
      return advance(fiber, () => fiber.routine.throw(error))
    }
    const waiting = atCheckpoint()
    for (const { party } of waiting) if (party !== fiber.party && dies(party)) return checkpoint(fiber)
    const deepest = Math.max(...waiting.map((f) => f.depth))
    const mismatch = firstMismatch(parties) ?? leftOver(wires)
    if (mismatch === undefined) checkpoints.push(trace.length)
    for (const other of waiting) {
      if (other !== fiber) other.party.effects++
      other.party.passedCheckpoint = mismatch === undefined
      other.depth = deepest
      advance(other, () => (mismatch === undefined ? other.routine.next() : other.routine.throw(mismatch)))
    }
  }

  const join = (fiber: Fiber, branches: readonly Routine<unknown>[]): void => {
    if (branches.length === 0) return advance(fiber, () => fiber.routine.next([]))
    const values: unknown[] = Array.from({ length: branches.length })
    let deepest = fiber.depth
    fiber.children = branches.length
    branches.forEach((branch, i) =>
      spawn(fiber.party, branch, fiber.depth, (value, depth) => {
        values[i] = value
        deepest = Math.max(deepest, depth)
        if (--fiber.children > 0) return
        fiber.depth = deepest
        advance(fiber, () => fiber.routine.next(values))
      }),
    )
  }

  for (const party of parties) {
    const role = party.role as R
    const routine = start(protocol, role, parameters, inputs[role], party.rng)
    spawn(party, routine, 0, (value) => {
      outputs[role] = value
      party.state = 'done'
    })
  }
  for (;;) {
    const runnable = fibers.filter(ready)
    if (runnable.length === 0) break
    const chosen = fault.schedule?.(runnable.length) ?? 0
    invariant(chosen >= 0 && chosen < runnable.length, 'the schedule chooses a runnable fiber')
    perform(runnable[chosen]!)
  }
  for (const party of parties) {
    if (party.state === 'dead')
      errors[party.role] = new TallyError('session/aborted', 'self', 'killed by the fault plan')
    if (party.state === 'running') fail(party, new TallyError('peer/timeout', 'network', 'no party can move any more'))
  }

  const unclosed = { outputs: { ...outputs }, errors: { ...errors } }
  // Close: all parties compare both ends of every link; no output is released otherwise.
  if (fault.close !== false) {
    const missing = parties.find((p) => p.state !== 'done')
    const failure =
      missing === undefined ? (firstMismatch(parties) ?? leftOver(wires)) : gone(missing.role, 'the close')
    for (const { role } of failure === undefined ? [] : parties) {
      delete outputs[role]
      errors[role] ??= failure
    }
  }
  const heads = parties.flatMap((p) => p.transcript.heads().filter((h) => h.from === p.role))
  const perRole = (of: (party: PartyState) => number) =>
    Object.fromEntries(parties.map((p) => [p.role, of(p)])) as Record<R, number>
  return {
    outputs: outputs as Partial<Out>,
    errors: errors as Partial<Record<R, unknown>>,
    unclosed: unclosed as { outputs: Partial<Out>; errors: Partial<Record<R, unknown>> },
    trace,
    transcript: heads.map((h) => `${h.from}>${h.to}:${h.step}#${h.frames}=${toHex(h.head)}`).join('\n'),
    heads,
    effects: perRole((p) => p.effects),
    coins: perRole((p) => p.rng.drawn),
    correlations,
    rounds,
    bytes: trace.reduce((sum, frame) => sum + frame.bytes, 0),
    checkpoints,
  }
}

const firstMismatch = (parties: readonly PartyState[]): TallyError | undefined => {
  for (const from of parties) {
    for (const to of parties) {
      if (from === to) continue
      const [sent, received] = [from, to].map((p) => p.transcript.link(from.role, to.role))
      if (compareBytes(sent!, received!) !== 0) {
        const message = `what ${from.role} sent to ${to.role} is not what ${to.role} received`
        return new TallyError('session/transcript-mismatch', 'network', message, {
          remedy:
            'no output was released; run a new attempt, and keep both journals for the auditor if it happens again',
        })
      }
    }
  }
  return undefined
}

const leftOver = (wires: ReadonlyMap<string, Wire>): TallyError | undefined => {
  for (const [name, { arrivals, received }] of wires) {
    const count = arrivals.length - received
    if (count <= 0) continue
    const peer = name.slice(0, name.indexOf('>'))
    return new TallyError('peer/unexpected-message', { peer }, `${name}: ${count} frames that nobody awaited`)
  }
  return undefined
}
