/** The middle of an attempt: from the agreement to views that fit together. */
import { createRng, TallyError } from '@tallystick/core'
import { createTranscript, start } from '@tallystick/protocol'
import { exchangeViews, passCheckpoint } from './close.ts'
import type { Chains } from './control.ts'
import { chainBinding } from './digests.ts'
import { drive } from './drive.ts'
import type { Connected } from './exchange.ts'
import type { Settings } from './lifecycle.ts'
import { openAttemptWith } from './opening.ts'
import type { Scope } from './scope.ts'
import type { Phase, Reporter } from './progress.ts'

/**
 * Runs the protocol once, from the start: over a resumed journal it takes what is there and comes to where it was.
 * Afterwards the journal holds the views of all parties, and the output.
 */
export const runAttempt = async (
  party: Connected,
  settings: Settings,
  scope: Scope,
  holds: ReadonlyMap<string, Chains>,
  reporter: Reporter,
): Promise<void> => {
  const { terms, role, attempt, wires, clock } = party
  const report = (phase: Phase): void => reporter.phase(phase, attempt.run.attempt)
  const { protocol } = settings
  report('committing')
  const { seed, commitments } = await openAttemptWith(party, settings)

  report('running')
  const transcript = createTranscript(chainBinding(attempt.run), settings.hash)
  const run = drive({
    protocol,
    role,
    routine: start(protocol, role, protocol.parameters(terms.parameters), settings.input, createRng(seed)),
    outlets: new Map(wires.map(({ role: peer, link }) => [peer, link])),
    attempt,
    transcript,
    hash: settings.hash,
    pool: settings.pool,
    clock,
    holds,
    messageMilliseconds: terms.deadlines.message * 1000,
    inboxBytes: settings.inboxBytes,
    checkpoint: async () => {
      report('checkpoint')
      await passCheckpoint(party, transcript, commitments)
      report('running')
    },
    reserve: reservation(settings),
    onStop: (error) => scope.fail(error),
    onFrame: (statistics) => reporter.frame(statistics),
  })
  const forget = scope.onFail((error) => run.stop(error))
  run.done.catch(() => {})
  try {
    for (const wire of wires) wire.attach((frame) => run.arrive(wire.role, frame))
    const output = await run.done
    report('closing')
    await exchangeViews(party, transcript, output, seed)
  } catch (error) {
    run.stop(error)
    throw error
  } finally {
    forget()
  }
}

/** Nothing outside the seed is used unless the terms name its digest. */
const reservation = ({ correlations, terms, role }: Settings) => {
  if (correlations === undefined) return undefined
  return async (correlation: string, count: number, key: string): Promise<Uint8Array> => {
    const promised = terms.resources?.[role]?.[correlation]
    const found = correlations.digest(correlation)
    if (promised !== found) {
      const message = `the terms name ${promised ?? 'no digest'} for "${correlation}" of ${role}, the store holds ${found}`
      throw new TallyError('terms/mismatch', 'self', message, { remedy: 'agree on terms that name this correlation' })
    }
    return correlations.reserve(correlation, count, key)
  }
}
