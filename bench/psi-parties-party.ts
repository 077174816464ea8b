/** One of the n parties of `bench psi-parties`, in a process of its own: TLS, disk journal, chains and signatures on. */
import { createHash, hash as oneShot } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { taggedDigest } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { inlinePool } from '@tallystick/kernels/pool'
import { ba12, type UnionOutcome } from '@tallystick/mpc'
import { cdgoss21, kmprt17, type Outcome, type QuorumOutcome } from '@tallystick/psi'
import type { AnyProtocol } from '@tallystick/protocol'
import { runSession, type Link, type Terms } from '@tallystick/session'
import { createIdentity, dialTls, listenTls, openJournal, publicIdentity, signerOf } from '@tallystick/session/node'
import { flatFrom } from './tasks.ts'

export interface StarRun {
  readonly role: string
  readonly terms: Terms
  /** Row numbers of the own list: `first` to first + size - 1. */
  readonly first: number
  readonly size: number
  /** Of all roles. */
  readonly ports: Readonly<Record<string, number>>
}

export interface StarFigures {
  readonly seconds: number
  /** From the connected links to the close. */
  readonly cpuSeconds: number
  readonly peakMebibytes: number
  readonly sentBytes: number
  /** Rows found, of the party that learns. */
  readonly found: number
}

const identity = await createIdentity('bench')
process.send!({ identity: publicIdentity(identity) })

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  if (parts.length === 1) return oneShot('sha256', parts[0]!, 'buffer')
  const digest = createHash('sha256')
  for (const part of parts) digest.update(part)
  return digest.digest()
}

const protocolOf = ({ protocol: { id }, parties }: Terms): AnyProtocol =>
  [kmprt17, cdgoss21, ba12]
    .map((each): AnyProtocol => each.get(parties.length)!)
    .find((protocol) => protocol.id === id)!

/** Dials the roles before the own one; those after dial us. */
const connect = async ({ role, terms, ports }: StarRun, incoming: Promise<Record<string, Link>>) => {
  const links: Record<string, Link> = {}
  for (const peer of terms.parties) {
    if (peer.role === role) break
    const options = { host: '127.0.0.1', port: ports[peer.role]!, identity, expectedPeer: peer.tls }
    links[peer.role] = await dialTls(options)
  }
  return { ...links, ...(await incoming) }
}

const run = async (given: StarRun, incoming: Promise<Record<string, Link>>): Promise<StarFigures> => {
  const { role, terms, first, size } = given
  const links = await connect(given, incoming)
  const [input, engine] = [flatFrom(first, size), await nodeEngine()]
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-bench-'))
  const [since, cpu] = [performance.now(), process.cpuUsage()]
  try {
    const session = await runSession({
      terms,
      role,
      protocol: protocolOf(terms),
      signer: signerOf(identity),
      links: async () => links,
      input,
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
    })
    await session.close()
    const used = process.cpuUsage(cpu)
    const outcome = session.output as Outcome | QuorumOutcome | UnionOutcome
    return {
      seconds: (performance.now() - since) / 1000,
      cpuSeconds: (used.user + used.system) / 1e6,
      peakMebibytes: process.resourceUsage().maxRSS / 1024,
      sentBytes: Object.values(links).reduce((sum, { traffic }) => sum + traffic.sent, 0),
      found: 'rows' in outcome ? outcome.rows.length : 'ids' in outcome ? outcome.ids.offsets.length - 1 : 0,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What is to come: the terms name the peers' keys. */
let known: StarRun | undefined
const arrivals: Record<string, Link> = {}
const complete = Promise.withResolvers<Record<string, Link>>()
const check = (): void => {
  if (known === undefined) return
  const { terms, role } = known
  const later = terms.parties.length - 1 - terms.parties.findIndex((party) => party.role === role)
  if (Object.keys(arrivals).length === later) complete.resolve(arrivals)
}

const failed = (error: unknown): never => {
  console.error(error)
  process.exit(1)
}

process.on('message', (message: { readonly keys: Readonly<Record<string, string>> } | StarRun) => {
  if ('keys' in message) {
    const accept = (link: Link): void => {
      arrivals[message.keys[link.peerKey!]!] = link
      check()
    }
    const peers = (key: string): string | undefined => message.keys[key]
    const listening = listenTls({ host: '127.0.0.1', port: 0, identity, peers, accept })
    listening.then(({ port }) => process.send!({ port }), failed)
    return
  }
  known = message
  check()
  run(message, complete.promise).then(
    (figures) => process.send!({ figures }, undefined, undefined, () => process.exit(0)),
    failed,
  )
})
