/** `tally score terms | run`: a model at one side, features at the other, scores for the latter only. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { canonicalJson, TallyError, toHex, type Json } from '@tallystick/core'
import {
  explainScoring,
  modelRows,
  scoring,
  tableRows,
  type ScoringClientOutput,
  type ScoringParameters,
} from '@tallystick/homomorphic'
import { sealPool } from '@tallystick/homomorphic/pool'
import { parseTerms, specHash, termsFormat } from '@tallystick/session'
import { loadPublicIdentity } from '@tallystick/session/node'
import { decodeTable, unitsOf, type NumericColumn, type TableSchema } from '@tallystick/statistics'
import { readChain } from '../chain.ts'
import { readCsv, type Encoding } from '../csv.ts'
import { auditorOf, readAuditor } from '../declaration.ts'
import { writeFileWhole } from '../files.ts'
import type { Job, Source } from '../job.ts'
import type { Output } from '../output.ts'
import { prepare, runParty, workersOf, type Prepared, type RunOptions } from '../party-run.ts'
import { protocolOf } from '../protocols.ts'
import { readTable, type TableFormat } from '../table.ts'
import { readTableDeclaration } from '../table-declaration.ts'
import { renderTerms } from '../terms-text.ts'
import { count, traffic } from '../text.ts'
import { daysOf } from './terms.ts'

interface TermsOptions {
  readonly client: string
  readonly server: string
  readonly auditor: string
  readonly purpose: string
  readonly scoreDecimals: string
  readonly weightBits: string
  readonly days: string
  readonly chain?: string
  readonly out: string
}

const dayMilliseconds = 86_400_000

const wholeOf = (name: string, text: string, least: number, most: number): number => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new TallyError('api/usage', 'self', `expected ${least} to ${most} as ${name}, found "${text}"`)
}

export const numericOf = ({ columns }: TableSchema): readonly NumericColumn[] =>
  columns.map((column) => {
    if (column.type === 'numeric') return column
    throw new TallyError('input/column', 'self', `"${column.name}" is categorical, a linear score takes numbers`, {
      remedy: 'bring a numeric column of 0 and 1 for each level',
    })
  })

/** Bits of the largest value that the declared ranges allow, in units. */
const featureBitsOf = (columns: readonly NumericColumn[]): number => {
  const most = Math.max(
    ...columns.flatMap((column) => [column.minimum, column.maximum].map((x) => Math.abs(unitsOf(column, x)))),
  )
  const bits = Math.max(1, Math.ceil(Math.log2(most + 1)))
  if (bits <= 24) return bits
  throw new TallyError('terms/unsupported', 'self', `the declared ranges need ${bits} bits, a feature has at most 24`, {
    remedy: 'declare narrower ranges or fewer decimals',
  })
}

/** Ring, security, bytes and seconds, as a person reads them. */
const explained = (parameters: ScoringParameters) => {
  const found = explainScoring(parameters)
  const { degree, modulusBits, securestBits, bytes, seconds } = found
  const text = [
    `${count(parameters.sizes.client)} rows of ${parameters.features} features: ${count(found.ciphertexts)} ciphertexts.`,
    `BGV in degree ${degree}, ${modulusBits} bits of modulus: 128 bits of security up to ${securestBits}. Exact to ${found.plainBits} bits.`,
    `The reply hides the model but for the scores within 2^-${found.statisticalBits} (flood of ${found.floodBits} bits).`,
    `The client sends ${traffic(bytes.client)} and computes about ${seconds.client.toFixed(1)} s on a core,`,
    `the server sends ${traffic(bytes.server)} and computes about ${seconds.server.toFixed(1)} s on a core.`,
    `As many independent rows as there are features, and one more, give the model away to the client.`,
  ].join('\n')
  return { report: { ...found } as unknown as Json, text }
}

