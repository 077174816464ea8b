/** `tally stats plan | run`: terms from an analysis and tables, and one party's side of it. */
import { registerHooks } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { loadPublicIdentity } from '@tallystick/session/node'
import { canonicalJson, TallyError, type Json } from '@tallystick/core'
import {
  computingOf,
  explain,
  helperRole,
  parseParameters,
  mostOwners,
  receiversOf,
  rolesOf,
  spentBy,
  statisticsFor,
  summarise,
  type Parameters,
  type Plan,
  type Role,
  type StatisticsOutput,
} from '@tallystick/statistics'
import { specHash, type Progress, type Terms } from '@tallystick/session'
import { charge, noisesOf, usedOf } from '../budget.ts'
import type { Encoding } from '../csv.ts'
import type { PublicIdentity } from '../declaration.ts'
import { readJson, writeJson } from '../files.ts'
import { noTable, type Job, type Source } from '../job.ts'
import { newTerms, tellTerms, type NewTermsOptions } from '../new-terms.ts'
import type { Output } from '../output.ts'
import { poolFor, prepare, runParty, type Prepared, type RunOptions } from '../party-run.ts'
import { protocolOf } from '../protocols.ts'
import { readTable, schemaOf } from '../table.ts'
import { readTableDeclaration, type TableDeclaration } from '../table-declaration.ts'
import { count, traffic } from '../text.ts'

interface PlanOptions extends NewTermsOptions {
  readonly party: readonly string[]
  readonly helper?: string
}

const identityAt = (path: string): PublicIdentity => {
  const { name, party, signer, tls } = loadPublicIdentity(path)
  return { name, party, signer, tls }
}

/** An analysis lies where its author works, where nothing is installed: packages of ours are then those of this command. */
const importAnalysis = async (path: string): Promise<{ readonly default?: Plan }> => {
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (!specifier.startsWith('@tallystick/')) return next(specifier, context)
      try {
        return next(specifier, context)
      } catch {
        return next(specifier, { ...context, parentURL: import.meta.url })
      }
    },
  })
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as { readonly default?: Plan }
  } finally {
    hooks.deregister()
  }
}

/** A module whose default export is a plan, or a plan as JSON. It runs here with the rights of the caller. */
const readPlan = async (path: string): Promise<Plan> => {
  if (path.endsWith('.json')) return (await readJson(path, 'a plan', 'input/malformed')) as Plan
  let module: { readonly default?: Plan }
  try {
    module = await importAnalysis(path)
  } catch (cause) {
    if (cause instanceof TallyError) throw cause
    throw new TallyError(
      'input/malformed',
      'self',
      `${path}: the analysis does not load: ${(cause as Error).message}`,
      {
        remedy: 'name a .ts or .mjs file that exports analyse(...) as default, or a .json file',
        cause,
      },
    )
  }
  if (module.default?.outputs !== undefined) return module.default
  throw new TallyError('input/malformed', 'self', `${path}: expected analyse(...) as the default export`, {
    remedy: 'export default analyse({ layout, columns }, (columns) => ({ ... }))',
  })
}

const joined = (plan: Plan, declarations: readonly TableDeclaration[]): void => {
  for (const { identity, read } of declarations) {
    if (read === null || (plan.layout === 'vertical') === (read.id !== undefined)) continue
    const message =
      plan.layout === 'vertical'
        ? `the table of ${identity.name} names no id column, a vertical analysis joins on one`
        : `the table of ${identity.name} names an id column, a horizontal analysis has none`
    throw new TallyError('terms/malformed', 'self', message, { remedy: 'declare the table again for this analysis' })
  }
}

/** Who takes part: two, alone or with a helper, or the first three compute; the others are owners beside them. */
interface Members {
  readonly declarations: readonly TableDeclaration[]
  /** Beside those who compute. */
  readonly owners: number
  readonly helper: PublicIdentity | undefined
}

