/** The people of the demo: two banks and an audit office, each a folder, each acting through `tally` commands. */
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Command, Commands, Ended } from './processes.ts'

export interface Bank {
  readonly key: 'bank-a' | 'bank-b'
  readonly name: string
  readonly role: 'receiver' | 'sender'
  readonly home: string
  readonly list: string
  readonly column: string
}

export interface Scene {
  readonly folder: string
  readonly a: Bank
  readonly b: Bank
  readonly audit: string
  readonly chain: string
  readonly trust: string
}

export const sceneIn = (folder: string): Scene => {
  const bank = (key: Bank['key'], name: string, role: Bank['role'], column: string): Bank => ({
    key,
    name,
    role,
    home: join(folder, key),
    list: join(folder, `${key}.csv`),
    column,
  })
  return {
    folder,
    a: bank('bank-a', 'Bank A', 'receiver', 'ID number'),
    b: bank('bank-b', 'Bank B', 'sender', '证件号码'),
    audit: join(folder, 'audit'),
    chain: join(folder, 'chain.json'),
    trust: join(folder, 'audit', 'trust.json'),
  }
}

export const field = <T>({ events }: Ended, event: string, name: string): T => {
  const found = events.find((each) => each.event === event)
  if (found === undefined) throw new Error(`expected an event "${event}", found ${events.map((e) => e.event).join()}`)
  return found[name] as T
}

export interface Meeting {
  readonly a: Command
  readonly b: Command
  readonly port: number
}

/** Below the ports that a system gives to who asks for any: nobody else is given it between this look and its use. */
const freePort = async (): Promise<number> => {
  for (;;) {
    const port = 20_000 + randomInt(10_000)
    const probe = createServer()
    try {
      await once(probe.listen(port, '127.0.0.1'), 'listening')
      return port
    } catch {
      // Somebody has it.
    } finally {
      await new Promise((resolve) => probe.close(resolve))
    }
  }
}

const runArguments = (scene: Scene, bank: Bank, terms: string): string[] => [
  ...['psi', 'run', '--terms', terms, '--input', bank.list, '--home', bank.home, '--chain', scene.chain],
]

const listen = (commands: Commands, scene: Scene, terms: string, port: number): Command =>
  commands.start(...runArguments(scene, scene.a, terms), '--listen', `127.0.0.1:${port}`)

export const dial = (commands: Commands, scene: Scene, terms: string, port: number): Command =>
  commands.start(...runArguments(scene, scene.b, terms), '--connect', `127.0.0.1:${port}`)

/** Bank A listens on a port, Bank B dials it, again and again until it is answered: neither waits to be started. */
export const meet = async (commands: Commands, scene: Scene, terms: string): Promise<Meeting> => {
  const port = await freePort()
  return { a: listen(commands, scene, terms, port), b: dial(commands, scene, terms, port), port }
}

export const declareList = (commands: Commands, { name, home, list, column }: Bank): Promise<Ended> =>
  commands.run(
    ...['data', 'declare', list, '--column', column, '--normalisation', 'resident-id/1'],
    ...['--duplicates', 'keep-first', '--source', `blacklist of ${name}`, '--home', home],
  )

/** Terms from both declarations, approved by both. */
export const agree = async (commands: Commands, scene: Scene, file: string): Promise<string> => {
  const made = await commands.run(
    ...['terms', 'new', '--receiver', join(scene.a.home, 'declaration.json')],
    ...['--sender', join(scene.b.home, 'declaration.json'), '--auditor', join(scene.audit, 'auditor.json')],
    ...['--purpose', 'Customers whom both banks have blacklisted', '--chain', scene.chain, '--out', file],
  )
  await Promise.all([scene.a, scene.b].map(({ home }) => commands.run('terms', 'approve', file, '--home', home)))
  return field<string>(made, 'terms', 'specHash')
}