export const terms = async (output: Output, options: TermsOptions): Promise<void> => {
  const [client, auditor] = [await readTableDeclaration(options.client), await readAuditor(options.auditor)]
  const { data, schema, read } = client
  if (data === null || schema === null || read?.id !== undefined) {
    throw new TallyError('terms/malformed', 'self', 'expected a table without an id column from the client', {
      remedy: 'declare the features again: tally data declare features.csv --table columns.json',
    })
  }
  const columns = numericOf(schema)
  const scoreDecimals = wholeOf('--score-decimals', options.scoreDecimals, 0, 14)
  const parameters: ScoringParameters = {
    sizes: { client: data.rows, server: columns.length + 1 },
    features: columns.length,
    featureBits: featureBitsOf(columns),
    weightBits: wholeOf('--weight-bits', options.weightBits, 1, 24),
    units: { columns: columns.map(({ name, decimals }) => ({ name, decimals })), scoreDecimals },
  }
  const { text, report } = explained(parameters)
  const { protocol, code } = protocolOf(scoring.id)
  const { name, party, signer, tls } = loadPublicIdentity(options.server)
  const expires = Date.now() + daysOf(options.days) * dayMilliseconds
  const made = parseTerms({
    format: termsFormat,
    domain: options.chain === undefined ? toHex(randomBytes(32)) : (await readChain(options.chain)).deployment.domain,
    nonce: toHex(randomBytes(32)),
    purpose: options.purpose,
    protocol: { id: protocol.id, version: protocol.version, package: code.version, code: code.digest },
    parameters: parameters as unknown as Json,
    parties: [
      { role: 'client', ...client.identity },
      { role: 'server', name, party, signer, tls },
    ],
    receivers: ['client'],
    data: {
      client: { ...data, normalisation: 'integers/1' },
      server: {
        ...{ source: 'a linear model', column: 'weight', normalisation: 'model/1', duplicates: 'refuse' },
        rows: columns.length + 1,
      },
    },
    leakage: protocol.leakage,
    auditor: {
      ...auditorOf(auditor),
      limit: 1,
      reveals: {
        client: 'its features, the key that it drew, and its scores',
        server: 'its whole model',
      },
      audited: ['client'],
    },
    // Each attempt can be asked other rows by a client that breaks off after the reply: few, then.
    attempts: 2,
    expires: `${new Date(expires).toISOString().slice(0, 19)}Z`,
    deadlines: { handshake: 600, message: 600, close: 600 },
    retention: new Date(expires + 365 * dayMilliseconds).toISOString().slice(0, 10),
  })
  await writeFileWhole(options.out, `${canonicalJson(made)}\n`)
  output.report(
    { event: 'terms', file: options.out, specHash: specHash(made), plan: report },
    `${renderTerms(made)}\n\n${text}\n\n${options.out}: send it to the partner; then both run "tally terms approve".`,
  )
}

interface ScoreRunOptions extends RunOptions {
  readonly input: string
  readonly table?: string
  readonly encoding: Encoding
  readonly explain?: true
}

const unitsIn = ({ units }: ScoringParameters): NonNullable<ScoringParameters['units']> => {
  if (units !== undefined) return units
  throw new TallyError('terms/malformed', 'self', 'the terms do not say what the integers stand for', {
    remedy: 'make the terms with tally score terms',
  })
}

/** A table of numbers as rows of integers in the unit of each column. */
export const readIntegers = async (
  file: string,
  read: TableFormat,
  schema: TableSchema,
  encoding: Encoding,
  rows: number,
): Promise<Source> => {
  const columns = numericOf(schema)
  const { items, counts, path, digest } = await readTable(file, read, encoding)
  if (counts.rows !== rows) {
    const message = `${file}: the terms say ${count(rows)} rows, the table has ${count(counts.rows)}`
    throw new TallyError('input/changed', 'self', message, { remedy: 'put the declared table back' })
  }
  const { codes } = decodeTable(schema, items, false)
  const values = new Int32Array(counts.rows * columns.length)
  columns.forEach((column, c) => {
    const least = unitsOf(column, column.minimum)
    codes[c]!.forEach((code, row) => (values[row * columns.length + c] = code + least))
  })
  return { path, digest, items: tableRows(values, columns.length) }
}

const readFeatures = async (
  options: ScoreRunOptions,
  { home, terms: { data } }: Prepared,
  parameters: ScoringParameters,
): Promise<Source> => {
  const { read, schema } = await readTableDeclaration(options.table ?? join(home.folder, 'table.json'))
  const columns = schema === null ? [] : numericOf(schema)
  const declared = columns.map(({ name, decimals }) => ({ name, decimals }))
  const same = canonicalJson(declared) === canonicalJson(unitsIn(parameters).columns)
  if (read === null || schema === null || !same || featureBitsOf(columns) > parameters.featureBits) {
    throw new TallyError('input/changed', 'self', 'the declaration in table.json has other columns than the terms', {
      remedy: 'name the declaration that the terms were made of (--table), or agree on new terms',
    })
  }
  return await readIntegers(options.input, read, schema, options.encoding, data['client']!.rows)
}

const wrongModel = (path: string, what: string): TallyError =>
  new TallyError('input/invalid-value', 'self', `${path}: ${what}`, {
    remedy: 'two columns, name and weight; a line for each feature of the terms and one named "intercept"',
  })

