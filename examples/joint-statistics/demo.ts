/**
 * Three companies, one set of customers: figures over all their columns, and no column leaves its company. Everything
 * happens through `tally` commands, each a process of its own; the figures are compared with the clear computation.
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { count, stopSignal, type Output } from '@tallystick/cli'
import { TallyError } from '@tallystick/core'
import { createCommands, type Commands, type Ended, type Event } from '../blacklist/processes.ts'
import { companies, type Company } from './companies.ts'
import { makeCustomers, writeExports, type Customer, type Written } from './generate.ts'
import { truthOf, type Truth } from './truth.ts'

const customerCount = 600

interface Stage {
  readonly output: Output
  readonly commands: Commands
  readonly folder: string
  step(title: string): void
  tell(text: string): void
}

const stageOf = (output: Output, commands: Commands, folder: string): Stage => {
  let number = 0
  return {
    ...{ output, commands, folder },
    step(title) {
      number += 1
      output.report({ event: 'step', number, title }, `\n${output.style('bold', `${number}. ${title}`)}`)
    },
    tell: (text) => output.say(`   ${text.replaceAll('\n', '\n   ')}`),
  }
}

/** @throws TallyError: a wrong figure is never shown as a right one */
const requireThat = (condition: boolean, what: string): void => {
  if (condition) return
  throw new TallyError('invariant/broken', 'self', `the example came out wrong: ${what}`, {
    remedy: 'report this as a defect of Tallystick, with the folder of the example',
  })
}

const field = <T>({ events }: Ended, event: string, name: string): T => {
  const found = events.find((each) => each.event === event)
  requireThat(found !== undefined, `there is no event "${event}"`)
  return found![name] as T
}

const homeOf = ({ folder }: Stage, { role }: Company): string => join(folder, role)

const setUp = async (stage: Stage, customers: readonly Customer[]) => {
  const { commands, folder, step, tell } = stage
  step('Three companies and an audit office')
  const [exports] = await Promise.all([
    writeExports(folder, customers),
    ...companies.map((company) =>
      commands.run('party', 'init', '--name', company.name, '--home', homeOf(stage, company)),
    ),
    commands.run('auditor', 'init', '--name', 'Audit office', '--home', join(folder, 'audit')),
  ])
  for (const { company } of exports.written) {
    const names = company.columns.map(({ name }) => name).join(', ')
    tell(`${company.name}: ${count(customers.length)} customers with ${names}`)
  }
  return exports
}

const declare = async (stage: Stage, written: readonly Written[], spoiled: string): Promise<void> => {
  const { commands, step, tell, output } = stage
  step('Each checks its table, before any network')
  const first = written[0]!
  const home = homeOf(stage, first.company)
  const refused = await commands.start('data', 'declare', spoiled, '--table', first.format, '--home', home).ended
  const error = refused.events.at(-1) as Event & { code?: string; message?: string }
  requireThat(refused.code !== 0 && error.code === 'input/invalid-value', 'the spoiled export was not refused')
  tell(
    `A hurried export is refused: ${output.style('red', error.code!)}${error.message!.slice(error.message!.indexOf(':'))}`,
  )
  for (const { company, table, format } of written) {
    const ended = await commands.run('data', 'declare', table, '--table', format, '--home', homeOf(stage, company))
    requireThat(field<number>(ended, 'declared', 'rows') === customerCount, `the rows of ${company.name}`)
    tell(`${company.name}: ${count(customerCount)} rows enter`)
  }
  output.report({ event: 'refused', code: error.code! })
}

const agree = async (stage: Stage): Promise<string> => {
  const { commands, folder, step, tell } = stage
  step('All approve the same analysis, and see what it will tell')
  const terms = join(folder, 'terms.json')
  const analysis = fileURLToPath(new URL('analysis.ts', import.meta.url))
  await commands.run(
    ...['stats', 'plan', analysis, '--party', ...companies.map((each) => join(homeOf(stage, each), 'table.json'))],
    ...[
      '--auditor',
      join(folder, 'audit', 'auditor.json'),
      '--purpose',
      'Spending and late payment of shared customers',
    ],
    ...['--out', terms],
  )
  for (const company of companies) await commands.run('terms', 'approve', terms, '--home', homeOf(stage, company))
  tell(`${relative(folder, terms)}: approved by ${companies.map(({ name }) => name).join(', ')}`)
  return terms
}

/** p0 waits for both, p1 dials p0 and waits for p2, p2 dials both. */
const compute = async (stage: Stage, written: readonly Written[], terms: string): Promise<readonly Ended[]> => {
  const { commands, step, tell } = stage
  step('They compute, each in its own process, over mutual TLS')
  const started: { readonly port: number; readonly finish: () => Promise<Ended>; readonly pid: number }[] = []
  for (const { company, table } of written) {
    const dialled = started.map(({ port }, i) => `${companies[i]!.role}=127.0.0.1:${port}`)
    const last = started.length === companies.length - 1
    const command = commands.start(
      ...['stats', 'run', '--terms', terms, '--input', table, '--home', homeOf(stage, company), '--explain'],
      ...(last ? [] : ['--listen', '127.0.0.1:0']),
      ...(dialled.length > 0 ? ['--connect', ...dialled] : []),
    )
    const port = last ? 0 : Number((await command.first('listening'))['port'])
    started.push({ port, finish: () => command.finish(), pid: command.pid })
  }
  const start = performance.now()
  const ended = await Promise.all(started.map(({ finish }) => finish()))
  const explained = ended[0]!.events.find(({ event }) => event === 'explained')!
  const compared = ended[0]!.events.find(({ event }) => event === 'compared')!
  tell(
    `Processes ${started.map(({ pid }) => pid).join(', ')}; ${((performance.now() - start) / 1000).toFixed(1)} s. ` +
      `${String(explained['rounds'])} rounds, ${(Number(explained['bytes']) / 1e6).toFixed(1)} MB predicted; ` +
      `${Number(compared['predictedSeconds']).toFixed(1)} s predicted.`,
  )
  return ended
}

