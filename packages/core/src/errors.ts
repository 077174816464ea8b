/**
 * Errors with blame. Every failure that can reach a user is a {@link TallyError}: a code `area/reason` from one closed
 * union, whose side must act, what was expected and found (never a secret value), and what to do next.
 */

/** Whose side must act: this party, the network between, nobody (a limit of the format), or the named peer role. */
export type Blame = 'self' | 'network' | 'none' | { readonly peer: string }

/** Exit code of each area; `tally` ends with it, so scripts can tell a bad file from a cheating peer. */
export const exitCodes = {
  api: 70,
  invariant: 70,
  input: 65,
  terms: 66,
  identity: 67,
  decode: 68,
  network: 69,
  peer: 71,
  session: 72,
  journal: 74,
  ledger: 75,
  record: 76,
  evidence: 77,
} as const
export type ErrorArea = keyof typeof exitCodes

export type ErrorCode =
  // the caller, or a bug of ours
  | 'api/misuse'
  | 'api/usage'
  | 'invariant/broken'
  // the party's own data
  | 'input/not-found'
  | 'input/empty'
  | 'input/malformed'
  | 'input/encoding'
  | 'input/column'
  | 'input/duplicate'
  | 'input/invalid-value'
  | 'input/oversize'
  | 'input/changed'
  // what was agreed
  | 'terms/malformed'
  | 'terms/unsupported'
  | 'terms/expired'
  | 'terms/not-approved'
  | 'terms/mismatch'
  | 'terms/attempts-exhausted'
  | 'terms/budget-spent'
  // keys and trust
  | 'identity/malformed'
  | 'identity/exists'
  | 'identity/not-found'
  | 'identity/untrusted'
  | 'identity/wrong-key'
  // bytes
  | 'decode/truncated'
  | 'decode/trailing'
  | 'decode/non-canonical'
  | 'decode/oversize'
  | 'decode/malformed'
  // the path to the peer
  | 'network/unreachable'
  | 'network/refused'
  | 'network/closed'
  | 'network/timeout'
  | 'network/handshake'
  | 'network/wrong-certificate'
  // the peer
  | 'peer/misbehaved'
  | 'peer/incompatible'
  | 'peer/unexpected-message'
  | 'peer/replayed'
  | 'peer/flooding'
  | 'peer/gone'
  | 'peer/timeout'
  | 'peer/bad-signature'
  | 'peer/aborted'
  // the run
  | 'session/aborted'
  | 'session/cancelled'
  | 'session/transcript-mismatch'
  | 'session/commitment-mismatch'
  | 'session/expired'
  // what is on disk
  | 'journal/corrupt'
  | 'journal/rewound'
  | 'journal/locked'
  | 'journal/wrong-key'
  | 'journal/io'
  // the chain
  | 'ledger/unreachable'
  | 'ledger/rejected'
  | 'ledger/not-found'
  | 'ledger/conflict'
  | 'ledger/corrupt'
  // audit
  | 'record/malformed'
  | 'record/invalid'
  | 'record/untrusted'
  | 'evidence/malformed'
  | 'evidence/not-for-you'
  | 'evidence/over-limit'
  | 'evidence/mismatch'
  | 'evidence/wrong-version'

export interface ErrorDetails {
  /** What the person who has to act can do about it. */
  readonly remedy?: string
  readonly cause?: unknown
}

export class TallyError extends Error {
  override readonly name = 'TallyError'
  readonly code: ErrorCode
  readonly blame: Blame
  readonly remedy: string | undefined

  constructor(code: ErrorCode, blame: Blame, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.blame = blame
    this.remedy = details.remedy
  }

  get area(): ErrorArea {
    return this.code.slice(0, this.code.indexOf('/')) as ErrorArea
  }

  get exitCode(): number {
    return exitCodes[this.area]
  }

  /** Plain fields for `--json` and for logs; holds no cause, whose text we do not control. */
  toJSON(): { code: ErrorCode; blame: Blame; message: string; remedy?: string } {
    const { code, blame, message, remedy } = this
    return remedy === undefined ? { code, blame, message } : { code, blame, message, remedy }
  }
}

const owners = { self: 'this side', network: 'whoever runs the network between the parties', none: 'nobody' } as const

/**
 * Text for a terminal: what a peer or a file brought must not move the cursor, turn the line around, or look like a line of
 * ours. Lists in a message keep their lines, which are indented deeper than ours.
 */
const printable = (text: string): string => text.replaceAll(/(?!\n {4})[\p{Cc}\p{Cf}]/gu, ' ')

/** Three lines for a person: what happened, who must act, what to do. */
export const renderError = (error: TallyError): string => {
  const owner = typeof error.blame === 'string' ? owners[error.blame] : `the peer "${error.blame.peer}"`
  const lines = [`${error.code}: ${printable(error.message)}`]
  if (error.blame !== 'none') lines.push(`  must act: ${printable(owner)}`)
  if (error.remedy !== undefined) lines.push(`  what to do: ${printable(error.remedy)}`)
  return lines.join('\n')
}

/** States a condition that only a defect of ours can break. */
export function invariant(condition: unknown, what: string): asserts condition {
  if (!condition) {
    throw new TallyError('invariant/broken', 'self', `internal invariant broken: ${what}`, {
      remedy: 'report this as a defect of Tallystick, with the command and the version',
    })
  }
}