/** Two parties without a helper take triples from BGV ciphertexts: transfers give no products over Z_2^128. */
const dealingOf = (declarations: readonly TableDeclaration[], helper: PublicIdentity | undefined) => {
  if (helper !== undefined) return { helper: true } as const
  return declarations.length === 2 ? ({ triples: 'bgv' } as const) : {}
}

const membersOf = (declarations: readonly TableDeclaration[], helper: PublicIdentity | undefined): Members => {
  const computing = computingOf(dealingOf(declarations, helper)).length
  const owners = declarations.length - computing
  if (owners >= 0 && owners <= (computing === 3 ? mostOwners : 0)) return { declarations, owners, helper }
  const expected =
    helper === undefined
      ? `two to ${computing + mostOwners} declarations as --party (p0, p1, p2, then owners)`
      : 'two declarations as --party (p0, p1) beside --helper'
  throw new TallyError('api/usage', 'self', `expected ${expected}, found ${declarations.length}`, {
    remedy: 'two parties compute by themselves or, faster, with a helper that sees nothing (--helper)',
  })
}

/** Roles with declarations. */
const rolesFor = ({ declarations, owners, helper }: Members): readonly Role[] =>
  rolesOf({ owners, ...dealingOf(declarations, helper) })

const byRole = <T>(members: Members, of: (each: TableDeclaration) => T | null) =>
  Object.fromEntries(
    rolesFor(members).flatMap((role, i) => {
      const value = of(members.declarations[i]!)
      return value === null ? [] : [[role, value] as const]
    }),
  ) as Partial<Record<Role, T>>

const parametersOf = (plan: Plan, members: Members): Parameters =>
  parseParameters({
    ...plan,
    ...(members.owners > 0 && { owners: members.owners }),
    // In terms "all" is every role, and the helper learns nothing.
    ...dealingOf(members.declarations, members.helper),
    ...(members.helper !== undefined && { to: plan.to === 'all' ? rolesFor(members) : plan.to }),
    sizes: byRole(members, ({ data }) => data?.rows ?? null),
    tables: byRole(members, ({ schema }) => schema),
  })

const partiesOf = (members: Members): Terms['parties'] => [
  ...rolesFor(members).map((role, i) => ({ role, ...members.declarations[i]!.identity })),
  ...(members.helper === undefined ? [] : [{ role: helperRole, ...members.helper }]),
]

/** What the evidence of a role tells whoever opens it. */
const revealsOf = (members: Members): Terms['auditor']['reveals'] => {
  const own = 'its whole table, its shares of the others’ numbers, and the figures if it learns them'
  const dealt = 'the random numbers that it dealt: nothing of any row, but every row beside the evidence of an owner'
  return Object.fromEntries(partiesOf(members).map(({ role }) => [role, role === helperRole ? dealt : own]))
}

export const plan = async (output: Output, options: PlanOptions, path: string): Promise<void> => {
  const [analysis, declarations] = await Promise.all([
    readPlan(path),
    Promise.all(options.party.map((path) => readTableDeclaration(path))),
  ])
  const members = membersOf(declarations, options.helper === undefined ? undefined : identityAt(options.helper))
  joined(analysis, declarations)
  const parameters = parametersOf(analysis, members)
  const { id } = statisticsFor(parameters)
  ;(await protocolOf(id)).protocol.parameters(parameters)
  const terms = await newTerms(options, {
    ...{ id, parameters },
    parties: partiesOf(members),
    receivers: [...receiversOf(parameters)],
    data: byRole(members, ({ data }) => data) as Terms['data'],
    reveals: revealsOf(members),
    // The evidence of two parties together opens every share.
    audited: ['p0'],
    // Every attempt would draw noise of its own.
    attempts: noisesOf(parameters).length > 0 ? 1 : 10,
  })
  const { text, ...report } = explained(parameters)
  await tellTerms(output, options, terms, { report: report as unknown as Json, text })
}

