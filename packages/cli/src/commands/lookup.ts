/** `tally lookup terms | run`: rows of a partner's table by their keys, under encryption. */
import { join } from 'node:path'
import { TallyError } from '@tallystick/core'
import {
  explainLookup,
  lookup,
  lookupRows,
  type LookupAnswers,
  type LookupClientOutput,
  type LookupParameters,
} from '@tallystick/homomorphic'
import type { Encoding } from '../csv.ts'
import { readDataset, type DatasetOptions } from '../dataset.ts'
import { readDeclaration } from '../declaration.ts'
import { runEncrypted, type Explained } from '../encrypted-run.ts'
import { writeJson } from '../files.ts'
import type { Job, Source } from '../job.ts'
import { newTerms, tellTerms, type NewTermsOptions } from '../new-terms.ts'
import type { Output } from '../output.ts'
import { prepare, type Prepared, type RunOptions } from '../party-run.ts'
import { columnsOf, longestOf, readList } from '../query/values.ts'
import { count, traffic } from '../text.ts'

interface TermsOptions extends NewTermsOptions {
  readonly client: string
  readonly holder: string
  readonly values: string
  readonly valueBytes: string
}

/** Ring, security, bytes and seconds, as a person reads them. */
const explained = (parameters: LookupParameters): Explained => {
  const found = explainLookup(parameters)
  const { client, holder } = parameters.sizes
  const text = [
    `${count(client)} keys against ${count(holder)} rows: ${found.powers} ciphertexts up, ${found.replies} down.`,
    `BGV in degree ${found.degree}, ${found.modulusBits} bits of modulus: 128 bits of security up to ${found.securestBits}.`,
    `Replies hide the table but for the answers within 2^-${found.statisticalBits} (flood of ${found.floodBits} bits).`,
    `The client sends ${traffic(found.bytes.client)} and computes about ${found.seconds.client.toFixed(1)} s on a core,`,
    `the holder sends ${traffic(found.bytes.holder)} and computes about ${found.seconds.holder.toFixed(1)} s on a core.`,
    `The client chooses its keys: each attempt tells it ${count(client)} rows, if it guesses their keys.`,
  ].join('\n')
  return { report: { ...found }, text }
}

const parametersOf = (options: TermsOptions, client: number, holder: number): LookupParameters => {
  const parameters = {
    sizes: { client, holder },
    valueBytes: Number(options.valueBytes),
    columns: options.values.split(',').filter((name) => name !== ''),
  }
  try {
    return lookup.parameters(parameters)
  } catch (cause) {
    const remedy = 'ask for fewer keys in each of several jobs, or for fewer bytes with --value-bytes'
    throw new TallyError('terms/unsupported', 'self', (cause as Error).message, { cause, remedy })
  }
}

export const terms = async (output: Output, options: TermsOptions): Promise<void> => {
  const client = await readDeclaration(options.client)
  const holder = await readDeclaration(options.holder)
  if (client.data.normalisation !== holder.data.normalisation) {
    const message = `the client declares ${client.data.normalisation}, the holder ${holder.data.normalisation}`
    throw new TallyError('terms/malformed', 'self', message, { remedy: 'declare both by the same normalisation' })
  }
  const parameters = parametersOf(options, client.data.rows, holder.data.rows)
  const made = await newTerms(options, {
    ...{ id: lookup.id, parameters },
    parties: [
      { role: 'client', ...client.identity },
      { role: 'holder', ...holder.identity },
    ],
    receivers: ['client'],
    data: { client: client.data, holder: holder.data },
    reveals: { client: 'the keys that it asked for, and its answers', holder: 'its whole table' },
    audited: ['client'],
    // A client that breaks off after the replies can ask for other keys in the next attempt: few, then.
    attempts: 2,
  })
  await tellTerms(output, options, made, explained(parameters))
}

interface LookupRunOptions extends RunOptions {
  readonly input: string
  readonly encoding: Encoding
  readonly explain?: true
}

const ruleOf = (
  { own, terms: { data } }: Prepared,
  encoding: Encoding,
): DatasetOptions & { readonly encoding: Encoding } => {
  const { column, normalisation, duplicates } = data[own.role]!
  return { column, normalisation, duplicates, encoding }
}

