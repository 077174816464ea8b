/** The life of a session: which attempt is open, connections that come and go, and how it ends. */
import { canonicalBytes, TallyError, type ErrorCode } from '@tallystick/core'
import { openAttempt, type Attempt } from './attempt.ts'
import { pause, type Clock } from './clock.ts'
import type { ControlBody } from './control.ts'
import { exchangeCloses, requireNoTwoViews, viewsOf } from './close.ts'
import {
  agreeAttempt,
  abortEvent,
  exchangeHeld,
  exchangePast,
  greet,
  keepPast,
  keptPast,
  signAbort,
  type PastAborts,
} from './handshake.ts'
import type { Link } from './link.ts'
import { asError, publicCode, publicText, suspends, transient } from './failures.ts'
import { endingOf, isCompleted } from './outcome.ts'
import { createReporter, type Phase } from './progress.ts'
import { runAttempt } from './run.ts'
import { createScope, type Scope } from './scope.ts'
import type { SessionOptions } from './session.ts'
import { requireSigned } from './signing.ts'
import { rolesOf, type Connected } from './exchange.ts'
import { openWire, type Wire } from './wire.ts'

export type Settings = SessionOptions & {
  readonly clock: Clock
  readonly entropy: () => Uint8Array
  readonly inboxBytes: number
  readonly signal: AbortSignal
}

export interface Ended {
  readonly attempt: Attempt
  readonly settled: Promise<void>
  close(wait?: boolean): Promise<void>
}

export interface Lifecycle {
  run(): Promise<Ended>
}

const firstBackoff = 50
const longestBackoff = 2000
/** How long the end of a connection may take to flush. */
const flushMilliseconds = 2000
/** How long a restart of a completed attempt answers a peer that may have crashed before it had every signature. */
const lingerMilliseconds = 15_000

