/** `tally score terms | run`: a model at one side, features at the other, scores for the latter only. */
import { join } from 'node:path'
import { canonicalJson, TallyError } from '@tallystick/core'
import {
  explainScoring,
  modelRows,
  scoring,
  type ScoringClientOutput,
  type ScoringParameters,
} from '@tallystick/homomorphic'
import { unitsOf, type NumericColumn } from '@tallystick/statistics'
import { readCsv, type Encoding } from '../csv.ts'
import { runEncrypted, type Explained } from '../encrypted-run.ts'
import { writeFileWhole } from '../files.ts'
import { numericOf, readIntegers } from '../integers.ts'
import type { Job, Source } from '../job.ts'
import { newTerms, partyFrom, tellTerms, type NewTermsOptions } from '../new-terms.ts'
import type { Output } from '../output.ts'
import { prepare, type Prepared, type RunOptions } from '../party-run.ts'
import { readTableDeclaration } from '../table-declaration.ts'
import { count, traffic } from '../text.ts'

interface TermsOptions extends NewTermsOptions {
  readonly client: string
  readonly server: string
  readonly scoreDecimals: string
  readonly weightBits: string
}

const wholeOf = (name: string, text: string, least: number, most: number): number => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new TallyError('api/usage', 'self', `expected ${least} to ${most} as ${name}, found "${text}"`)
}

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
const explained = (parameters: ScoringParameters): Explained => {
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
  return { report: { ...found }, text }
}

export const terms = async (output: Output, options: TermsOptions): Promise<void> => {
  const client = await readTableDeclaration(options.client)
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
  const made = await newTerms(options, {
    ...{ id: scoring.id, parameters },
    parties: [{ role: 'client', ...client.identity }, partyFrom('server', options.server)],
    receivers: ['client'],
    data: {
      client: { ...data, normalisation: 'integers/1' },
      server: {
        ...{ source: 'a linear model', column: 'weight', normalisation: 'model/1', duplicates: 'refuse' },
        rows: columns.length + 1,
      },
    },
    reveals: { client: 'its features, the key that it drew, and its scores', server: 'its whole model' },
    audited: ['client'],
    // Each attempt can be asked other rows by a client that breaks off after the reply: few, then.
    attempts: 2,
  })
  await tellTerms(output, options, made, explained(parameters))
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
  const { own } = prepared
  const parameters = scoring.parameters(prepared.terms.parameters)
  const client = own.role === 'client'
  const dataset = client ? await readFeatures(options, prepared, parameters) : await readModel(options, parameters)
  const rounding = roundingOf(parameters)
  output.report(
    { event: 'checked', role: own.role, rows: dataset.items.offsets.length - 1, rounding },
    `${options.input} enters as ${own.role}. Rounding the model changes no score by more than ${rounding.toPrecision(2)}.`,
  )
  await runEncrypted(output, options, prepared, {
    dataset,
    explained: () => explained(parameters),
    keepResult: (folder, job) => keepResult(output, folder, parameters, job),
  })
}