const changed = (path: string, expected: number, found: number): TallyError =>
  new TallyError('input/changed', 'self', `${path}: the terms say ${count(expected)} rows, found ${count(found)}`, {
    remedy: 'put the declared list back, or agree on new terms',
  })

/** The client's keys, also as text. */
const readKeys = async (options: LookupRunOptions, prepared: Prepared) => {
  const { path, items, digest } = await readDataset(options.input, ruleOf(prepared, options.encoding))
  const decoder = new TextDecoder()
  const texts = Array.from({ length: items.offsets.length - 1 }, (_, i) =>
    decoder.decode(items.bytes.subarray(items.offsets[i], items.offsets[i + 1])),
  )
  return { dataset: { path, digest, items } satisfies Source, texts }
}

const readRows = async (
  options: LookupRunOptions,
  prepared: Prepared,
  { valueBytes, columns }: LookupParameters,
): Promise<Source> => {
  const path = options.input
  const list = await readList(path, ruleOf(prepared, options.encoding), columns)
  const longest = longestOf(list.values)
  if (longest > valueBytes) {
    const message = `${path}: the longest row takes ${count(longest)} bytes, the terms have ${valueBytes}`
    throw new TallyError('input/oversize', 'self', message, {
      remedy: 'agree on terms with fewer --values or more --value-bytes',
    })
  }
  return { path, digest: list.digest, items: lookupRows({ keys: list.ids, values: list.values }) }
}

/** Told here only: the holder has the same frames, close and record as after a success. */
const spoiledReply = (): TallyError =>
  new TallyError('peer/misbehaved', { peer: 'holder' }, 'the replies do not decrypt: noise exceeds what was planned', {
    remedy:
      'have the evidence of the holder replayed; do not tell it that its replies failed, which would answer a question about your keys',
  })

const statuses = ['absent', 'found', 'unanswered'] as const

const rowsOf = ({ status, values, offsets }: LookupAnswers, names: readonly string[], texts: readonly string[]) =>
  texts.map((key, i) => {
    const told = statuses[status[i]!] ?? 'unanswered'
    const value = values.subarray(offsets[i], offsets[i + 1])
    return told === 'found' ? { key, status: told, row: columnsOf(names, value) } : { key, status: told }
  })

const keepResult = async (
  output: Output,
  folder: string,
  { columns = [] }: LookupParameters,
  texts: readonly string[],
  { session }: Job,
): Promise<void> => {
  const opened = session.output as LookupClientOutput | null | undefined
  if (opened === undefined || opened === null) {
    return output.report({ event: 'result', kind: 'none' }, 'The client has the answers; this side learns none.')
  }
  if (opened.answers === null) throw spoiledReply()
  const rows = rowsOf(opened.answers, columns, texts)
  const file = join(folder, 'answers.json')
  await writeJson(file, rows, true)
  const found = rows.filter(({ status }) => status === 'found').length
  const unanswered = rows.filter(({ status }) => status === 'unanswered').length
  if (unanswered > 0) {
    output.note(`${count(unanswered)} keys got no answer. Do not tell the holder which: ask for them in another job.`)
  }
  output.report(
    { event: 'result', kind: 'answers', keys: rows.length, found, unanswered, file },
    `${count(found)} of ${count(rows.length)} keys have a row: ${file}`,
  )
}

export const run = async (output: Output, options: LookupRunOptions): Promise<void> => {
  const prepared = await prepare(output, options)
  const { own } = prepared
  const parameters = lookup.parameters(prepared.terms.parameters)
  const client = own.role === 'client' ? await readKeys(options, prepared) : undefined
  const dataset = client?.dataset ?? (await readRows(options, prepared, parameters))
  const [expected, rows] = [prepared.terms.data[own.role]!.rows, dataset.items.offsets.length - 1]
  if (rows !== expected) throw changed(options.input, expected, rows)
  output.report(
    { event: 'checked', role: own.role, rows },
    `${options.input} enters as ${own.role}: ${count(rows)} rows.`,
  )
  await runEncrypted(output, options, prepared, {
    dataset,
    explained: () => explained(parameters),
    keepResult: (folder, job) => keepResult(output, folder, parameters, client?.texts ?? [], job),
    // A few keys are evaluated and a few ciphertexts made; starting a second thread would take longer.
    ...(own.role === 'client' && { workers: 1 }),
  })
}
