/** `tally psi run`: one party's side, from the checks before any network to the sealed evidence. */
import { join } from 'node:path'
import { TallyError } from '@tallystick/core'
import type { Pool } from '@tallystick/kernels/pool'
import type { Terms } from '@tallystick/session'
import type { Encoding } from '../csv.ts'
import { readDataset, type Dataset } from '../dataset.ts'
import { estimate } from '../estimate.ts'
import type { Job } from '../job.ts'
import type { Output } from '../output.ts'
import { poolFor, prepare, runParty, type Prepared, type RunOptions } from '../party-run.ts'
import { writeResult } from '../result.ts'
import { count, traffic } from '../text.ts'

/** The list as it was declared: same rule, same number of ids. */
const readDeclared = async (terms: Terms, role: string, path: string, encoding: Encoding): Promise<Dataset> => {
  const declared = terms.data[role]!
  const dataset = await readDataset(path, { ...declared, encoding })
  const { rows } = dataset.counts
  if (rows === declared.rows) return dataset
  throw new TallyError(
    'input/changed',
    'self',
    `${path}: the terms say ${count(declared.rows)} ids, the list has ${count(rows)}`,
    { remedy: 'put the declared list back, or declare this one and agree on new terms' },
  )
}

const dryRun = async (output: Output, { runnable, terms, peers }: Prepared, dataset: Dataset, pool: Pool) => {
  const peerRows = peers.reduce((sum, { role }) => sum + terms.data[role]!.rows, 0)
  const { protocol } = runnable
  const { bytes, seconds, rounds } = await estimate(protocol, terms.parameters, pool, dataset.items, peerRows)
  output.report(
    { event: 'dry-run', rows: dataset.counts.rows, peerRows, bytes, rounds, seconds },
    `All is in order. The run would exchange ${traffic(bytes)} in ${rounds} rounds and compute for about ` +
      `${Math.max(0.1, seconds).toFixed(1)} s on this machine, while the partner does about the same. Nothing was sent.`,
  )
}

/** What a set operation returns, as rows of the own list or as a number. */
const keepResult = async (output: Output, folder: string, dataset: Dataset, { session }: Job): Promise<void> => {
  const result = session.output as
    | { kind: 'intersection'; rows: Uint32Array }
    | { kind: 'cardinality'; size: number }
    | { kind: 'none' }
  if (result.kind === 'none') {
    return output.report(
      { event: 'result', kind: 'none' },
      'The partner has the result; this side was to learn nothing.',
    )
  }
  if (result.kind === 'cardinality') {
    const text = `${count(result.size)} ids are on both lists.`
    return output.report({ event: 'result', kind: 'cardinality', size: result.size }, text)
  }
  const file = join(folder, 'result.csv')
  await writeResult(dataset, result.rows, file)
  output.report(
    { event: 'result', kind: 'intersection', size: result.rows.length, file },
    `${count(result.rows.length)} of your rows are on both lists: ${file}`,
  )
}

export const run = async (
  output: Output,
  options: RunOptions & { readonly input: string; readonly encoding: Encoding },
): Promise<void> => {
  const prepared = await prepare(output, options)
  const { home, terms, own, meeting } = prepared
  const dataset = await readDeclared(terms, own.role, options.input, options.encoding)
  output.report(
    { event: 'checked', role: own.role, ...dataset.counts },
    `${options.input}: ${count(dataset.counts.rows)} ids enter as ${own.role}, as the terms say.`,
  )
  await using pool = poolFor(prepared)
  if (meeting === undefined) return await dryRun(output, prepared, dataset, pool)
  await runParty({
    ...{ output, prepared, meeting, dataset, pool, chain: options.chain },
    keepResult: (job) => keepResult(output, home.jobFolder(terms), dataset, job),
  })
}
