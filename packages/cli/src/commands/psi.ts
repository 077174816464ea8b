/** `tally psi run`: one party's side, from the checks before any network to the sealed evidence and the receipt. */
import { TallyError } from '@tallystick/core'
import type { Pool } from '@tallystick/kernels/pool'
import { plannable, predict, referenceRates, type Considered, type Prediction } from '@tallystick/psi'
import { commonRows } from '@tallystick/psi/unbalanced'
import type { Terms } from '@tallystick/session'
import type { Encoding } from '../csv.ts'
import { readDataset, type Dataset } from '../dataset.ts'
import { measureRates, requestOf } from '../estimate.ts'
import type { Job, Source } from '../job.ts'
import type { Output } from '../output.ts'
import { poolFor, prepare, runParty, type Prepared, type RunOptions } from '../party-run.ts'
import { consideredText, costText, planned, registered, secondsText } from '../plan.ts'
import { readFilterFor, readKeyFor } from '../prepared-list.ts'
import { keepReceipt, receiptDigest, stopwatch, type Receipt, type ReceiptOptions } from '../receipt.ts'
import { keepSetResult, type SetResult } from '../set-result.ts'
import { count, traffic } from '../text.ts'
import { valuedRows } from '../values.ts'

interface PsiOptions extends RunOptions {
  readonly input: string
  readonly filter?: string
  readonly encoding: Encoding
  readonly explain?: true
  readonly complement?: true
}

/** What a party brings, and how it turns the output of a session into rows of its own list. */
interface Brought {
  readonly source: Source
  readonly own: Omit<Receipt['own'], 'rule'>
  /** Undefined where there is no list here: the holder of a prepared one has its key only. */
  readonly dataset: Dataset | undefined
  readonly rowsOf: (tags: Uint8Array) => Uint32Array
}

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

const noTags = (): never => {
  throw new TallyError('invariant/broken', 'self', 'tags come from a prepared list only')
}

const bring = async ({ terms, own }: Prepared, { input, encoding, filter }: PsiOptions): Promise<Brought> => {
  const { list } = requestOf(terms)
  if (list !== undefined && own.role === 'sender') {
    const { manifest, ...source } = await readKeyFor(input, list)
    return { source, own: { records: manifest.rows, duplicates: 0 }, dataset: undefined, rowsOf: noTags }
  }
  // Read before the session: a filter of another version is no use to it.
  const prepared = list === undefined ? undefined : await readFilterFor(filter, list)
  const dataset = await readDeclared(terms, own.role, input, encoding)
  const { records, duplicates } = dataset.counts
  const rowsOf = prepared === undefined ? noTags : (tags: Uint8Array) => commonRows(prepared, tags)
  const { values: receivers, senderValues } = requestOf(terms)
  const values = own.role === 'sender' ? senderValues : own.role === terms.parties[0]!.role ? receivers : undefined
  const source = values === undefined ? dataset : { ...dataset, items: await valuedRows(dataset, values) }
  return { source, own: { records, duplicates }, dataset, rowsOf }
}

const tellChecked = (
  output: Output,
  { terms, own }: Prepared,
  path: string,
  { dataset, own: counts }: Brought,
): void => {
  if (dataset === undefined) {
    const text = `${path}: a prepared list of ${count(counts.records)} ids; its key enters as ${own.role}, as the terms say.`
    return output.report({ event: 'checked', role: own.role, rows: 1, listed: counts.records }, text)
  }
  const { rows, duplicates } = dataset.counts
  const rule = terms.data[own.role]!.duplicates
  const repeated = duplicates === 0 ? '' : ` (${count(duplicates)} records repeat one: ${rule})`
  output.report(
    { event: 'checked', role: own.role, ...dataset.counts, rule },
    `${path}: ${count(rows)} ids enter as ${own.role}, as the terms say${repeated}.`,
  )
}

const reported = ({ protocol, predicted, refused }: Considered) => ({
  ...{ protocol, refused: refused ?? null, predicted: predicted === undefined ? null : { ...predicted } },
})

