/**
 * The protocol text of `psi/ecdh`, unchanged, between a Chromium tab and a Node process and between two tabs, through
 * whole sessions: terms, handshake, commitments, checkpoint, signed close, record, sealed evidence.
 */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { createAuditorKey, openEvidence, parseRecord, replay, verify, type TrustAnchor } from '@tallystick/attestation'
import { codeDigest } from '@tallystick/attestation/node'
import { fromHex, taggedDigest, toHex, utf8ToBytes, type Hex } from '@tallystick/core'
import { nodePool } from '@tallystick/kernels/pool'
import { ecdh } from '@tallystick/psi'
import { packageVersion, partyId, type Link, type SessionRecord, type Terms } from '@tallystick/session'
import { listenWebSocket } from '@tallystick/session/node'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Reach } from './page.ts'
import { otherOf, roles, runParty, signerOf, type Report, type Role } from './party.ts'
import { openSite, type Site } from './site.ts'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const installed = existsSync(executablePath)
const required = process.env['TALLY_REQUIRE_BROWSER'] === '1'

/** No background traffic: the only sockets are ours on loopback. */
const quiet = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const range = (from: number, to: number): readonly string[] =>
  Array.from({ length: to - from }, (_, i) => `11010519491231${String(from + i).padStart(4, '0')}`)
const ids: Readonly<Record<Role, readonly string[]>> = {
  receiver: range(0, 1500),
  sender: range(900, 2100).toReversed(),
}
/** Own rows that the other list holds too, by plain sets. */
const plain = (role: Role): readonly number[] => {
  const theirs = new Set(ids[otherOf(role)])
  return ids[role].flatMap((id, row) => (theirs.has(id) ? [row] : []))
}

/** A tab has no TLS key; the terms want a value for each party, and this one is the key of nobody. */
const noTlsKey = (signer: Hex): Hex => toHex(taggedDigest('tallystick/no-tls-key/v1', fromHex(signer)))

const trustIn = (addresses: Readonly<Record<Role, Hex>>): readonly TrustAnchor[] =>
  roles.map((role) => {
    const signer = addresses[role]
    const tls = noTlsKey(signer)
    return { name: `Bank ${role}`, party: partyId(signer, tls), signer, tls }
  })

const termsOf = (trust: readonly TrustAnchor[], audited: Role, recipient: string, code: Hex): Terms => {
  const data = (role: Role) => ({
    source: 'list',
    column: 'id',
    normalisation: 'none',
    duplicates: 'refuse' as const,
    rows: ids[role].length,
  })
  return {
    format: 'tallystick/terms/1',
    domain: toHex(new Uint8Array(32).fill(7)),
    nonce: toHex(randomBytes(32)),
    purpose: 'customers on both lists',
    protocol: { id: ecdh.id, version: ecdh.version, package: packageVersion, code },
    parameters: {
      sizes: { receiver: ids.receiver.length, sender: ids.sender.length },
      output: 'intersection',
      to: 'both',
      chunkRows: 256,
    },
    parties: roles.map((role, i) => ({ role, ...trust[i]! })),
    receivers: [...roles],
    data: { receiver: data('receiver'), sender: data('sender') },
    leakage: ecdh.leakage,
    auditor: {
      name: 'Supervisor',
      recipient,
      limit: 1,
      audited: [audited],
      reveals: { receiver: 'its list and the intersection', sender: 'its list and the intersection' },
    },
    attempts: 2,
    expires: '2099-01-01T00:00:00Z',
    deadlines: { handshake: 25, message: 25, close: 25 },
    retention: '2099-12-31',
  }
}

const sessionOf = (report: Report): SessionRecord => parseRecord(utf8ToBytes(report.record)).session

/** Links in the order in which peers connected. */
const createArrivals = () => {
  const arrived: Link[] = []
  let wanted: ((link: Link) => void) | undefined
  return {
    accept(link: Link) {
      if (wanted === undefined) arrived.push(link)
      else wanted(link)
      wanted = undefined
    },
    next: (signal: AbortSignal): Promise<Link> =>
      new Promise((resolve, reject) => {
        const link = arrived.shift()
        if (link !== undefined) return resolve(link)
        wanted = resolve
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      }),
  }
}

