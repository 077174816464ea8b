/** One of the three parties of `bench statistics`: TLS, disk journal, chains and signatures on, as in real use. */
import { createHash, hash as oneShot } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { taggedDigest } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { inlinePool } from '@tallystick/kernels/pool'
import { runSession, type Link, type Terms } from '@tallystick/session'
import { createIdentity, dialTls, listenTls, openJournal, publicIdentity, signerOf } from '@tallystick/session/node'
import { largestCode, statisticsFor, type Parameters, type Role, type Table } from '@tallystick/statistics'

export interface StatisticsRun {
  readonly role: Role
  readonly terms: Terms
  /** Of all roles. */
  readonly ports: Readonly<Record<string, number>>
}

export interface StatisticsFigures {
  /** Of the run, from the agreed terms to the opened figures. */
  readonly seconds: number
  /** Of the whole session: handshakes of TLS excepted, signatures and syncs included. */
  readonly cpuSeconds: number
  readonly wireBytes: number
  readonly peakMebibytes: number
}

const identity = await createIdentity('bench')
const roles = ['p0', 'p1', 'p2', 'helper']

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  if (parts.length === 1) return oneShot('sha256', parts[0]!, 'buffer')
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return digest.digest()
}

/** Numbers that look drawn, the same in every run; ids that all owners share. */
const tableOf = ({ tables, sizes, layout }: Parameters, role: Role): Table => {
  const rows = sizes[role] ?? 0
  let state = roles.indexOf(role) + 1
  const draw = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const codes = (tables[role]?.columns ?? []).map((column) => {
    const largest = largestCode(column)
    return Float64Array.from({ length: rows }, () => Math.floor(draw() * (largest + 1)))
  })
  const ids = new Uint8Array(layout === 'vertical' ? 16 * rows : 0).map((_, i) => (i * 167) % 256)
  return { rows, codes, ids }
}

const links: Record<string, Link> = {}
const complete = Promise.withResolvers<void>()
const arrive = (role: string, link: Link): void => {
  links[role] = link
  if (Object.keys(links).length === 2) complete.resolve()
}

const run = async ({ role, terms, ports }: StatisticsRun): Promise<StatisticsFigures> => {
  for (const peer of terms.parties.filter((party) => roles.indexOf(party.role) < roles.indexOf(role))) {
    arrive(peer.role, await dialTls({ host: '127.0.0.1', port: ports[peer.role]!, identity, expectedPeer: peer.tls }))
  }
  await complete.promise
  const parameters = terms.parameters as unknown as Parameters
  const table = tableOf(parameters, role)
  const engine = await nodeEngine()
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-'))
  const phases = new Map<string, number>()
  const before = process.cpuUsage()
  try {
    const session = await runSession({
      terms,
      role,
      protocol: statisticsFor(parameters),
      signer: signerOf(identity),
      links: async () => links,
      input: table,
      commitInput: () => ({ root: taggedDigest('tallystick/bench-input/v1', role) }),
      pool: inlinePool(engine),
      journals: {
        attempts: () => [],
        open: (attempt) =>
          openJournal({
            folder: join(folder, `${attempt}`),
            storageKey: identity.storageKey,
            generations: join(folder, 'generations'),
          }),
      },
      hash: sha256,
      onProgress: ({ phase }) => {
        if (!phases.has(phase)) phases.set(phase, performance.now())
      },
    })
    await session.close()
    const used = process.cpuUsage(before)
    return {
      seconds: (phases.get('closing')! - phases.get('running')!) / 1000,
      cpuSeconds: (used.user + used.system) / 1e6,
      wireBytes: Object.values(links).reduce((sum, { traffic }) => sum + traffic.sent, 0),
      peakMebibytes: process.resourceUsage().maxRSS / 1024,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

process.on('message', (message: { readonly keys: Readonly<Record<string, string>> } | StatisticsRun) => {
  if ('keys' in message) {
    const { keys } = message
    const accept = (link: Link): void => arrive(keys[link.peerKey!]!, link)
    void listenTls({ host: '127.0.0.1', port: 0, identity, peers: (key) => keys[key], accept }).then(({ port }) =>
      process.send!({ port }),
    )
    return
  }
  run(message).then(
    (figures) => process.send!({ figures }, undefined, undefined, () => process.exit(0)),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.send!({ identity: publicIdentity(identity) })