/** Milliseconds of a round trip between parties that are not on one machine. */
const defaultLatency = 1

/** At this delta what noise costs is told; a party's budget has its own. */
const toldDelta = 1e-6

const spending = (parameters: Parameters): readonly string[] => {
  const noises = noisesOf(parameters)
  if (noises.length === 0) return []
  const { rho, epsilon } = spentBy(noises, toldDelta)
  return [
    `Figures with noise cost epsilon ${epsilon.toPrecision(3)} at delta ${toldDelta} (rho ${rho.toPrecision(3)}) of every record that could be replaced.`,
  ]
}

const explained = (parameters: Parameters, latency = defaultLatency) => {
  const { rounds, bytes, seconds, learns, notes } = explain(parameters, latency)
  const text = [
    `${count(rounds)} rounds, ${traffic(bytes)} in all, about ${seconds.toFixed(1)} s at ${latency} ms a round trip.`,
    `What ${parameters.to === 'all' ? 'all' : receiversOf(parameters).join(', ')} will learn:`,
    ...learns.map(({ name, text: what }) => `  ${name}: ${what}`),
    ...notes,
    ...spending(parameters),
  ].join('\n')
  return { rounds, bytes, seconds, learns, notes, text }
}

interface StatsRunOptions extends RunOptions {
  readonly input?: string
  readonly table?: string
  readonly encoding: Encoding
  readonly explain?: true
}

const sameSchema = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b)

/** The table as it was declared: same columns, same number of rows. */
const readDeclared = async (
  output: Output,
  options: StatsRunOptions,
  { home, terms, own }: Prepared,
): Promise<Source> => {
  const declared = terms.data[own.role]
  if (declared === undefined) {
    if (options.input === undefined) return noTable
    throw new TallyError('api/usage', 'self', `${own.role} brings no table under these terms`, {
      remedy: 'leave out --input',
    })
  }
  if (options.input === undefined) {
    throw new TallyError('api/usage', 'self', `expected --input with the table of ${own.role}`)
  }
  const { read } = await readTableDeclaration(options.table ?? join(home.folder, 'table.json'))
  const schema = (terms.parameters as unknown as Parameters).tables[own.role]
  if (read === null || !sameSchema(schemaOf(read), schema)) {
    throw new TallyError('input/changed', 'self', 'the declaration in table.json has other columns than the terms', {
      remedy: 'name the declaration that the terms were made of (--table), or agree on new terms',
    })
  }
  const table = await readTable(options.input, read, options.encoding)
  const { rows } = table.counts
  if (rows !== declared.rows) {
    const message = `${options.input}: the terms say ${count(declared.rows)} rows, the table has ${count(rows)}`
    throw new TallyError('input/changed', 'self', message, {
      remedy: 'put the declared table back, or declare this one and agree on new terms',
    })
  }
  output.report(
    { event: 'checked', role: own.role, ...table.counts },
    `${options.input}: ${count(rows)} rows enter as ${own.role}, as the terms say.`,
  )
  return table
}

const show = (value: unknown): string =>
  JSON.stringify(value, (_, v: unknown) => (typeof v === 'number' ? Number(v.toPrecision(10)) : v))

const keepResult = async (output: Output, folder: string, parameters: Parameters, { session }: Job): Promise<void> => {
  const opened = session.output as StatisticsOutput | undefined
  if (opened === undefined) {
    return output.report(
      { event: 'result', kind: 'none' },
      `${receiversOf(parameters).join(', ')} learn the figures; this side learns none.`,
    )
  }
  const figures = summarise(parameters, opened)
  const file = join(folder, 'figures.json')
  await writeJson(file, { aligned: opened.aligned, figures }, true)
  const text = opened.aligned
    ? Object.entries(figures).map(([name, value]) => `  ${name}: ${show(value)}`)
    : ['  none: the tables do not have the same ids. Join them on their common ids (tally psi), then declare anew.']
  output.report(
    { event: 'result', kind: 'statistics', aligned: opened.aligned, figures, file },
    [`The figures, also in ${file}:`, ...text].join('\n'),
  )
}