/** The same link, but after so many protocol frames no more arrive, and `harm` is done, once. */
const harmedAfter = (frames: number, link: Link, harm: () => void): Link => ({
  ...link,
  receive(receiver) {
    let arrived = 0
    link.receive({
      frame(frame) {
        if (frame.channel === 'message') arrived++
        if (arrived < frames) receiver.frame(frame)
        else if (arrived++ === frames) harm()
      },
      closed: (error) => receiver.closed(error),
    })
  },
})

/** The chains of the session with OpenSSL's SHA-256, so that a tab's portable one is compared with it. */
const opensslHash = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

describe.skipIf(!installed && !required)('parties in Chromium', () => {
  const code = codeDigest()
  const pool = nodePool({ workers: 1 })
  let site: Site
  let browser: Browser
  const faults: string[] = []

  beforeAll(async () => {
    if (!installed) return
    ;[site, browser] = await Promise.all([openSite(code), chromium.launch({ executablePath, args: quiet })])
  })
  beforeEach(() => {
    faults.length = 0
    if (installed) return
    throw new Error(
      `TALLY_REQUIRE_BROWSER=1 expects Chromium at ${executablePath}, found nothing: install it ` +
        '(apt-get install chromium), or name its path in CHROMIUM',
    )
  })
  afterAll(async () => {
    await browser?.close()
    await site?.[Symbol.asyncDispose]()
    await pool[Symbol.asyncDispose]()
  })

  /** A new tab with the page, in the given window or one of its own. */
  const openTab = async (context?: Awaited<ReturnType<Browser['newContext']>>): Promise<Page> => {
    const page = await (context ?? browser).newPage()
    page.on('pageerror', (error) => faults.push(String(error)))
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
    await page.goto(site.url)
    expect(faults).toEqual([])
    expect(await page.evaluate(() => window.party.isolated)).toBe(true)
    return page
  }
  const addressIn = (tab: Page): Promise<Hex> => tab.evaluate(() => window.party.address)
  const runIn = (tab: Page, terms: Terms, role: Role, reach: Reach): Promise<Report> =>
    tab.evaluate(([terms, role, ids, reach]) => window.party.run(terms, role, ids, reach), [
      JSON.stringify(terms),
      role,
      ids[role],
      reach,
    ] as const)

  /** What must hold wherever the two parties ran. */
  const audit = async (
    reports: Readonly<Record<Role, Report>>,
    trust: readonly TrustAnchor[],
    audited: Role,
    identity: string,
  ): Promise<void> => {
    expect(faults).toEqual([])
    const records = { receiver: utf8ToBytes(reports.receiver.record), sender: utf8ToBytes(reports.sender.record) }
    for (const role of roles) {
      expect(reports[role].rows).toEqual(plain(role))
      const session = sessionOf(reports[role])
      expect(session.role).toBe(role)
      expect(session.outcome).toBe('completed')
      expect(session.close?.signatures.map((signed) => signed.role)).toEqual(roles)
      const report = await verify(records[role], { trust })
      expect(report.checks.filter(({ status }) => status === 'failed')).toEqual([])
      expect(report.verdict).toBe('consistent')
      expect((await verify(records[role])).verdict).toBe('well-formed')
    }
    const [one, other] = [sessionOf(reports.receiver), sessionOf(reports.sender)]
    expect(one.checkpoint.map(({ heads }) => heads)).toEqual(other.checkpoint.map(({ heads }) => heads))
    expect(one.views.map(({ role, heads, result }) => [role, heads, result])).toEqual(
      other.views.map(({ role, heads, result }) => [role, heads, result]),
    )
    expect(one.views[0]!.heads).toHaveLength(2)
    expect(one.views[0]!.heads).toEqual(one.views[1]!.heads)
    expect(one.close).toEqual(other.close)

    // The party runs again in Node from its evidence: the same frames, byte for byte.
    expect(reports[otherOf(audited)].evidence).toBeNull()
    const evidence = await openEvidence(fromHex(reports[audited].evidence!), identity)
    const sample = { rate: 0.002, seed: randomBytes(32) }
    const replayed = await replay(parseRecord(records[audited]), evidence, { trust, code, pool, sample })
    expect(replayed.checks.filter(({ status }) => status === 'failed')).toEqual([])
    expect(replayed.verdict).toBe('replayed')
  }

  /** A tab in one role, this process in the other; the first connection, or the tab itself, may end in mid-run. */
  const withNode = async (inTab: Role, harm?: 'cut' | 'reload'): Promise<Readonly<Record<Role, Report>>> => {
    const inNode = otherOf(inTab)
    const arrivals = createArrivals()
    const refused: string[] = []
    const sockets = new Set<Socket>()
    const server = createServer().on('connection', (socket) => sockets.add(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const cut = (): void => sockets.forEach((socket) => socket.destroy())
    const listener = await listenWebSocket({
      host: '127.0.0.1',
      port: 0,
      server,
      origins: [site.origin],
      accept: arrivals.accept,
      refused: ({ message }) => refused.push(message),
    })
    const tab = await openTab()
    try {
      const key = randomBytes(32)
      const address = await addressIn(tab)
      const addresses = { [inTab]: address, [inNode]: signerOf(key).address } as Readonly<Record<Role, Hex>>
      const trust = trustIn(addresses)
      const auditor = await createAuditorKey()
      const terms = termsOf(trust, inTab, auditor.recipient, code)
      const reach = { url: `ws://127.0.0.1:${listener.port}` }
      const reloading = Promise.withResolvers<void>()
      const strike = (): void => (harm === 'cut' ? cut() : reloading.resolve(tab.reload().then(() => undefined)))
      let first = harm !== undefined
      const linkToTab = async (signal: AbortSignal): Promise<Link> => {
        const link = await arrivals.next(signal)
        if (!first) return link
        first = false
        return harmedAfter(3, link, strike)
      }
      const [tabs, nodes] = await Promise.all([
        // What ran in the tab before the reload is gone, and its promise rejects.
        harm === 'reload'
          ? Promise.allSettled([runIn(tab, terms, inTab, reach), reloading.promise]).then(([before]) => {
              expect(before.status).toBe('rejected')
              return runIn(tab, terms, inTab, reach)
            })
          : runIn(tab, terms, inTab, reach),
        runParty({
          terms,
          role: inNode,
          key,
          ids: ids[inNode],
          code,
          links: async (signal) => ({ [inTab]: await linkToTab(signal) }),
          pool,
          hash: opensslHash,
        }),
      ])
      const reports = { [inTab]: tabs, [inNode]: nodes } as Readonly<Record<Role, Report>>
      await audit(reports, trust, inTab, auditor.identity)
      expect(tab.workers()).toHaveLength(2)
      expect(refused).toEqual([])
      return reports
    } finally {
      await tab.close()
      await listener.close()
      server.close()
    }
  }

  test('a tab and a Node process, over WebSocket', async () => {
    const reports = await withNode('receiver')
    for (const role of roles) expect(reports[role].connections).toBe(1)
  })

  test('a connection that is cut in mid-run: both go on from their journals', async () => {
    const reports = await withNode('sender', 'cut')
    for (const role of roles) expect(reports[role].connections).toBe(2)
    for (const role of roles) expect(sessionOf(reports[role]).attempt).toBe(0)
  })

  test('a tab that is reloaded in mid-run: its journal is gone, so both sign an abort and start a new attempt', async () => {
    const reports = await withNode('receiver', 'reload')
    for (const role of roles) {
      const { attempt, aborts } = sessionOf(reports[role])
      expect(attempt).toBe(1)
      expect(aborts.map((abort) => [abort.role, abort.attempt])).toEqual(roles.map((by) => [by, 0]))
    }
  })

  test('two tabs, over a message port', async () => {
    const context = await browser.newContext()
    try {
      const [receiver, sender] = await Promise.all([openTab(context), openTab(context)])
      const tabs = { receiver, sender }
      const addresses = { receiver: await addressIn(receiver), sender: await addressIn(sender) }
      expect(addresses.receiver).not.toBe(addresses.sender)
      const trust = trustIn(addresses)
      const auditor = await createAuditorKey()
      const terms = termsOf(trust, 'sender', auditor.recipient, code)
      const [ofReceiver, ofSender] = await Promise.all(roles.map((role) => runIn(tabs[role], terms, role, 'tab')))
      await audit({ receiver: ofReceiver!, sender: ofSender! }, trust, 'sender', auditor.identity)
      for (const tab of Object.values(tabs)) expect(tab.workers()).toHaveLength(2)
    } finally {
      await context.close()
    }
  })
})
