/** What a failure does to an attempt, and what of it a peer is told. */
import { TallyError, type ErrorCode } from '@tallystick/core'

/** The path to the peer, which may come back. */
export const transient: readonly ErrorCode[] = [
  'network/closed',
  'network/unreachable',
  'network/refused',
  'network/timeout',
  'peer/gone',
]
/** Ends this process's part, but the attempt may be resumed: by a later start, or once the cause is mended. */
export const suspends = (error: TallyError): boolean =>
  transient.includes(error.code) ||
  error.area === 'network' ||
  error.area === 'identity' ||
  error.code === 'peer/timeout' ||
  error.code === 'session/cancelled' ||
  error.code === 'input/changed' ||
  error.code === 'terms/attempts-exhausted' ||
  (error.area === 'journal' && error.code !== 'journal/rewound')

/** Areas whose codes speak of a party's own data, disk or software: no peer, record or chain is told which. */
const ownAreas: readonly string[] = ['api', 'invariant', 'input', 'journal', 'ledger', 'record', 'evidence']

/** The code that leaves this party, in the abort message and in the signed abort. */
export const publicCode = ({ code, area }: TallyError): ErrorCode =>
  ownAreas.includes(area) ? 'session/aborted' : code

/** What a peer is told: what it did itself, in words; of anything else, where to ask. */
export const publicText = ({ blame, message }: TallyError, peer: string): string =>
  typeof blame === 'object' && blame.peer === peer
    ? message
        .slice(0, 400)
        .toWellFormed()
        .replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ')
    : 'its own report says why'

export const asError = (error: unknown): TallyError =>
  error instanceof TallyError
    ? error
    : new TallyError('invariant/broken', 'self', `the run ended with an unexpected error: ${String(error)}`, {
        cause: error,
        remedy: 'report this as a defect of Tallystick, with the command and the version',
      })
