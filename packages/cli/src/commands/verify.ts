/** `tally verify`. */
import {
  parseTrust,
  renderReport,
  reportJson,
  verify,
  type AuditReport,
  type TrustAnchor,
  type VerifyOptions,
} from '@tallystick/attestation'
import { evmLedger } from '@tallystick/attestation/ledger'
import { TallyError, type ErrorCode, type Json } from '@tallystick/core'
import { parsePublicIdentity } from '@tallystick/session/node'
import { readChain } from '../chain.ts'
import { readBytes } from '../files.ts'
import type { Output } from '../output.ts'

export interface AuditOptions {
  readonly trust?: readonly string[]
  readonly chain?: string
  readonly rpc?: string
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

/** Calls `act` with the sources that the options name, the chain open only meanwhile. */
export const withSources = async <T>(
  options: AuditOptions,
  act: (sources: VerifyOptions) => Promise<T>,
): Promise<T> => {
  const trust = options.trust === undefined ? {} : { trust: await readTrust(options.trust) }
  if (options.chain === undefined) {
    if (options.rpc === undefined) return act(trust)
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
  const ledger = evmLedger({ rpcUrl: options.rpc ?? rpcUrl, deployment })
  try {
    return await act({ ...trust, chain: { deployment, find: ledger.find, findParty: ledger.findParty } })
  } finally {
    ledger.close()
  }
}

/** Tells what was found; a failed check is a failure of the command. */
export const tellReport = (output: Output, report: AuditReport, code: ErrorCode): void => {
  output.report(
    { event: 'audit', ...(reportJson(report) as { [field: string]: Json }) },
    renderReport(report).trimEnd(),
  )
  const failed = report.checks.filter(({ status }) => status === 'failed').map(({ id }) => id)
  if (failed.length === 0) return
  throw new TallyError(code, 'none', `these checks failed: ${[...new Set(failed)].join(', ')}`)
}

export const verifyFile = async (output: Output, options: AuditOptions, path: string): Promise<void> => {
  const record = await readBytes(path, 'a record')
  const report = await withSources(options, (sources) => verify(record, sources))
  tellReport(output, report, 'record/invalid')
}
