/**
 * A page asks a table of a Node process by SimplePIR: whole sessions, the client in a Web Worker of Chromium. What the
 * holder receives never holds the id.
 */
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { isBuiltin } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commitDataset, createAuditorKey } from '@tallystick/attestation'
import { codeDigest } from '@tallystick/attestation/node'
import { createRng, fromHex, taggedDigest, toHex, utf8ToBytes, type Hex } from '@tallystick/core'
import { wasmEngine } from '@tallystick/kernels/engine'
import { inlinePool } from '@tallystick/kernels/pool'
import {
  computing,
  deriveKeyPair,
  emptyTable,
  expandMatrix,
  fill,
  holderOffsets,
  linesOf,
  listDigest,
  makeHint,
  pirInput,
  runLocally,
  simplePirQuery,
  stashOf,
  versionDigest,
  wordsOver,
  type Items,
  type PirVersion,
} from '@tallystick/query'
import {
  createSigner,
  memoryJournals,
  packageVersion,
  partyId,
  runSession,
  type Link,
  type Terms,
} from '@tallystick/session'
import { listenWebSocket } from '@tallystick/session/node'
import { chromium, type Browser } from 'playwright-core'
import { build, preview } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const installed = existsSync(executablePath)
const required = process.env['TALLY_REQUIRE_BROWSER'] === '1'

const itemsOf = (texts: readonly string[]): Items => {
  const parts = texts.map((text) => utf8ToBytes(text))
  const offsets = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  return { bytes: Buffer.concat(parts), offsets }
}
const sha256 = (bytes: Uint8Array): Hex => `0x${createHash('sha256').update(bytes).digest('hex')}`

/** A table of 500 rows, its files for askers, and what the holder commits to. */
const tableIn = async (folder: string) => {
  const engine = await wasmEngine()
  const rng = createRng(new Uint8Array(32).fill(5))
  const keys = deriveKeyPair(new Uint8Array(randomBytes(32)), new Uint8Array())
  const shape = { columns: 256, slots: 5, valueBytes: 16 }
  const table = emptyTable(shape, rng.fork('table'))
  const ids = Array.from({ length: 500 }, (_, i) => `customer-${i}`)
  const rows = { ids: itemsOf(ids), values: itemsOf(ids.map((_, i) => `since ${1990 + (i % 30)}`)) }
  runLocally(fill(computing, table, keys.secretKey, rows), engine)
  const seed = rng.fork('seed').bytes(32)
  const aBytes = new Uint8Array(4096 * shape.columns)
  runLocally(expandMatrix(computing, seed, shape, aBytes), engine)
  const hintBytes = new Uint8Array(4096 * linesOf(shape))
  runLocally(makeHint(computing, table, wordsOver(aBytes), wordsOver(hintBytes)), engine)
  const stash = stashOf(table)
  const version: PirVersion = {
    shape,
    publicKey: toHex(keys.publicKey),
    salt: toHex(table.salt),
    seed: toHex(seed),
    version: table.version,
    matrix: sha256(Buffer.concat(table.matrix)),
    hint: sha256(hintBytes),
    stashRows: table.stash.length,
    stash: listDigest(stash),
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'table.json'), JSON.stringify(version))
  writeFileSync(join(folder, 'hint.bin'), hintBytes)
  writeFileSync(join(folder, 'stash.bin'), stash)
  const bytes = Buffer.concat([keys.secretKey, ...table.matrix])
  return { version, committed: { bytes, offsets: holderOffsets(bytes.length, shape.columns) } }
}

const partyOf = (role: string, signer: Hex) => {
  const tls = toHex(taggedDigest('tallystick/no-tls-key/v1', fromHex(signer)))
  return { role, name: `the ${role}`, party: partyId(signer, tls), signer, tls }
}

const termsFor = (version: PirVersion, code: Hex, asker: Hex, holder: Hex, root: Hex, recipient: string): Terms => ({
  format: 'tallystick/terms/1',
  domain: toHex(new Uint8Array(32).fill(7)),
  nonce: toHex(randomBytes(32)),
  purpose: 'loan applications',
  protocol: { id: simplePirQuery.id, version: simplePirQuery.version, package: packageVersion, code },
  parameters: {
    ...version.shape,
    queries: 1,
    publicKey: version.publicKey,
    salt: version.salt,
    table: versionDigest(version),
    matrix: version.matrix,
    stashRows: version.stashRows,
    stash: version.stash,
  },
  parties: [partyOf('asker', asker), partyOf('holder', holder)],
  receivers: ['asker'],
  data: {},
  leakage: simplePirQuery.leakage,
  auditor: { name: 'Supervisor', recipient, limit: 1, reveals: { asker: 'its ids', holder: 'its table' } },
  resources: { asker: { 'query/prepared': root } },
  attempts: 1,
  expires: '2099-01-01T00:00:00Z',
  deadlines: { handshake: 25, message: 25, close: 25 },
  retention: '2099-12-31',
})

