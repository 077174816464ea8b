/** The links of a two-party job: one side listens on a port, the other dials it; either comes back after a loss. */
import { TallyError } from '@tallystick/core'
import type { Link, PartyTerms } from '@tallystick/session'
import { dialTls, listenTls, type Identity } from '@tallystick/session/node'

export type Address = { readonly host: string; readonly port: number }

export type Meeting = { readonly listen: Address } | { readonly connect: Address }

/** @param text `port`, `host:port` or `[IPv6]:port` */
export const parseAddress = (text: string, option: string, defaultHost?: string): Address => {
  const match = /^(?:\[([0-9a-fA-F:]+)\]:|([^:[\]]+):)?([0-9]{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2] ?? defaultHost
  const port = Number(match?.[3])
  if (host !== undefined && port <= 65535) return { host, port }
  const form = defaultHost === undefined ? 'host:port' : 'a port, or host:port'
  throw new TallyError('api/usage', 'self', `expected ${form} as ${option}, found "${text}"`)
}

/** Which of the two; the terms do not say who can be reached. */
export const meetingOf = (options: { readonly listen?: string; readonly connect?: string }): Meeting => {
  const { listen, connect } = options
  if (listen !== undefined && connect === undefined) return { listen: parseAddress(listen, '--listen', '0.0.0.0') }
  if (connect !== undefined && listen === undefined) return { connect: parseAddress(connect, '--connect') }
  throw new TallyError('api/usage', 'self', 'expected --listen or --connect, one of them', {
    remedy: 'one party listens on a port that the other can reach, the other connects to it; --dry-run needs neither',
  })
}

export interface Connector extends AsyncDisposable {
  /** The port that is listened on. */
  readonly port: number | undefined
  /** For `runSession`: the link to the peer, anew after each loss. */
  readonly links: (signal: AbortSignal) => Promise<Readonly<Record<string, Link>>>
}

export interface ConnectorOptions {
  readonly identity: Identity
  readonly peer: PartyTerms
  readonly meeting: Meeting
  /** Something about a connection that did not come about, for a log. */
  readonly onTrouble: (error: TallyError, again: boolean) => void
}

const listening = async (options: ConnectorOptions, address: Address): Promise<Connector> => {
  const { identity, peer, onTrouble } = options
  let arrived: Link | undefined
  let awaited: ((link: Link) => void) | undefined
  const listener = await listenTls({
    ...address,
    identity,
    peers: (key) => (key === peer.tls ? peer.name : undefined),
    accept(link) {
      // The peer dials again only when its last link is gone, so a newer one is the one that counts.
      void arrived?.close()
      arrived = undefined
      if (awaited === undefined) arrived = link
      else awaited(link)
    },
    refused: (error) => onTrouble(error, false),
  })
  const next = (signal: AbortSignal): Promise<Link> => {
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
  return {
    port: listener.port,
    links: async (signal) => ({ [peer.role]: await next(signal) }),
    [Symbol.asyncDispose]: () => listener.close(),
  }
}

export const createConnector = async (options: ConnectorOptions): Promise<Connector> => {
  const { identity, peer, meeting, onTrouble } = options
  if ('listen' in meeting) return listening(options, meeting.listen)
  const { host, port } = meeting.connect
  let told = ''
  return {
    port: undefined,
    links: async (signal) => {
      const link = await dialTls({
        host,
        port,
        identity,
        expectedPeer: peer.tls,
        peer: peer.name,
        signal,
        retryMilliseconds: 60_000,
        onRetry(error) {
          if (error.code !== told) onTrouble(error, true)
          told = error.code
        },
      })
      return { [peer.role]: link }
    },
    [Symbol.asyncDispose]: async () => {},
  }
}