/** What the figures spend of the table of this party, written down before anything is sent. */
const chargeBudget = async (
  output: Output,
  { home, terms, own }: Prepared,
  parameters: Parameters,
  file: string,
): Promise<void> => {
  const source = terms.data[own.role]?.source
  if (source === undefined) return
  const { attempts } = terms
  const table = await charge(home.folder, { source, file, specHash: specHash(terms), parameters, attempts })
  if (table === undefined) {
    if (noisesOf(parameters).length > 0) {
      output.note(
        `No budget is kept for "${source}": "tally data budget" sets one, so that many jobs do not tell it all.`,
      )
    }
    return
  }
  const { epsilon } = usedOf(table)
  output.report(
    { event: 'budget', source, epsilon: table.epsilon, delta: table.delta, spent: epsilon },
    `Of the budget of "${source}" epsilon ${epsilon.toPrecision(3)} of ${table.epsilon} is spent with this job, at delta ${table.delta}.`,
  )
}

export const run = async (output: Output, options: StatsRunOptions): Promise<void> => {
  const prepared = await prepare(output, options)
  const { home, terms, meeting } = prepared
  const parameters = parseParameters(terms.parameters)
  const source = await readDeclared(output, options, prepared)
  const predicted = explained(parameters)
  if (options.explain === true || meeting === undefined) {
    const { rounds, bytes, seconds, learns, notes } = predicted
    output.report({ event: 'explained', rounds, bytes, seconds, learns, notes }, predicted.text)
  }
  if (meeting === undefined) return
  await chargeBudget(output, prepared, parameters, source.digest)
  await using pool = poolFor(prepared)
  const watch = watchOf()
  await runParty({
    ...{ output, prepared, meeting, dataset: source, pool, chain: options.chain },
    onProgress: watch.see,
    keepResult: async (job) => {
      await keepResult(output, home.jobFolder(terms), parameters, job)
      compare(output, predicted, terms.parties.length, watch.happened())
    },
  })
}

interface Happened {
  /** Bytes sent and received. */
  readonly moved: number
  readonly seconds: number
  /** Of processors, of this party. */
  readonly cpuSeconds: number
}

/** From when all are there to the end. */
const watchOf = () => {
  let moved = 0
  let began: { readonly at: number; readonly cpu: NodeJS.CpuUsage } | undefined
  return {
    see({ phase, bytesSent, bytesReceived }: Progress): void {
      if (phase !== 'connecting') began ??= { at: performance.now(), cpu: process.cpuUsage() }
      moved = Math.max(moved, bytesSent + bytesReceived)
    },
    /** Nothing of a job that had ended, and is told again without any network. */
    happened(): Happened | undefined {
      if (began === undefined || moved === 0) return undefined
      const { user, system } = process.cpuUsage(began.cpu)
      return { moved, seconds: (performance.now() - began.at) / 1000, cpuSeconds: (user + system) / 1e6 }
    },
  }
}

/** Both ends of a link count a byte, so all parties together move each of them twice. */
const compare = (
  output: Output,
  predicted: ReturnType<typeof explained>,
  parties: number,
  happened: Happened | undefined,
): void => {
  if (happened === undefined) return
  const { moved, seconds, cpuSeconds } = happened
  const expected = (2 * predicted.bytes) / parties
  output.report(
    {
      ...{ event: 'compared', predictedBytes: expected, bytes: moved },
      ...{ predictedSeconds: predicted.seconds, seconds, cpuSeconds },
    },
    `Moved by this party: ${traffic(moved)}, predicted on average ${traffic(expected)}. Since all were there ` +
      `${seconds.toFixed(1)} s (${cpuSeconds.toFixed(1)} s of processor here), predicted ${predicted.seconds.toFixed(1)} s.`,
  )
}