/** A model as CSV: `name,weight`, the features of the terms by name, and `intercept`. */
const readModel = async (options: ScoreRunOptions, parameters: ScoringParameters): Promise<Source> => {
  const { columns, scoreDecimals } = unitsIn(parameters)
  const path = options.input
  const found = new Map<string, number>()
  let header: readonly string[] | undefined
  const { digest } = await readCsv(path, options.encoding, (fields, line) => {
    if (header === undefined) {
      header = fields
      if (fields.length !== 2) throw wrongModel(path, `expected two columns, found ${fields.length}`)
      return
    }
    const [name = '', text = ''] = fields.map((field) => field.trim())
    const weight = Number(text)
    if (text === '' || !Number.isFinite(weight)) throw wrongModel(path, `line ${line} has no number as weight`)
    if (found.has(name)) throw wrongModel(path, `line ${line} names "${name}" again`)
    found.set(name, weight)
  })
  const weightOf = (name: string, decimals: number): number => {
    const weight = found.get(name)
    if (weight === undefined) throw wrongModel(path, `there is no line for "${name}"`)
    found.delete(name)
    return Math.round(weight * 10 ** (scoreDecimals - decimals))
  }
  const weights = columns.map(({ name, decimals }) => weightOf(name, decimals))
  const intercept = weightOf('intercept', 0)
  const [more] = found.keys()
  if (more !== undefined) throw wrongModel(path, `the terms know no feature "${more}"`)
  const wide = weights.findIndex((weight) => Math.abs(weight) >= 2 ** parameters.weightBits)
  if (wide >= 0 || Math.abs(intercept) >= 2 ** (parameters.weightBits + parameters.featureBits)) {
    const what = wide >= 0 ? `the weight of "${columns[wide]!.name}"` : 'the intercept'
    throw new TallyError('input/oversize', 'self', `${path}: ${what} does not fit ${parameters.weightBits} bits`, {
      remedy: 'agree on terms with fewer --score-decimals, or more --weight-bits',
    })
  }
  return { path, digest, items: modelRows({ weights: Int32Array.from(weights), intercept }) }
}

/** The most that rounding weights and intercept changes a score by: half a unit of each, times the largest feature. */
const roundingOf = (parameters: ScoringParameters): number =>
  (0.5 * (parameters.features * 2 ** parameters.featureBits + 1)) / 10 ** unitsIn(parameters).scoreDecimals

/** Told here only: the server has the same frames, close and record as after a success. */
const spoiledReply = (): TallyError =>
  new TallyError(
    'peer/misbehaved',
    { peer: 'server' },
    'the scores do not decrypt: their noise exceeds what was planned',
    {
      remedy:
        'have the evidence of the server replayed; do not tell it that its reply failed, which would answer a question about your rows',
    },
  )

const keepResult = async (output: Output, folder: string, parameters: ScoringParameters, { session }: Job) => {
  const opened = session.output as ScoringClientOutput | null | undefined
  if (opened === undefined || opened === null) {
    return output.report({ event: 'result', kind: 'none' }, 'The client has the scores; this side learns none.')
  }
  const { scores } = opened
  if (scores === null) throw spoiledReply()
  const { scoreDecimals } = unitsIn(parameters)
  const lines = Array.from(scores, (score) => {
    const value = score / 10 ** scoreDecimals
    return `${value},${1 / (1 + Math.exp(-value))}`
  })
  const file = join(folder, 'scores.csv')
  await writeFileWhole(file, `score,probability\n${lines.join('\n')}\n`, true)
  const text = `${count(lines.length)} scores, in the order of the rows, with the logistic function of each: ${file}`
  output.report({ event: 'result', kind: 'scores', rows: lines.length, file }, text)
}

export const run = async (output: Output, options: ScoreRunOptions): Promise<void> => {
  const prepared = await prepare(output, options)
  const { home, own, meeting } = prepared
  const parameters = scoring.parameters(prepared.terms.parameters)
  const client = own.role === 'client'
  const dataset = client ? await readFeatures(options, prepared, parameters) : await readModel(options, parameters)
  const rounding = roundingOf(parameters)
  output.report(
    { event: 'checked', role: own.role, rows: dataset.items.offsets.length - 1, rounding },
    `${options.input} enters as ${own.role}. Rounding the model changes no score by more than ${rounding.toPrecision(2)}.`,
  )
  if (options.explain === true || meeting === undefined) {
    const { report, text } = explained(parameters)
    output.report({ event: 'explained', plan: report }, text)
  }
  if (meeting === undefined) return
  await using pool = sealPool({ workers: workersOf(prepared) })
  await runParty({
    ...{ output, prepared, meeting, dataset, pool, chain: options.chain },
    keepResult: (job) => keepResult(output, home.jobFolder(prepared.terms), parameters, job),
  })
}
