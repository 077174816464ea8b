/**
 * Figures of three parties in three processes, over TLS with journal, chains and signatures: three who compute (`rep3`), or
 * two and a helper (`semi2k`). CPU seconds are those of one computing party, the mean of them; the helper's stand beside. Where a figure is made of sums over rows (or columns) that one owner has, the owner makes
 * them in clear and shares a few numbers: those rows of the table say `clear` and measure that, not secret sharing.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { PublicIdentity } from '@tallystick/session/node'
import {
  computingOf,
  prepare,
  receiversOf,
  statisticsFor,
  type Parameters,
  type Role,
  type Statistic,
} from '@tallystick/statistics'
import { tallyFlags } from './flags.ts'
import type { Bench } from './main.ts'
import { termsOf } from './pair.ts'
import type { StatisticsFigures, StatisticsRun } from './statistics-party.ts'

interface Message {
  readonly identity?: PublicIdentity
  readonly port?: number
  readonly figures?: StatisticsFigures
}

const next = async <K extends keyof Message>(child: ChildProcess, field: K): Promise<NonNullable<Message[K]>> => {
  const died = Promise.withResolvers<never>()
  const onExit = (): void => died.reject(new Error(`a bench party ended before it sent "${field}"`))
  child.once('exit', onExit)
  try {
    for (;;) {
      const [message] = (await Promise.race([once(child, 'message'), died.promise])) as [Message]
      if (message[field] !== undefined) return message[field]
    }
  } finally {
    child.off('exit', onExit)
  }
}

const measure = async (parameters: Parameters): Promise<readonly StatisticsFigures[]> => {
  const protocol = statisticsFor(parameters)
  const { roles } = protocol
  const children = roles.map(() => fork(new URL('./statistics-party.ts', import.meta.url), { execArgv: tallyFlags }))
  try {
    const identities = await Promise.all(children.map((child) => next(child, 'identity')))
    const { to: _, ...rest } = parameters
    const task = { protocol, input: () => null }
    const receivers = [...receiversOf(parameters)]
    const terms = { ...termsOf(task, rest as never, identities), parameters: parameters as never, receivers }
    const keys = Object.fromEntries(terms.parties.map(({ tls, role }) => [tls, role]))
    const listening = children.map((child) => next(child, 'port'))
    for (const child of children) child.send({ keys })
    const ports = Object.fromEntries((await Promise.all(listening)).map((port, i) => [roles[i]!, port]))
    const figures = children.map((child) => next(child, 'figures'))
    for (const [i, child] of children.entries()) {
      const run: StatisticsRun = { role: roles[i]!, terms, ports }
      child.send(run)
    }
    return await Promise.all(figures)
  } finally {
    for (const child of children) child.kill()
  }
}

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `x${i}`)
const numeric = (name: string, maximum: number) =>
  ({ name, type: 'numeric', minimum: 0, maximum, decimals: 0 }) as const

/** Columns dealt out in turn, or all columns and an equal part of the rows for each. */
const parametersOf = (
  layout: Parameters['layout'],
  rows: number,
  columns: readonly string[],
  written: Readonly<Record<string, Statistic>>,
  helper = false,
): Parameters => {
  const roles: readonly Role[] = computingOf(helper ? { helper } : {})
  const parts = roles.length
  const vertical = layout === 'vertical'
  const columnOf = (name: string) => numeric(name, name === 'y' ? 1 : 2 ** 20)
  const tableOf = (i: number) => ({
    columns: columns.filter((_, c) => !vertical || c % parts === i).map(columnOf),
  })
  const owners = roles.filter((_, i) => tableOf(i).columns.length > 0)
  const sizeOf = (i: number): number => (vertical ? rows : Math.floor(rows / parts) + (i === 0 ? rows % parts : 0))
  return {
    layout,
    outputs: Object.entries(written).map(([name, statistic]) => ({ name, statistic })),
    minimumCount: 0,
    to: roles,
    ...(helper && { helper }),
    sizes: Object.fromEntries(owners.map((role, i) => [role, sizeOf(i)])),
    tables: Object.fromEntries(owners.map((role, i) => [role, tableOf(i)])),
  }
}

interface Case {
  readonly what: string
  readonly parameters: Parameters
  readonly targetSeconds?: number
  readonly targetRounds?: number
}

