/** The links of a job: of each pair of parties one listens on a port, the other dials it; all come back after a loss. */
import { TallyError } from '@tallystick/core'
import type { Link, PartyTerms } from '@tallystick/session'
import { dialTls, listenTls, type Identity } from '@tallystick/session/node'

export type Address = { readonly host: string; readonly port: number }

/** What the command line says: where to listen, and whom to dial; with one peer its role may be left out. */
export interface Meeting {
  readonly listen: Address | undefined
  readonly connect: readonly { readonly role: string | undefined; readonly address: Address }[]
}

/** @param text `port`, `host:port` or `[IPv6]:port` */
const parseAddress = (text: string, option: string, defaultHost?: string): Address => {
  const match = /^(?:\[([0-9a-fA-F:]+)\]:|([^:[\]]+):)?([0-9]{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2] ?? defaultHost
  const port = Number(match?.[3])
  if (host !== undefined && port <= 65535) return { host, port }
  const form = defaultHost === undefined ? 'host:port' : 'a port, or host:port'
  throw new TallyError('api/usage', 'self', `expected ${form} as ${option}, found "${text}"`)
}

const usage = (message: string): TallyError =>
  new TallyError('api/usage', 'self', message, {
    remedy:
      'of two parties one listens on a port that the other can reach, the other connects to it; --dry-run needs neither',
  })

export interface MeetingOptions {
  readonly listen?: string
  /** `host:port`, or `role=host:port` where there are several peers. */
  readonly connect?: readonly string[] | string
}

/** What each option says; the terms do not say who can be reached. */
export const meetingOf = ({ listen, connect = [] }: MeetingOptions): Meeting => {
  const dialled = [connect].flat().map((text) => {
    const [, role, address] = /^(?:([a-z][a-z0-9-]*)=)?(.*)$/.exec(text)!
    return { role, address: parseAddress(address!, '--connect') }
  })
  if (listen === undefined && dialled.length === 0) {
    throw usage('expected --listen or --connect, one of them')
  }
  return { listen: listen === undefined ? undefined : parseAddress(listen, '--listen', '0.0.0.0'), connect: dialled }
}

/** For each peer the address to dial, or undefined where it is to dial us. */
const addressesOf = (
  { listen, connect }: Meeting,
  peers: readonly PartyTerms[],
): Map<PartyTerms, Address | undefined> => {
  const roles = peers.map(({ role }) => role).join(', ')
  const addresses = new Map<PartyTerms, Address | undefined>(peers.map((peer) => [peer, undefined]))
  for (const { role, address } of connect) {
    const peer = role === undefined && peers.length === 1 ? peers[0] : peers.find((each) => each.role === role)
    if (peer === undefined) {
      const found = role === undefined ? 'an address without a role' : `"${role}"`
      throw usage(`expected --connect <role>=<host>:<port> with a role of ${roles}, found ${found}`)
    }
    if (addresses.get(peer) !== undefined) throw usage(`expected --connect once for ${peer.role}, found it twice`)
    addresses.set(peer, address)
  }
  const awaited = peers.filter((peer) => addresses.get(peer) === undefined)
  if (listen === undefined && awaited.length > 0) {
    throw usage(`expected --listen, or --connect for ${awaited.map(({ role }) => role).join(', ')} too`)
  }
  if (listen !== undefined && awaited.length === 0) {
    throw usage(
      peers.length === 1 ? 'expected --listen or --connect, one of them' : 'found --listen, but all peers are dialled',
    )
  }
  return addresses
}

export interface Connector extends AsyncDisposable {
  /** The port that is listened on. */
  readonly port: number | undefined
  /** Who is to dial us. */
  readonly awaited: readonly PartyTerms[]
  /** For `runSession`: the links to all peers, anew after each loss. */
  readonly links: (signal: AbortSignal) => Promise<Readonly<Record<string, Link>>>
}

export interface ConnectorOptions {
  readonly identity: Identity
  readonly peers: readonly PartyTerms[]
  readonly meeting: Meeting
  /** Something about a connection that did not come about, for a log. */
  readonly onTrouble: (error: TallyError, again: boolean) => void
}

type Source = (signal: AbortSignal) => Promise<Link>

/** The last link that a peer dialled, or the next. */
const inlet = () => {
  let arrived: Link | undefined
  let awaited: ((link: Link) => void) | undefined
  const accept = (link: Link): void => {
    // The peer dials again only when its last link is gone, so a newer one is the one that counts.
    void arrived?.close()
    arrived = undefined
    if (awaited === undefined) arrived = link
    else awaited(link)
  }
  const next: Source = (signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<Link>()
    const abort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    else if (arrived === undefined) awaited = resolve
    else resolve(arrived)
    arrived = undefined
    return promise.finally(() => {
      awaited = undefined
      signal.removeEventListener('abort', abort)
    })
  }
  return { accept, next }
}

const dialling = ({ identity, onTrouble }: ConnectorOptions, peer: PartyTerms, { host, port }: Address): Source => {
  let told = ''
  return (signal) =>
    dialTls({
      ...{ host, port, identity, signal },
      expectedPeer: peer.tls,
      peer: peer.name,
      retryMilliseconds: 60_000,
      onRetry(error) {
        if (error.code !== told) onTrouble(error, true)
        told = error.code
      },
    })
}

/** All links, or none: one that fails ends the waiting for the others. */
const together = async (sources: ReadonlyMap<string, Source>, signal: AbortSignal) => {
  const failure = new AbortController()
  const either = AbortSignal.any([signal, failure.signal])
  const settled = await Promise.allSettled(
    [...sources].map(async ([role, source]) => {
      try {
        return [role, await source(either)] as const
      } catch (error) {
        failure.abort(error)
        throw error
      }
    }),
  )
  const links = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  if (links.length === sources.size) return Object.fromEntries(links)
  await Promise.allSettled(links.map(([, link]) => link.close()))
  if (signal.aborted) throw signal.reason
  throw failure.signal.reason
}

/** @throws TallyError api/usage where the addresses do not fit the peers */
export const createConnector = async (options: ConnectorOptions): Promise<Connector> => {
  const { identity, peers, meeting, onTrouble } = options
  const addresses = addressesOf(meeting, peers)
  const awaited = peers.filter((peer) => addresses.get(peer) === undefined)
  const inlets = new Map(awaited.map((peer) => [peer.tls, inlet()]))
  const listener =
    awaited.length === 0
      ? undefined
      : await listenTls({
          ...meeting.listen!,
          identity,
          peers: (key) => awaited.find(({ tls }) => tls === key)?.name,
          accept: (link) => inlets.get(link.peerKey!)!.accept(link),
          refused: (error) => onTrouble(error, false),
        })
  const sources = new Map(
    peers.map((peer): [string, Source] => {
      const address = addresses.get(peer)
      return [peer.role, address === undefined ? inlets.get(peer.tls)!.next : dialling(options, peer, address)]
    }),
  )
  return {
    port: listener?.port,
    awaited,
    links: (signal) => together(sources, signal),
    [Symbol.asyncDispose]: async () => listener?.close(),
  }
}
