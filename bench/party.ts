/** One party of a bench, in a process of its own: TLS, disk journal, chains and signatures on, as in real use. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { taggedDigest } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { inlinePool } from '@tallystick/kernels/pool'
import { runSession, type Link, type Terms } from '@tallystick/session'
import {
  chainHash,
  createIdentity,
  dialTls,
  listenTls,
  openJournal,
  publicIdentity,
  signerOf,
} from '@tallystick/session/node'
import { tasks, type Task } from './tasks.ts'

export interface Run {
  readonly task: keyof typeof tasks
  readonly role: string
  readonly terms: Terms
  /** The dialler is told the port of the listener. */
  readonly port: number | undefined
}

export interface PartyFigures {
  /** The whole session: handshake, signatures, syncs, run, close. */
  readonly seconds: number
  /** The run of the protocol alone, journal and chains included. */
  readonly runSeconds: number
  readonly cpuSeconds: number
  readonly peakMebibytes: number
  readonly wireBytes: number
}

const identity = await createIdentity('bench')
process.send!({ identity: publicIdentity(identity) })

const run = async ({ task, role, terms, port }: Run): Promise<PartyFigures> => {
  const { protocol, input, pool: poolOf }: Task = tasks[task]
  const peer = terms.parties.find((party) => party.role !== role)!
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-'))
  let close = async (): Promise<void> => {}
  const link = new Promise<Link>((resolve, reject) => {
    if (port !== undefined) {
      dialTls({ host: '127.0.0.1', port, identity, expectedPeer: peer.tls }).then(resolve, reject)
      return
    }
    const peers = (key: string) => (key === peer.tls ? peer.role : undefined)
    listenTls({ host: '127.0.0.1', port: 0, identity, peers, accept: resolve }).then((listener) => {
      close = () => listener.close()
      process.send!({ port: listener.port })
    }, reject)
  })
  const connected = await link
  const own = input(role, terms.parameters)
  await using pool = (await poolOf?.(role)) ?? inlinePool(await nodeEngine())
  const since = performance.now()
  const cpu = process.cpuUsage()
  const phases = new Map<string, number>()
  try {
    const session = await runSession({
      terms,
      role,
      protocol,
      signer: signerOf(identity),
      links: async () => ({ [peer.role]: connected }),
      input: own,
      commitInput: () => ({ root: taggedDigest('tallystick/bench-input/v1', role) }),
      pool,
      journals: {
        attempts: () => [],
        open: (attempt) =>
          openJournal({
            folder: join(folder, `${attempt}`),
            storageKey: identity.storageKey,
            generations: join(folder, 'generations'),
          }),
      },
      hash: chainHash,
      onProgress: ({ phase }) => {
        if (!phases.has(phase)) phases.set(phase, performance.now())
      },
    })
    await session.close()
    const used = process.cpuUsage(cpu)
    return {
      seconds: (performance.now() - since) / 1000,
      runSeconds: (phases.get('closing')! - phases.get('running')!) / 1000,
      cpuSeconds: (used.user + used.system) / 1e6,
      peakMebibytes: process.resourceUsage().maxRSS / 1024,
      wireBytes: connected.traffic.sent,
    }
  } finally {
    await close()
    rmSync(folder, { recursive: true, force: true })
  }
}

process.once('message', (message) => {
  run(message as Run).then(
    (figures) => process.send!({ figures }, undefined, undefined, () => process.disconnect()),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
