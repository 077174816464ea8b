/** Runs in a tab: a party whose key stays there, also over a reload; driven by the test through `window.party`. */
import { randomBytes } from '@noble/hashes/utils.js'
import { fromHex, TallyError, toHex, type Hex } from '@tallystick/core'
import { browserPool } from '@tallystick/kernels/pool/browser'
import { dialWebSocket, parseTerms, portLink, type Link } from '@tallystick/session'
import { otherOf, runParty, signerOf, type Report, type Role } from './party.ts'

/** Put in by the build: the digest of the sources that it bundled. */
declare const codeDigest: Hex

/** How to reach the peer: a URL, or another tab that wants to meet. */
export type Reach = { readonly url: string } | 'tab'

export interface Party {
  /** Address of the tab's attestation key. */
  readonly address: Hex
  /** Shared memory is there: the page is isolated from other origins. */
  readonly isolated: boolean
  /** @param terms the text of the terms */
  run(terms: string, role: Role, ids: readonly string[], reach: Reach): Promise<Report>
}

/** One end of a channel whose other end the next tab gets. */
const meet = (signal: AbortSignal): Promise<MessagePort> => {
  const { promise, resolve, reject } = Promise.withResolvers<MessagePort>()
  const { port } = new SharedWorker(new URL('./meeting.ts', import.meta.url), { type: 'module' })
  const leave = (): void => {
    port.postMessage('leave')
    reject(new TallyError('network/unreachable', 'network', 'no other tab has come'))
  }
  signal.addEventListener('abort', leave, { once: true })
  port.addEventListener('message', ({ data }: MessageEvent<MessagePort>) => {
    signal.removeEventListener('abort', leave)
    resolve(data)
  })
  port.start()
  return promise
}

const connect = async (reach: Reach, peer: Role, signal: AbortSignal): Promise<Link> =>
  reach === 'tab' ? portLink(await meet(signal), { peer }) : dialWebSocket(reach.url, { peer, signal })

const storedKey = (sessionStorage.getItem('party-key') ?? toHex(randomBytes(32))) as Hex
sessionStorage.setItem('party-key', storedKey)
const key = fromHex(storedKey, 32)
const pool = browserPool({ workers: 2 })
const phase = document.querySelector('#phase')!

const party: Party = {
  address: signerOf(key).address,
  isolated: crossOriginIsolated,
  run: (terms, role, ids, reach) =>
    runParty({
      terms: parseTerms(JSON.parse(terms)),
      role,
      key,
      ids,
      code: codeDigest,
      links: async (signal) => ({ [otherOf(role)]: await connect(reach, otherOf(role), signal) }),
      pool,
      onPhase: (name) => (phase.textContent = name),
    }),
}

declare global {
  interface Window {
    party: Party
  }
}
window.party = party
