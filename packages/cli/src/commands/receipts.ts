/**
 * `tally psi anchor | anchored`: the receipts of this home that no chain has yet, under one Merkle root, so that a job takes
 * its share of one transaction; and whether a chain has a receipt.
 */
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { batchOf, evmLedger, inBatch } from '@tallystick/attestation/ledger'
import { TallyError, type Hex } from '@tallystick/core'
import { z } from 'zod'
import { accountOf, readChain } from '../chain.ts'
import { readFormat } from '../declaration.ts'
import { writeJson } from '../files.ts'
import { openHome } from '../home.ts'
import type { Output } from '../output.ts'
import { readReceipt, receiptDigest } from '../receipt.ts'
import { count } from '../text.ts'

const hex32 = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]{64}$/)])
const anchorFormat = 'tallystick/receipt-anchor/1'
const schema = z.strictObject({
  format: z.literal(anchorFormat),
  digest: hex32,
  root: hex32,
  /** Siblings from the leaf upwards. */
  proof: z.array(hex32),
  /** Block time, Unix seconds. */
  time: z.int(),
})

const anchorFile = (folder: string): string => join(folder, 'receipt-anchor.json')

/** Receipts without an anchor, or with one of an earlier receipt. */
const waitingIn = async (home: string): Promise<{ readonly folder: string; readonly digest: Hex }[]> => {
  const jobs = join(home, 'jobs')
  const names = await readdir(jobs).catch(() => [])
  const waiting: { readonly folder: string; readonly digest: Hex }[] = []
  for (const name of names.toSorted()) {
    const folder = join(jobs, name)
    const file = join(folder, 'receipt.json')
    if (!existsSync(file)) continue
    const digest = receiptDigest(await readReceipt(file))
    const before = existsSync(anchorFile(folder))
      ? await readFormat(anchorFile(folder), schema, 'the anchor of a receipt', 'tally psi anchor')
      : undefined
    if (before?.digest !== digest) waiting.push({ folder, digest })
  }
  return waiting
}

export const anchorReceipts = async (
  output: Output,
  options: { readonly home: string; readonly chain?: string },
): Promise<void> => {
  const home = await openHome(options.home)
  const chain = await readChain(options.chain ?? join(home.folder, 'chain.json'))
  const waiting = await waitingIn(home.folder)
  if (waiting.length === 0)
    return output.report({ event: 'anchored', receipts: 0 }, 'Every receipt is anchored already.')
  const { deployment, rpcUrl } = chain
  const { root, proofs } = batchOf(
    deployment.domain,
    waiting.map(({ digest }) => digest),
  )
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
      await writeJson(anchorFile(folder), { format: anchorFormat, digest, root, proof: proofs[i], time })
    }
    output.report(
      { event: 'anchored', receipts: waiting.length, root, time, ...(gas === undefined ? {} : { gas }) },
      `${count(waiting.length)} receipts are anchored under ${root}; each proof is beside its receipt: receipt-anchor.json.`,
    )
  } finally {
    ledger.close()
  }
}

export const checkReceipt = async (
  output: Output,
  options: { readonly chain: string },
  file: string,
): Promise<void> => {
  const digest = receiptDigest(await readReceipt(file))
  const chain = await readChain(options.chain)
  const anchor = await readFormat(anchorFile(dirname(file)), schema, 'the anchor of a receipt', 'tally psi anchor')
  if (digest !== anchor.digest || !inBatch(chain.deployment.domain, anchor.root, digest, anchor.proof)) {
    throw new TallyError('record/invalid', 'self', `${file} is not the receipt that its anchor names`, {
      remedy: 'ask the party for the receipt and its anchor again, unchanged',
    })
  }
  const ledger = evmLedger({ rpcUrl: chain.rpcUrl, deployment: chain.deployment })
  try {
    const time = await ledger.anchoredAt(anchor.root)
    if (time === undefined) {
      throw new TallyError('ledger/not-found', 'none', 'the chain has no such root', {
        remedy: 'name the chain that the receipt was anchored on',
      })
    }
    const text = `On the chain since ${new Date(time * 1000).toISOString()} at the latest.`
    output.report({ event: 'anchored', digest, root: anchor.root, time }, text)
  } finally {
    ledger.close()
  }
}