interface Regression {
  readonly intercept: number
  readonly coefficients: readonly number[]
  readonly p?: readonly number[]
}

const close = (found: readonly number[], expected: readonly number[], error: number): boolean =>
  found.length === expected.length &&
  found.every((v, i) => Math.abs(v - expected[i]!) <= error * Math.max(1e-9, Math.abs(expected[i]!)))

const compare = (stage: Stage, figures: Readonly<Record<string, any>>, truth: Truth): void => {
  const { step, tell, output } = stage
  step('What all learned, beside the same in the clear')
  const coefficients = (name: string): readonly number[] => {
    const { intercept, coefficients: slopes } = figures[name] as Regression
    return [intercept, ...slopes]
  }
  const rows = [
    ['mean income', [figures['mean-income']], [truth.meanIncome], 1e-9],
    ['median age', figures['median-age'].values, [truth.medianAge], 0],
    ['correlations', figures['correlations'].flat(), truth.correlations.flat(), 1e-6],
    ['spending', coefficients('spending'), truth.spending, 1e-5],
    ['late payment', coefficients('risk'), truth.risk, 1e-3],
  ] as const
  for (const [name, found, expected, error] of rows) {
    requireThat(close(found, expected, error), name)
    tell(
      `${name.padEnd(13)} ${found
        .slice(0, 4)
        .map((v: number) => v.toPrecision(6))
        .join('  ')}   as in the clear`,
    )
  }
  const { levels, groups } = figures['segments'] as {
    levels: string[]
    groups: ({ count: number; mean: number } | null)[]
  }
  levels.forEach((level, i) => {
    const expected = truth.segments[level]!
    requireThat(groups[i] !== null && groups[i]!.count === expected.count, level)
    requireThat(close([groups[i]!.mean], [expected.mean], 1e-9), level)
    tell(`${`spend, ${level}`.padEnd(13)} ${groups[i]!.mean.toFixed(2)} on average of ${groups[i]!.count}`)
  })
  output.report({ event: 'figures', correct: true })
}

const audit = async ({ commands, folder, step, tell, output }: Stage, [first]: readonly Ended[]): Promise<void> => {
  step('The audit office checks the record, and replays the evidence of Harbour Bank')
  const trust = ['--trust', ...companies.map(({ role }) => join(folder, role, 'identity.json'))]
  const record = field<string>(first!, 'record', 'file')
  const evidence = field<string>(first!, 'evidence', 'file')
  const verified = await commands.run('verify', record, ...trust)
  const replayed = await commands.run(
    'replay',
    record,
    evidence,
    '--key',
    join(folder, 'audit', 'auditor.key'),
    ...trust,
  )
  for (const [what, ended, wanted] of [
    ['verify', verified, 'consistent'],
    ['replay', replayed, 'replayed'],
  ] as const) {
    const verdict = field<string>(ended, 'audit', 'verdict')
    requireThat(verdict === wanted, `${what} says ${verdict}`)
    tell(`${what}: ${output.style('green', verdict)}`)
    output.report({ event: 'verdict', what, verdict })
  }
}

export const runDemo = async (output: Output, folder?: string): Promise<void> => {
  const start = performance.now()
  output.say(output.style('bold', 'Three companies, one set of customers: what do their columns say together?'))
  const place = folder === undefined ? await mkdtemp(join(tmpdir(), 'tallystick-statistics-')) : resolve(folder)
  const commands = createCommands()
  const stop = stopSignal()
  const stopped = new Promise<never>((_, reject) => {
    stop.addEventListener('abort', () => {
      const remedy = 'nothing is left running; start it again whenever you like'
      reject(new TallyError('session/cancelled', 'self', 'the example was interrupted', { remedy }))
    })
  })
  const stage = stageOf(output, commands, place)
  const story = async (): Promise<void> => {
    const customers = makeCustomers(customerCount)
    const { written, spoiled } = await setUp(stage, customers)
    await declare(stage, written, spoiled)
    const terms = await agree(stage)
    const ended = await compute(stage, written, terms)
    compare(stage, field<Record<string, unknown>>(ended[0]!, 'result', 'figures'), truthOf(customers))
    await audit(stage, ended)
  }
  try {
    await Promise.race([story(), stopped])
  } finally {
    await commands.endAll()
  }
  const seconds = (performance.now() - start) / 1000
  output.report(
    { event: 'demo', ok: true, folder: place, seconds },
    `\n${output.style('green', 'All as it should be')}, in ${seconds.toFixed(1)} s. Everything is in ${place}`,
  )
}
