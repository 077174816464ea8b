/**
 * `tally query anchor`: the records of all queries of this home that no chain has yet, under one Merkle root. A query
 * takes its share of one transaction (about 46,000 gas whatever their number); its inclusion proof is put beside its
 * record, as anchor.json.
 */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readRecord } from '@tallystick/attestation/node'
import { batchOf, evmLedger, inBatch } from '@tallystick/attestation/ledger'
import { taggedDigest, TallyError, toHex, type Hex } from '@tallystick/core'
import type { SessionRecord } from '@tallystick/session'
import { z } from 'zod'
import { accountOf, readChain } from '../chain.ts'
import { readFormat } from '../declaration.ts'
import { writeJson } from '../files.ts'
import { openHome } from '../home.ts'
import type { Output } from '../output.ts'
import { count } from '../text.ts'

const hex32 = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]{64}$/)])
const anchorFormat = 'tallystick/query-anchor/1'
const schema = z.strictObject({
  format: z.literal(anchorFormat),
  /** {@link anchoredDigest} of the record beside it. */
  digest: hex32,
  root: hex32,
  /** Siblings from the leaf upwards. */
  proof: z.array(hex32),
  /** Block time, Unix seconds. */
  time: z.int(),
})

/** What of a completed query is anchored: what both parties signed at its close, hidden by the salts in it. */
const anchoredDigest = ({ specHash, attempt, close }: SessionRecord): Hex => {
  if (close === null) throw new TallyError('api/misuse', 'self', 'a query that was not closed is not anchored')
  return toHex(taggedDigest('tallystick/query/anchored/v1', specHash, `${attempt}`, close.heads, close.result))
}

interface Waiting {
  readonly folder: string
  readonly digest: Hex
}

const waitingIn = async (home: string): Promise<Waiting[]> => {
  const jobs = join(home, 'jobs')
  const names = await readdir(jobs).catch(() => [])
  const waiting: Waiting[] = []
  for (const name of names.toSorted()) {
    const folder = join(jobs, name)
    const file = join(folder, 'record.json')
    if (!existsSync(file) || existsSync(join(folder, 'anchor.json'))) continue
    const { session } = await readRecord(file)
    if (session.close === null || !session.terms.protocol.id.startsWith('query/')) continue
    waiting.push({ folder, digest: anchoredDigest(session) })
  }
  return waiting
}

export const anchorQueries = async (
  output: Output,
  options: { readonly home: string; readonly chain?: string },
): Promise<void> => {
  const home = await openHome(options.home)
  const chain = await readChain(options.chain ?? join(home.folder, 'chain.json'))
  const waiting = await waitingIn(home.folder)
  if (waiting.length === 0) return output.report({ event: 'anchored', queries: 0 }, 'Every query is anchored already.')
  const { deployment, rpcUrl } = chain
  const digests = waiting.map(({ digest }) => digest)
  const { root, proofs } = batchOf(deployment.domain, digests)
  const privateKey = accountOf(chain, 0)
  const ledger = evmLedger({ rpcUrl, deployment, ...(privateKey === undefined ? {} : { privateKey }) })
  try {
    const { gas } = await ledger.submit({ kind: 'anchor', root })
    const time = await ledger.anchoredAt(root)
    if (time === undefined) {
      throw new TallyError('ledger/not-found', 'network', 'the chain took the root and does not show it yet', {
        remedy: 'run the same command again',
      })
    }
    for (const [i, { folder, digest }] of waiting.entries()) {
      await writeJson(join(folder, 'anchor.json'), { format: anchorFormat, digest, root, proof: proofs[i], time })
    }
    const each = gas === undefined ? undefined : gas / waiting.length
    output.report(
      { event: 'anchored', queries: waiting.length, root, time, ...(gas === undefined ? {} : { gas }) },
      `${count(waiting.length)} queries are anchored under ${root}` +
        (each === undefined
          ? '.'
          : `, ${count(Math.ceil(each))} gas each. Each proof is beside its record: anchor.json.`),
    )
  } finally {
    ledger.close()
  }
}

/** `tally query anchored`: whether the chain has a record's root, and the root the record. */
export const checkAnchored = async (
  output: Output,
  options: { readonly chain: string },
  recordFile: string,
): Promise<void> => {
  const { session } = await readRecord(recordFile)
  const chain = await readChain(options.chain)
  const anchor = await readFormat(
    join(recordFile, '..', 'anchor.json'),
    schema,
    'the anchor of a query',
    'tally query anchor',
  )
  const digest = anchoredDigest(session)
  if (digest !== anchor.digest || !inBatch(chain.deployment.domain, anchor.root, digest, anchor.proof)) {
    throw new TallyError('record/invalid', 'self', `${recordFile} is not in the batch that its anchor.json names`)
  }
  const ledger = evmLedger({ rpcUrl: chain.rpcUrl, deployment: chain.deployment })
  try {
    const time = await ledger.anchoredAt(anchor.root)
    if (time === undefined) {
      throw new TallyError('ledger/not-found', 'none', 'the chain has no such root', {
        remedy: 'name the chain that the query was anchored on',
      })
    }
    output.report(
      { event: 'anchored', root: anchor.root, time },
      `On the chain since ${new Date(time * 1000).toISOString()} at the latest.`,
    )
  } finally {
    ledger.close()
  }
}