/** The link, with a copy of every frame that arrives. */
const tapped = (link: Link, received: Uint8Array[]): Link => ({
  ...link,
  receive: (receiver) =>
    link.receive({
      frame(frame) {
        received.push(frame.body.slice())
        receiver.frame(frame)
      },
      closed: (error) => receiver.closed(error),
    }),
})

describe.skipIf(!installed && !required)('a page that asks', () => {
  const outDir = mkdtempSync(join(tmpdir(), 'tallystick-query-page-'))
  const code = codeDigest()
  const received: Uint8Array[] = []
  const outputs: unknown[] = []
  let browser: Browser
  let server: Server
  let closing: (() => Promise<unknown>)[] = []
  let url = ''
  let holderUrl = ''

  beforeAll(async () => {
    const common = { root: fileURLToPath(new URL('.', import.meta.url)), configFile: false, logLevel: 'error' } as const
    const refuseNode = () => ({
      name: 'refuse-node',
      enforce: 'pre' as const,
      resolveId(source: string): void {
        if (isBuiltin(source)) throw new Error(`expected portable modules in the bundle, found ${source}`)
      },
    })
    await build({
      ...common,
      build: { outDir, target: 'esnext', minify: false, reportCompressedSize: false },
      define: { codeDigest: JSON.stringify(code) },
      plugins: [refuseNode()],
      worker: { format: 'es', plugins: () => [refuseNode()] },
    })
    const { version, committed } = await tableIn(join(outDir, 'table'))
    const site = await preview({ ...common, build: { outDir }, preview: { host: '127.0.0.1', port: 0 } })
    url = site.resolvedUrls!.local[0]!

    // The holder: terms for whoever asks, and one session for each.
    const signer = createSigner(randomBytes(32))
    const auditor = await createAuditorKey()
    const links: Link[] = []
    let wanted: ((link: Link) => void) | undefined
    const serve = async (terms: Terms): Promise<void> => {
      const session = await runSession({
        terms,
        role: 'holder',
        protocol: simplePirQuery,
        code,
        signer,
        links: async () => {
          const link = links.shift() ?? (await new Promise<Link>((resolve) => (wanted = resolve)))
          return { asker: tapped(link, received) }
        },
        input: pirInput(committed, 'holder', terms.parameters),
        commitInput: (sessionId) =>
          commitDataset(committed, {
            partySecret: new Uint8Array(32).fill(9),
            sessionId: fromHex(sessionId),
            datasetId: taggedDigest('tallystick/query-page-table/v1'),
          }),
        pool: inlinePool(),
        journals: memoryJournals(),
      })
      outputs.push(session.output)
      await session.close()
    }
    server = createServer((request, response) => {
      const { searchParams } = new URL(request.url!, 'http://holder')
      const [address, root] = [searchParams.get('address'), searchParams.get('root')] as [Hex, Hex]
      const terms = termsFor(version, code, address, signer.address, root, auditor.recipient)
      void serve(terms).catch((error: unknown) => outputs.push(error))
      response.setHeader('Access-Control-Allow-Origin', new URL(url).origin)
      response.end(JSON.stringify(terms))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    holderUrl = `http://127.0.0.1:${port}`
    const listener = await listenWebSocket({
      ...{ host: '127.0.0.1', port: 0, server },
      origins: [new URL(url).origin],
      accept(link) {
        if (wanted === undefined) links.push(link)
        else wanted(link)
        wanted = undefined
      },
    })
    browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] })
    closing = [() => browser.close(), () => listener.close(), () => site.close()]
  }, 120_000)
  afterAll(async () => {
    for (const close of closing) await close()
    server?.close()
    rmSync(outDir, { recursive: true, force: true })
  })

  it('is answered, and the id does not leave it', { timeout: 90_000 }, async () => {
    const page = await browser.newPage()
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(String(error)))
    await page.goto(`${url}#${holderUrl}`)
    const ask = async (id: string): Promise<Record<string, unknown>> => {
      await page.getByRole('button', { name: 'Ask' }).and(page.locator(':enabled')).waitFor({ timeout: 30_000 })
      await page.getByLabel('Id').fill(id)
      await page.getByRole('button', { name: 'Ask' }).click()
      await page
        .getByRole('status')
        .filter({ hasText: /answered|failed/ })
        .waitFor({ timeout: 30_000 })
      expect(await page.getByRole('status').textContent()).toContain('answered')
      return JSON.parse((await page.locator('#answer').textContent())!) as Record<string, unknown>
    }
    expect(await ask('customer-123')).toMatchObject({ status: 'found', value: 'since 1993' })
    expect(await ask('customer-9999')).toMatchObject({ status: 'absent' })
    expect(faults).toEqual([])
    expect(outputs).toEqual([{ kind: 'none' }, { kind: 'none' }])
    const all = Buffer.concat(received)
    expect(all.length).toBeGreaterThan(2 * 4 * 256)
    expect(all.includes('customer-')).toBe(false)
    // The control: what is agreed in clear is found in what arrived.
    expect(all.includes('asker')).toBe(true)
    await page.close()
  })
})
