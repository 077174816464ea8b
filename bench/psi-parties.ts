/**
 * Operations on 3 and 5 sets: the intersection (`psi/kmprt17-n`), the leader's rows on any and on at least half of the
 * other lists (`psi/cdgoss21-n`), and the union of 3 (`mpc/ba12-3`, to p0), each party a process with TLS, journal and signatures on. CPU seconds of
 * a party are the measure; wall time depends on what else runs, n processes share two cores.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { ba12 } from '@tallystick/mpc'
import { cdgoss21, kmprt17 } from '@tallystick/psi'
import type { AnyProtocol } from '@tallystick/protocol'
import type { PublicIdentity } from '@tallystick/session/node'
import { tallyFlags } from './flags.ts'
import type { Bench, Row } from './main.ts'
import { termsOf } from './pair.ts'
import type { StarFigures, StarRun } from './psi-parties-party.ts'

interface Message {
  readonly identity?: PublicIdentity
  readonly port?: number
  readonly figures?: StarFigures
}

/** The next message of a child that has the wanted field; its death is an error. */
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

/** Lists overlap such that half of the leader's rows are on all. */
const firstOf = (i: number, parties: number, size: number): number => Math.floor((i * size) / (2 * (parties - 1)))

interface Operation {
  readonly protocol: AnyProtocol
  readonly parameters: Readonly<Record<string, string | number>>
  /** Rows of the leader that are in the outcome, or ids. */
  readonly expected: number
}

const intersection = (parties: number, size: number): Operation => ({
  protocol: kmprt17.get(parties)!,
  parameters: { output: 'intersection' },
  expected: size - firstOf(parties - 1, parties, size),
})

/** Row r is on list i if r is from its first one on: on at least t lists from the first row of list t on. */
const atLeast = (parties: number, size: number, threshold: number): Operation => ({
  protocol: cdgoss21.get(parties)!,
  parameters: { output: 'at-least', threshold },
  expected: size - firstOf(threshold, parties, size),
})

/** Each row from the first list's first to the last list's last; ids of 18 bytes. */
const union = (parties: number, size: number): Operation => ({
  protocol: ba12.get(parties)!,
  parameters: { output: 'union', idBytes: 18 },
  expected: size + firstOf(parties - 1, parties, size),
})

/** Figures by party, the one that learns first. */
const runStar = async (
  parties: number,
  size: number,
  { protocol, parameters: own }: Operation,
): Promise<readonly StarFigures[]> => {
  const roles: readonly string[] = protocol.roles
  const parameters = { sizes: Object.fromEntries(roles.map((role) => [role, size])), ...own, to: roles[0]! }
  const children = roles.map(() => fork(new URL('./psi-parties-party.ts', import.meta.url), { execArgv: tallyFlags }))
  try {
    const identities = await Promise.all(children.map((child) => next(child, 'identity')))
    const terms = termsOf({ protocol, input: () => null }, parameters, identities)
    const keys = Object.fromEntries(terms.parties.map(({ tls, role }) => [tls, role]))
    const listening = children.map((child) => next(child, 'port'))
    for (const child of children) child.send({ keys })
    const ports = Object.fromEntries((await Promise.all(listening)).map((port, i) => [roles[i]!, port]))
    const figures = children.map((child) => next(child, 'figures'))
    for (const [i, child] of children.entries()) {
      const run: StarRun = { role: roles[i]!, terms, first: firstOf(i, parties, size), size, ports }
      child.send(run)
    }
    return await Promise.all(figures)
  } finally {
    for (const child of children) child.kill()
  }
}

/** Published figures: seconds of wall time on the authors' server, not CPU seconds of a party, and not of this machine. */
const published = (parties: number, size: number): Row =>
  parties === 5 && size === 2 ** 20
    ? { peer: 'KMPRT17, published, wall seconds', peerSecondsSemiHonest: 72, peerSecondsAugmented: 22 }
    : {}

const target: Readonly<Record<number, number>> = { 3: 4, 5: 6 }

/** Gates go over the network, 0.6 kB a row and member: of large lists only the intersection is asked. */
const mostQuorumRows: Readonly<Record<number, number>> = { 3: 2 ** 16, 5: 2 ** 14 }

/** All rows are sorted by comparisons that go over the network: 12 kB a row. */
const mostUnionRows = 2 ** 16

export const bench: Bench = {
  about:
    '3 and 5 sets of 2^16 and 2^20 rows: intersection; 2^14: on any, on half of them, union of 3 (--sizes for others)',
  async run({ sizes = [2 ** 14, 2 ** 16, 2 ** 20], report }) {
    const measure = async (parties: number, size: number, operation: Operation): Promise<void> => {
      const all = await runStar(parties, size, operation)
      const [leader, ...members] = all
      const { protocol, parameters, expected } = operation
      if (leader!.found !== expected) throw new Error(`found ${leader!.found} rows, ${expected} were expected`)
      const isIntersection = parameters['output'] === 'intersection'
      report({
        ...{ protocol: protocol.id, ...parameters, parties, items: size },
        cpuSecondsLeader: leader!.cpuSeconds,
        cpuSecondsMember: Math.max(...members.map((p) => p.cpuSeconds)),
        seconds: Math.max(...all.map((p) => p.seconds)),
        wireBytes: all.reduce((sum, p) => sum + p.sentBytes, 0),
        peakMebibytesLeader: leader!.peakMebibytes,
        peakMebibytesMember: Math.max(...members.map((p) => p.peakMebibytes)),
        ...(size === 2 ** 20 && isIntersection ? { targetCpuSecondsParty: target[parties]! } : {}),
        ...(isIntersection ? published(parties, size) : {}),
      })
    }
    for (const size of sizes) {
      if (size <= mostUnionRows) await measure(3, size, union(3, size))
      for (const parties of [3, 5]) {
        if (size > 2 ** 14) await measure(parties, size, intersection(parties, size))
        if (size > mostQuorumRows[parties]!) continue
        await measure(parties, size, atLeast(parties, size, 1))
        if (parties > 3) await measure(parties, size, atLeast(parties, size, 2))
      }
    }
  },
}