/** What the run will cost on this machine, and, if asked for, why it is this protocol. */
const foresee = async (
  output: Output,
  { terms, runnable }: Prepared,
  pool: Pool,
  { explain, measure }: { readonly explain: boolean; readonly measure: boolean },
): Promise<Prediction> => {
  const request = requestOf(terms)
  const rates = measure ? await measureRates(pool) : referenceRates
  const { protocol } = runnable
  const predicted = predict(protocol, request, rates)
  if (!explain) return predicted
  const choice = await planned(request, rates)
  const same = choice.protocol === protocol.id
  const { considered, reason, advice } = choice
  output.report(
    {
      ...{ event: 'explain', protocol: protocol.id, choice: choice.protocol, reason, advice: advice ?? null },
      ...{ predicted: { ...predicted }, considered: considered.map(reported) },
    },
    `The terms say ${protocol.id}. ${same ? `So does the planner: ${reason}` : `The planner would take ${choice.protocol}: ${reason}`}.\n` +
      `Predicted on this machine: ${costText(predicted)}, waiting for the others aside. Of all protocols:\n` +
      `${consideredText(choice)}${advice === undefined ? '' : `\nAdvice: ${advice}.`}`,
  )
  return predicted
}

const tellDryRun = (output: Output, { terms }: Prepared, rows: number, role: string, predicted: Prediction): void => {
  const others = Object.entries(requestOf(terms).sizes).filter(([other]) => other !== role)
  const peerRows = others.reduce((sum, [, size]) => sum + size, 0)
  const { bytes, seconds, rounds } = predicted
  output.report(
    { event: 'dry-run', rows, peerRows, bytes, rounds, seconds },
    `All is in order. The run would exchange ${traffic(bytes)} in ${rounds} rounds and take about ` +
      `${secondsText(seconds)} on this machine, if the ${others.length === 1 ? "partner's is" : "partners' are"} alike. ` +
      'Nothing was sent.',
  )
}

/** The receipt, and how the run compared with what was predicted. */
const giveReceipt = async (
  output: Output,
  folder: string,
  { terms, own }: Prepared,
  brought: Brought,
  run: Pick<ReceiptOptions, 'attempt' | 'predicted' | 'measured' | 'happened'>,
): Promise<void> => {
  const { file, receipt } = await keepReceipt(folder, { terms, role: own.role, own: brought.own, ...run })
  const { predicted, happened } = receipt
  const whose = terms.parties.length === 2 ? '' : ' of all parties together'
  const compared =
    happened === null
      ? ''
      : ` Predicted ${secondsText(predicted.seconds)} and ${traffic(predicted.bytes)}${whose}; ` +
        `it took ${secondsText(happened.seconds)} (${happened.cpuSeconds.toFixed(1)} s of processor here) and ${traffic(happened.bytes)}${whose === '' ? '' : ' here'}.`
  output.report(
    {
      ...{ event: 'receipt', file, digest: receiptDigest(receipt), predicted: { ...predicted } },
      happened: happened === null ? null : { ...happened },
    },
    `Receipt: ${file}.${compared}`,
  )
}

export const run = async (output: Output, options: PsiOptions): Promise<void> => {
  const prepared = await prepare(output, options)
  const { home, terms, own, meeting } = prepared
  const known = plannable(await registered(terms.parties.length))
  if (!known.includes(terms.protocol.id)) {
    throw new TallyError(
      'terms/unsupported',
      'self',
      `tally psi run runs ${known.join(', ')}; the terms want ${terms.protocol.id}`,
      {
        remedy: 'use the command for that protocol (tally stats, tally query), or a program of your own',
      },
    )
  }
  const brought = await bring(prepared, options)
  tellChecked(output, prepared, options.input, brought)
  await using pool = poolFor(prepared)
  const explain = options.explain === true
  const complement = options.complement === true
  // Measuring takes a second: a run that nobody asked about is priced by the machine of the constants.
  const measured = explain || meeting === undefined
  const predicted = await foresee(output, prepared, pool, { explain, measure: measured })
  if (meeting === undefined) {
    const rows = brought.dataset?.counts.rows ?? brought.own.records
    return tellDryRun(output, prepared, rows, own.role, predicted)
  }
  const folder = home.jobFolder(terms)
  const watch = stopwatch()
  await runParty({
    ...{ output, prepared, meeting, pool, chain: options.chain, dataset: brought.source },
    onProgress: watch.see,
    async keepResult({ session }: Job) {
      await keepSetResult(output, folder, terms, { ...brought, complement }, session.output as SetResult)
      const { attempt } = session
      await giveReceipt(output, folder, prepared, brought, { attempt, predicted, measured, happened: watch.happened() })
    },
  })
}
