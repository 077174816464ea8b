/**
 * Intersection of 3 and 5 sets, `psi/kmprt17-n`, each party a process with TLS, journal and signatures on. CPU seconds of
 * a party are the measure; wall time depends on what else runs, n processes share two cores.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { kmprt17, rolesOf } from '@tallystick/psi'
import type { PublicIdentity } from '@tallystick/session/node'
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

/** Figures by party, the leader's first. */
const runStar = async (parties: number, size: number): Promise<readonly StarFigures[]> => {
  const roles = rolesOf(parties)
  const parameters = {
    sizes: Object.fromEntries(roles.map((role) => [role, size])),
    output: 'intersection',
    to: 'leader',
  }
  const children = roles.map(() => fork(new URL('./psi-parties-party.ts', import.meta.url)))
  try {
    const identities = await Promise.all(children.map((child) => next(child, 'identity')))
    const terms = termsOf({ protocol: kmprt17.get(parties)!, input: () => null }, parameters, identities)
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

export const bench: Bench = {
  about: 'intersection of 3 and 5 sets of 2^16 and 2^20 rows (--sizes for others)',
  async run({ sizes = [2 ** 16, 2 ** 20], report }) {
    for (const size of sizes) {
      for (const parties of [3, 5]) {
        const all = await runStar(parties, size)
        const [leader, ...members] = all
        const common = size - firstOf(parties - 1, parties, size)
        if (leader!.found !== common) throw new Error(`found ${leader!.found} rows, ${common} are common`)
        report({
          protocol: `psi/kmprt17-${parties}`,
          parties,
          items: size,
          cpuSecondsLeader: leader!.cpuSeconds,
          cpuSecondsMember: Math.max(...members.map((p) => p.cpuSeconds)),
          seconds: Math.max(...all.map((p) => p.seconds)),
          wireBytes: all.reduce((sum, p) => sum + p.sentBytes, 0),
          peakMebibytesLeader: leader!.peakMebibytes,
          peakMebibytesMember: Math.max(...members.map((p) => p.peakMebibytes)),
          ...(size === 2 ** 20 ? { targetCpuSecondsParty: target[parties]! } : {}),
          ...published(parties, size),
        })
      }
    }
  },
}