export const createLifecycle = (settings: Settings): Lifecycle => {
  const { terms, role, signer, clock, journals } = settings
  const linger = new AbortController()
  const signal = AbortSignal.any([settings.signal, linger.signal])
  const peers = rolesOf(terms).filter((other) => other !== role)
  const seconds = (name: keyof typeof terms.deadlines): number => terms.deadlines[name] * 1000
  const known = journals.attempts()
  const newest = known.at(-1)
  let next = newest === undefined ? 0 : newest + 1
  let attempt: Attempt | undefined
  /** By attempt, how this side ended it where the journal cannot say. */
  const burned = new Map<number, ErrorCode>()
  let closingUntil: number | undefined
  let released = false
  /** Whether all peers of this connection have shown who they are; before, nobody can make this side sign an abort. */
  let greeted = false
  const reporter = createReporter(settings.protocol, terms, clock, settings.onProgress)
  const progress = (phase: Phase): void => reporter.phase(phase, attempt?.run.attempt)

  /** What has begun may be finished after the expiry; only what is new may not start. */
  const requireTime = (number: number): void => {
    if (known.includes(number) || attempt?.run.attempt === number) return
    if (clock.now() > Date.parse(terms.expires)) {
      throw new TallyError(
        'terms/expired',
        'none',
        `attempt ${number} may not start: the terms ended at ${terms.expires}`,
        {
          remedy: 'agree on new terms with a later expiry',
        },
      )
    }
  }

  const begin = (number: number): Attempt => {
    const journal = journals.open(number)
    try {
      return openAttempt(terms, role, number, journal, settings.hash)
    } catch (error) {
      journal.close()
      throw error
    }
  }

  const openNewest = (): void => {
    if (newest === undefined) return
    try {
      const opened = begin(newest)
      if (endingOf(opened) === undefined) attempt = opened
      else opened.journal.close()
    } catch (error) {
      if (!(error instanceof TallyError) || error.code !== 'journal/rewound') throw error
      burned.set(newest, error.code)
    }
  }
  openNewest()

  const signalled = (): TallyError => {
    const { reason } = signal as { reason: unknown }
    return reason instanceof TallyError
      ? reason
      : new TallyError('session/cancelled', 'self', 'the session was cancelled', { cause: reason })
  }

  /** Own abort of each attempt before this one, signed again where the journal has none. */
  const pastAborts = async (before: number): Promise<PastAborts> => {
    const aborts: PastAborts[number][] = []
    for (let i = 0; i < before; i++) {
      let code: string = burned.get(i) ?? 'session/aborted'
      if (known.includes(i) && !burned.has(i)) {
        try {
          const opened = begin(i)
          code = endingOf(opened)?.code ?? code
          opened.journal.close()
        } catch (error) {
          code = asError(error).code
        }
      }
      aborts.push(await signAbort(terms, role, i, code, signer))
    }
    return aborts
  }

  const abortWith = async (opened: Attempt, code: ErrorCode): Promise<PastAborts[number]> => {
    const abort = await signAbort(terms, role, opened.run.attempt, code, signer)
    if (!opened.has(`abort/${role}`)) opened.put(`abort/${role}`, canonicalBytes(abort))
    opened.sync()
    journals.finish?.(opened.run.attempt, 'aborted')
    return abort
  }

  /** From the own signature of the close on there is no way back: the peer may hold a complete record. */
  const closed = (opened: Attempt | undefined): boolean =>
    opened !== undefined && (isCompleted(opened) || opened.has('sent/close'))

  const local = () => ({
    open: attempt?.run.attempt ?? null,
    completed: closed(attempt),
    next,
    bound: (peer: string) => attempt?.gotBytes('commitment', peer) !== undefined,
  })

  /** Hello to held: after it, both sides of every link know where they stand. */
  const connect = async (
    wires: readonly Wire[],
  ): Promise<Connected & { readonly holds: Awaited<ReturnType<typeof exchangeHeld>> }> => {
    progress('handshake')
    const hellos = await greet(terms, role, wires, local(), signer)
    greeted = true
    const { attempt: number, asked } = await agreeAttempt(terms, wires, local(), hellos)
    const given = attempt !== undefined && attempt.run.attempt !== number ? attempt : undefined
    const past = await exchangePast(terms, number, wires, {
      // Beyond what follows from the signed hellos nothing is given up, and no number used, on a peer's word.
      wait: asked,
      own: async () => {
        requireTime(number)
        if (given !== undefined) {
          await abortWith(given, 'session/aborted')
          given.journal.close()
          burned.set(given.run.attempt, 'session/aborted')
          attempt = undefined
        }
        attempt ??= begin(number)
        next = number + 1
        const aborts = keptPast(attempt) ?? keepPast(attempt, attempt.role, await pastAborts(number))
        attempt.sync()
        return aborts
      },
    })
    const opened = attempt!
    for (const [peer, aborts] of past) keepPast(opened, peer, aborts)
    const holds = await exchangeHeld(terms, opened, wires, clock)
    return { ...settings, wires, attempt: opened, holds }
  }

  const onAbort = (wire: Wire, { code, message, attempt: number, signature }: ControlBody<'abort'>): never => {
    if (attempt !== undefined && number === attempt.run.attempt && signature !== null) {
      requireSigned(terms, wire.role, abortEvent(terms, wire.role, number, code), signature)
      const key = `abort/${wire.role}`
      if (!attempt.has(key)) attempt.put(key, canonicalBytes({ attempt: number, code, signature }))
    }
    const remedy = `ask ${wire.role} what its side reported`
    throw new TallyError(
      'peer/aborted',
      { peer: wire.role },
      `${wire.role} ended the session with ${code}: ${message}`,
      {
        remedy,
      },
    )
  }

  const release = (): void => {
    if (released || attempt === undefined) return
    released = true
    if (!isCompleted(attempt)) attempt.put('completed', true)
    attempt.sync()
    journals.finish?.(attempt.run.attempt, 'closed')
    progress('closed')
    settle()
  }
  let settle: () => void
  const completion = new Promise<void>((resolve) => (settle = resolve))

  /** From the own signature of the close on: no error takes the output back, but an equivocation that comes to light. */
  const finish = async (party: Connected): Promise<void> => {
    const views = viewsOf(terms, party.attempt)!
    closingUntil ??= clock.now() + seconds('close')
    progress('closing')
    await exchangeCloses(party, views)
    release()
    for (const wire of party.wires) wire.send('done', {})
    await Promise.all(
      party.wires.map(async (wire) => {
        await wire.next('done', seconds('close'))
        if (!party.attempt.has(`done/${wire.role}`)) party.attempt.put(`done/${wire.role}`, true)
      }),
    )
  }

  const pass = async (scope: Scope, links: Readonly<Record<string, Link>>): Promise<void> => {
    const wires = peers.map((peer) => {
      const link = links[peer]
      if (link === undefined) throw new TallyError('api/misuse', 'self', `there is no link to ${peer}`)
      const wire = openWire(peer, link, scope, clock)
      wire.onAbort = (body) => onAbort(wire, body)
      return wire
    })
    const party = await connect(wires)
    if (viewsOf(terms, party.attempt) === undefined) await runAttempt(party, settings, scope, party.holds, reporter)
    else for (const wire of wires) wire.sendBytes('view', party.attempt.sent('view')!)
    await finish(party)
  }

  const closeLinks = async (links: Readonly<Record<string, Link>> | undefined, error?: TallyError): Promise<void> => {
    if (links === undefined) return
    if (error !== undefined) {
      const fatal = greeted && !suspends(error) && attempt !== undefined && !attempt.has('sent/close')
      const abort = fatal ? await abortWith(attempt!, publicCode(error)).catch(() => undefined) : undefined
      // What the peer must know is told; a pause of this side is none of it, for the attempt may go on.
      const unbound = !greeted || attempt === undefined || closed(attempt)
      const tell = abort !== undefined || (unbound && (!suspends(error) || error.area === 'identity'))
      for (const [peer, link] of tell ? Object.entries(links) : []) {
        const body = canonicalBytes({
          code: publicCode(error),
          message: publicText(error, peer),
          attempt: abort?.attempt ?? null,
          signature: abort?.signature ?? null,
        })
        try {
          link.send({ channel: 'control', step: 'abort', ordinal: 0, body })
        } catch {
          // That link is gone already.
        }
      }
    }
    const flushed = Promise.allSettled(Object.values(links).map((link) => link.close()))
    const waited = new AbortController()
    await Promise.race([flushed, pause(clock, flushMilliseconds, waited.signal)])
    waited.abort()
  }

  /** Until when the peers may stay away. */
  const limit = (): { readonly milliseconds: number; readonly what: string } =>
    attempt?.has('sent/commitment') === true
      ? { milliseconds: seconds('message'), what: 'a connection' }
      : { milliseconds: seconds('handshake'), what: 'a connection' }

  const dial = async (until: number): Promise<Readonly<Record<string, Link>>> => {
    const abort = new AbortController()
    const cancel = clock.after(Math.max(0, until - clock.now()), () => abort.abort())
    try {
      return await settings.links(AbortSignal.any([abort.signal, signal]))
    } catch (error) {
      if (signal.aborted) throw signalled()
      if (!abort.signal.aborted) throw error
      throw new TallyError(
        'network/unreachable',
        'network',
        `expected connections to ${peers.join(', ')}, found none in time`,
        {
          remedy: 'ask the other parties whether their processes run; then start this side again, which resumes',
          cause: error,
        },
      )
    } finally {
      cancel()
    }
  }

  /** After the own signature of the close, a peer's silence or misconduct only costs its signature. */
  const cannotTakeBack = (error: TallyError): boolean =>
    closingUntil !== undefined &&
    attempt?.has('sent/close') === true &&
    error.blame !== 'self' &&
    error.code !== 'session/transcript-mismatch'

  const loop = async (): Promise<void> => {
    let aliveAt = clock.now()
    let backoff = firstBackoff
    for (;;) {
      const scope = createScope()
      const cancel = (): void => scope.fail(signalled())
      signal.addEventListener('abort', cancel, { once: true })
      let links: Readonly<Record<string, Link>> | undefined
      const written = attempt?.writes ?? 0
      // Also after a restart: the peers have until then to sign, whether or not they come back at all.
      if (attempt?.has('sent/close') === true) closingUntil ??= clock.now() + seconds('close')
      try {
        if (signal.aborted) throw signalled()
        if (attempt !== undefined && !released) requireNoTwoViews(attempt)
        progress('connecting')
        greeted = false
        links = await dial(closingUntil ?? aliveAt + limit().milliseconds)
        await pass(scope, links)
        await closeLinks(links)
        return
      } catch (caught) {
        const error = asError(scope.failed ? scope.failure : caught)
        scope.fail(error)
        await closeLinks(links, error)
        if (released) {
          if (error.blame === 'self' || clock.now() >= closingUntil!) return
        } else if (cannotTakeBack(error)) {
          requireNoTwoViews(attempt!)
          if (clock.now() >= closingUntil!) return release()
        } else {
          if (!transient.includes(error.code)) throw error
          if ((attempt?.writes ?? 0) > written) {
            aliveAt = clock.now()
            backoff = firstBackoff
          }
          if (clock.now() - aliveAt >= limit().milliseconds) throw error
        }
      } finally {
        signal.removeEventListener('abort', cancel)
      }
      await pause(clock, backoff, signal)
      backoff = Math.min(2 * backoff, longestBackoff)
    }
  }

  const allSigned = (): boolean => peers.every((peer) => attempt!.has(`done/${peer}`))

  return {
    async run() {
      let settled: Promise<void> = Promise.resolve()
      if (attempt !== undefined && isCompleted(attempt)) {
        released = true
        // With all signatures at hand this side stays only for a peer that may still lack its own.
        const complete = peers.every((peer) => attempt!.gotBytes('close', peer) !== undefined)
        closingUntil = clock.now() + (complete ? Math.min(seconds('close'), lingerMilliseconds) : seconds('close'))
        if (!allSigned()) settled = loop().catch(() => {})
      } else {
        const ended = loop()
        try {
          await Promise.race([completion, ended])
        } catch (error) {
          attempt?.journal.close()
          throw error
        }
        settled = ended.catch(() => {})
      }
      const opened = attempt!
      let closed = false
      return {
        attempt: opened,
        settled,
        async close(wait = true) {
          if (!wait) linger.abort()
          await settled
          if (!closed) opened.journal.close()
          closed = true
        },
      }
    },
  }
}
