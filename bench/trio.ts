/** Runs one operation on shares between three processes on this machine, and collects what each of them used. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { PublicIdentity } from '@tallystick/session/node'
import { tallyFlags } from './flags.ts'
import { termsOf } from './pair.ts'
import { shareProtocols, type ShareParameters } from './shares.ts'
import type { TrioFigures, TrioRun } from './trio-party.ts'

interface Message {
  readonly identity?: PublicIdentity
  readonly port?: number
  readonly figures?: TrioFigures
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

/** Figures of all roles of the backend, in their order. */
export const runTrio = async (
  parameters: ShareParameters,
  mode: TrioRun['mode'],
  backend = 'rep3',
): Promise<readonly TrioFigures[]> => {
  const protocol = shareProtocols[backend]!
  const roles = protocol.roles as readonly string[]
  const children = roles.map(() =>
    fork(new URL('./trio-party.ts', import.meta.url), { execArgv: [...process.execArgv, ...tallyFlags] }),
  )
  try {
    const identities = await Promise.all(children.map((child) => next(child, 'identity')))
    const terms = termsOf({ protocol, input: () => null }, { ...parameters, sizes: {} }, identities)
    const keys = Object.fromEntries(terms.parties.map(({ tls, role }) => [tls, role]))
    const listening = children.map((child) => next(child, 'port'))
    for (const child of children) child.send({ listen: mode, keys, backend })
    const ports = Object.fromEntries((await Promise.all(listening)).map((port, i) => [roles[i]!, port]))
    const figures = children.map((child) => next(child, 'figures'))
    for (const [i, child] of children.entries()) {
      const run: TrioRun = { role: roles[i]!, terms, parameters, mode, ports, backend }
      child.send(run)
    }
    return await Promise.all(figures)
  } finally {
    for (const child of children) child.kill()
  }
}