const million = 1_000_000
const moments = Object.fromEntries(
  names(3).flatMap((x) => [
    [`mean-${x}`, { kind: 'mean', x } as const],
    [`variance-${x}`, { kind: 'variance', x } as const],
  ]),
)
const covariance = { c: { kind: 'covariance', x: names(10) } } as const
const bins = {
  h: { kind: 'histogram', x: 'x0', edges: Array.from({ length: 19 }, (_, i) => 52_000 * (i + 1)) },
} as const
const model = (method: 'fixed-hessian' | 'newton') =>
  ({ m: { kind: 'logistic', y: 'y', x: names(30), penalty: 1, iterations: 10, method } }) as const
const regression = { m: { kind: 'linear', y: 'x9', x: names(9), penalty: 0 } } as const

/** Two owners and a helper. */
const casesOfTwo = (rows: number): readonly Case[] => [
  ...(['horizontal', 'vertical'] as const).flatMap((layout): Case[] => [
    {
      what: `mean and variance of ${rows} × 3, ${layout}`,
      parameters: parametersOf(layout, rows, names(3), moments, true),
    },
    {
      what: `covariance of ${rows} × 10, ${layout}`,
      parameters: parametersOf(layout, rows, names(10), covariance, true),
    },
  ]),
  ...(['fixed-hessian', 'newton'] as const).map((method) => ({
    what: `ten steps of ridge logistic, ${method === 'newton' ? 'Newton' : 'fixed Hessian'}, 569 × 30, horizontal`,
    parameters: parametersOf('horizontal', 569, [...names(30), 'y'], model(method), true),
  })),
]

const cases = (rows: number): readonly Case[] => [
  ...(['horizontal', 'vertical'] as const).flatMap((layout): Case[] => [
    {
      what: `mean and variance of ${rows} × 3, ${layout}`,
      parameters: parametersOf(layout, rows, names(3), moments),
      targetSeconds: 0.3,
    },
    {
      what: `covariance of ${rows} × 10, ${layout}`,
      parameters: parametersOf(layout, rows, names(10), covariance),
      targetSeconds: 1,
    },
  ]),
  {
    what: `histogram of ${rows} in 20 bins, horizontal`,
    parameters: parametersOf('horizontal', rows, names(1), bins),
    targetSeconds: 0.5,
  },
  {
    what: 'ten steps of ridge logistic, fixed Hessian, 569 × 30, horizontal',
    parameters: parametersOf('horizontal', 569, [...names(30), 'y'], model('fixed-hessian')),
    targetSeconds: 0.5,
    targetRounds: 300,
  },
  {
    what: 'ten steps of ridge logistic, Newton, 569 × 30, horizontal',
    parameters: parametersOf('horizontal', 569, [...names(30), 'y'], model('newton')),
  },
  {
    what: 'least squares with standard errors, 10,000 × 9, vertical',
    parameters: parametersOf('vertical', 10_000, names(10), regression),
  },
  ...casesOfTwo(rows),
]

export const bench: Bench = {
  about:
    'means, covariances, histograms of 1 M rows, logistic and linear regression, of three parties, or of two and a helper',
  async run({ sizes = [million], report }) {
    for (const rows of sizes) {
      for (const { what, parameters, targetSeconds, targetRounds } of cases(rows)) {
        const parties = await measure(parameters)
        const protocol = statisticsFor(parameters)
        const { rounds, bytes } = protocol.cost(protocol.parameters(parameters))
        const { needs } = prepare(parameters)
        const computing = computingOf(parameters).length
        const shared = needs.crossed.length + needs.codes.length + needs.orders.length > 0
        report({
          what,
          protocol: protocol.id,
          rows: shared ? 'shared' : 'clear',
          cpuSecondsParty: parties.slice(0, computing).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) / computing,
          ...(parameters.helper && { cpuSecondsHelper: parties.at(-1)!.cpuSeconds }),
          ...(targetSeconds !== undefined && { targetSeconds }),
          rounds,
          ...(targetRounds !== undefined && { targetRounds }),
          bytes,
          seconds: Math.max(...parties.map(({ seconds }) => seconds)),
          peakMebibytes: Math.max(...parties.map(({ peakMebibytes }) => peakMebibytes)),
        })
      }
    }
  },
}
