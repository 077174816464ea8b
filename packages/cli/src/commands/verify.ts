/** `tally verify`. */
import {
  levels,
  parseTrust,
  renderReport,
  reportJson,
  verify,
  type AuditReport,
  type Level,
  type TrustAnchor,
  type VerifyOptions,
} from '@tallystick/attestation'
import { TallyError, type ErrorCode, type Hex, type Json } from '@tallystick/core'
import { parsePublicIdentity } from '@tallystick/session/node'
import { readChain } from '../chain.ts'
import { readBytes } from '../files.ts'
import { asTallyError, type Output } from '../output.ts'

export interface AuditOptions {
  readonly trust?: readonly string[]
  readonly chain?: string
  readonly rpc?: string
  /** The verdict that is asked for; a lower one is a failure of the command. */
  readonly expect: Level
}

/** Trust anchors out of files: lists of parties, or the identity.json of one party each. */
const readTrust = async (paths: readonly string[]): Promise<readonly TrustAnchor[]> => {
  const anchors = await Promise.all(
    paths.map(async (path) => {
      const bytes = await readBytes(path, 'keys that are trusted', 'identity/not-found')
      const text = new TextDecoder().decode(bytes)
      if (text.trimStart().startsWith('[')) return parseTrust(text)
      const { name, party, signer, tls } = parsePublicIdentity(bytes, path)
      return [{ name, party, signer, tls }]
    }),
  )
  return anchors.flat()
}

export interface Audited {
  readonly report: AuditReport
  /** Why a chain that was to be compared with was not. */
  readonly unanswered?: TallyError | undefined
}

/** Calls `act` with the sources that the options name, the chain open only meanwhile. */
export const withSources = async (
  options: AuditOptions,
  act: (sources: VerifyOptions) => Promise<AuditReport>,
): Promise<Audited> => {
  const trust = options.trust === undefined ? {} : { trust: await readTrust(options.trust) }
  if (options.chain === undefined) {
    if (options.rpc === undefined) return { report: await act(trust) }
    throw new TallyError(
      'api/usage',
      'self',
      'expected --chain beside --rpc: a node alone does not say which contracts',
      {
        remedy: 'name the chain.json with the addresses that you know the contracts by',
      },
    )
  }
  const { rpcUrl, deployment } = await readChain(options.chain)
  const { evmLedger } = await import('@tallystick/attestation/ledger')
  const ledger = evmLedger({ rpcUrl: options.rpc ?? rpcUrl, deployment })
  let unanswered: TallyError | undefined
  const noting = <T>(asked: Promise<T>): Promise<T> =>
    asked.catch((error: unknown) => {
      unanswered = asTallyError(error)
      throw error
    })
  const chain = {
    deployment,
    find: (id: Hex) => noting(ledger.find(id)),
    findParty: (party: Hex) => noting(ledger.findParty(party)),
  }
  try {
    return { report: await act({ ...trust, chain }), unanswered }
  } finally {
    ledger.close()
  }
}

const remedies: Readonly<Record<AuditReport['verdict'], string>> = {
  'not well-formed': 'ask for the file again, unchanged',
  'well-formed':
    'name the identities of the parties, obtained from the parties themselves, as --trust; ' +
    'without them anybody could have made this record (--expect well-formed if that is all you ask)',
  recorded: 'see what is not checked above (--expect recorded if that is all you ask)',
  consistent: 'see what is not checked above',
  replayed: '',
}

/** A key that nobody vouches for may be a wrong --trust as well; whatever else fails is in the files. */
const failure = (code: ErrorCode, failed: readonly string[]): TallyError => {
  const message = `these checks failed: ${failed.join(', ')}`
  if (failed.every((id) => id === 'signers')) {
    return new TallyError('record/untrusted', 'self', message, {
      remedy:
        'compare --trust with the parties by another way: it names other keys than the record. If it is right, ' +
        'somebody else made the record',
    })
  }
  return new TallyError(code, 'none', message, {
    remedy:
      'do not rely on it; ask whoever sent it for the files again, unchanged, and another party for its record of the job',
  })
}

/**
 * Tells what was found. A failed check is a failure of the command, and so is a verdict below the one that is asked for:
 * else a script would take a record that somebody made up for one that the parties signed. So is a chain that was named and
 * does not answer.
 */
export const tellReport = (output: Output, { report, unanswered }: Audited, code: ErrorCode, expected: Level): void => {
  output.report(
    { event: 'audit', ...(reportJson(report) as { [field: string]: Json }) },
    renderReport(report).trimEnd(),
  )
  const { checks, verdict } = report
  const failed = checks.filter(({ status }) => status === 'failed').map(({ id }) => id)
  if (failed.length > 0) throw failure(code, [...new Set(failed)])
  const reached = levels.findIndex((level) => level === verdict)
  if (reached >= levels.indexOf(expected)) {
    if (unanswered === undefined) return
    throw unanswered
  }
  throw new TallyError('record/untrusted', 'self', `expected the verdict ${expected}, found ${verdict}`, {
    remedy: remedies[verdict],
  })
}

export const verifyFile = async (output: Output, options: AuditOptions, path: string): Promise<void> => {
  const record = await readBytes(path, 'a record')
  const audited = await withSources(options, (sources) => verify(record, sources))
  tellReport(output, audited, 'record/invalid', options.expect)
}
