/** Runs a task between two processes on this machine, and collects what each of them used. */
import { fork, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { toHex } from '@tallystick/core'
import { packageVersion, parseTerms, termsFormat, type Terms } from '@tallystick/session'
import type { PublicIdentity } from '@tallystick/session/node'
import { tallyFlags } from './flags.ts'
import type { PartyFigures, Run } from './party.ts'
import { tasks, type Task } from './tasks.ts'

interface Message {
  readonly identity?: PublicIdentity
  readonly port?: number
  readonly figures?: PartyFigures
}

/** The next message of a child that has the wanted field; its death is an error. */
const next = async <K extends keyof Message>(child: ChildProcess, field: K): Promise<NonNullable<Message[K]>> => {
  const ended = new AbortController()
  const died = once(child, 'exit', { signal: ended.signal }).then(() => {
    throw new Error(`a bench party ended before it sent "${field}"`)
  })
  try {
    for (;;) {
      const [message] = (await Promise.race([once(child, 'message', { signal: ended.signal }), died])) as [Message]
      if (message[field] !== undefined) return message[field]
    }
  } finally {
    died.catch(() => {})
    ended.abort()
  }
}

const invented = (rows: number) =>
  ({ source: 'invented', column: 'id', normalisation: 'exact/1', duplicates: 'refuse', rows }) as const

/** What the terms say in words of a protocol over data. */
interface Sized {
  readonly sizes?: Readonly<Record<string, number>>
  readonly to?: string
}

export const termsOf = (task: Task, parameters: Sized, identities: readonly PublicIdentity[]): Terms => {
  const { id, version, roles, leakage } = task.protocol
  return parseTerms({
    format: termsFormat,
    domain: toHex(randomBytes(32)),
    nonce: toHex(randomBytes(32)),
    purpose: 'benchmark',
    protocol: { id, version, package: packageVersion, code: toHex(new Uint8Array(32)) },
    parameters,
    parties: (roles as readonly string[]).map((role, i) => {
      const { name, party, signer, tls } = identities[i]!
      return { role, name: `${name} ${i}`, party, signer, tls }
    }),
    receivers: parameters.to === undefined ? (task.protocol.receivers ?? roles) : [parameters.to],
    data: Object.fromEntries(Object.entries(parameters.sizes ?? {}).map(([role, rows]) => [role, invented(rows)])),
    leakage,
    auditor: {
      name: 'nobody',
      recipient: 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
      limit: 1,
      reveals: Object.fromEntries((roles as readonly string[]).map((role) => [role, 'nothing'])),
    },
    attempts: 1,
    expires: new Date(Date.now() + 86_400_000).toISOString(),
    deadlines: { handshake: 60, message: 600, close: 60 },
    retention: new Date(Date.now() + 86_400_000).toISOString().slice(0, 10),
  })
}

/** Figures of the two parties in the order of the roles; the second one listens. */
export const runPair = async (name: keyof typeof tasks, parameters: Sized): Promise<readonly PartyFigures[]> => {
  const task = tasks[name]
  const children = task.protocol.roles.map(() => fork(new URL('./party.ts', import.meta.url), { execArgv: tallyFlags }))
  try {
    const identities = await Promise.all(children.map((child) => next(child, 'identity')))
    const terms = termsOf(task, parameters, identities)
    const start = (i: number, port: number | undefined): void => {
      const run: Run = { task: name, role: task.protocol.roles[i]!, terms, port }
      children[i]!.send(run)
    }
    const figures = children.map((child) => next(child, 'figures'))
    start(1, undefined)
    start(0, await next(children[1]!, 'port'))
    return await Promise.all(figures)
  } finally {
    for (const child of children) child.kill()
  }
}
