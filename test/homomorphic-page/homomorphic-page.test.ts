/** Encrypt, submit, decrypt in Chromium: clients of scoring and lookup in a page, the other side in this process. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { commitDataset, createAuditorKey } from '@tallystick/attestation'
import { programs } from '@tallystick/attestation/programs'
import { codeDigest } from '@tallystick/attestation/node'
import { fromHex, taggedDigest, toHex, utf8ToBytes, type Hex, type Json } from '@tallystick/core'
import { lookup, lookupRows, modelRows, scoring, tableRows } from '@tallystick/homomorphic'
import { sealPool } from '@tallystick/homomorphic/pool'
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
import { chromium, type Browser, type Page } from 'playwright-core'
import { build, preview, type PreviewServer } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const installed = existsSync(executablePath)
const required = process.env['TALLY_REQUIRE_BROWSER'] === '1'

const itemsOf = (texts: readonly string[]) => {
  const parts = texts.map((text) => utf8ToBytes(text))
  const offsets = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  return { bytes: Uint8Array.from(parts.flatMap((part) => [...part])), offsets }
}

const partyOf = (role: string, signer: Hex) => {
  const tls = toHex(taggedDigest('tallystick/no-tls-key/v1', fromHex(signer)))
  return { role, name: `the ${role}`, party: partyId(signer, tls), signer, tls }
}

interface Rows {
  readonly bytes: Uint8Array
  readonly offsets: Uint32Array
}

interface Job {
  readonly protocol: typeof scoring | typeof lookup
  readonly other: string
  readonly parameters: Json
  /** Of the page, and of this process. */
  readonly rows: readonly [Rows, Rows]
}

const data = (rows: Rows) => ({
  ...{ source: 'a list', column: 'x', normalisation: 'exact/1', duplicates: 'refuse' as const },
  rows: rows.offsets.length - 1,
})

const termsOf = (
  { protocol, other, parameters, rows }: Job,
  code: Hex,
  page: Hex,
  here: Hex,
  recipient: string,
): Terms => ({
  format: 'tallystick/terms/1',
  domain: toHex(new Uint8Array(32).fill(7)),
  nonce: toHex(randomBytes(32)),
  purpose: 'a test',
  protocol: { id: protocol.id, version: protocol.version, package: packageVersion, code },
  parameters,
  parties: [partyOf('client', page), partyOf(other, here)],
  receivers: ['client'],
  data: { client: data(rows[0]), [other]: data(rows[1]) },
  leakage: protocol.leakage,
  auditor: { name: 'Audit', recipient, limit: 1, reveals: { client: 'its rows', [other]: 'its rows' } },
  attempts: 1,
  expires: '2099-01-01T00:00:00Z',
  deadlines: { handshake: 60, message: 60, close: 60 },
  retention: '2099-12-31',
})

const features = Int32Array.of(3, -4, 100, 7, 0, 1)
const model = { weights: Int32Array.of(11, -2), intercept: 5 }
const holder = { keys: itemsOf(['1:5:A:T', '2:9:C:CT', 'X:1:G:A']), values: itemsOf(['rare', 'often', 'once']) }

const jobs: readonly (readonly [Job, unknown])[] = [
  [
    {
      ...{ protocol: scoring, other: 'server', rows: [tableRows(features, 2), modelRows(model)] },
      parameters: { sizes: { client: 3, server: 3 }, features: 2, featureBits: 8, weightBits: 8 },
    },
    { scores: [5 + 33 + 8, 5 + 1100 - 14, 5 - 2] },
  ],
  [
    {
      ...{ protocol: lookup, other: 'holder', rows: [itemsOf(['X:1:G:A', '7:7:A:T']), lookupRows(holder)] },
      parameters: { sizes: { client: 2, holder: 3 }, valueBytes: 8 },
    },
    { answers: { status: [1, 0], values: [...utf8ToBytes('once')], offsets: [0, 4, 4] } },
  ],
]

describe.skipIf(!installed && !required)('a page that encrypts', () => {
  const outDir = mkdtempSync(join(tmpdir(), 'tallystick-homomorphic-page-'))
  const code = codeDigest()
  let [browser, page, site]: [Browser?, Page?, PreviewServer?] = []

  beforeAll(async () => {
    const common = { root: fileURLToPath(new URL('.', import.meta.url)), configFile: false, logLevel: 'error' } as const
    const refuseNode = () => ({
      name: 'refuse-node',
      enforce: 'pre' as const,
      resolveId(source: string, importer?: string): void {
        // SEAL's loader imports `module` where it runs on Node.
        if (importer?.includes('node-seal') === true) return
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
    site = await preview({ ...common, build: { outDir }, preview: { host: '127.0.0.1', port: 0 } })
    browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu'] })
    page = await browser.newPage()
    await page.goto(site.resolvedUrls!.local[0]!)
    await page.waitForFunction('window.tally !== undefined')
  }, 90_000)

  afterAll(async () => {
    await browser?.close()
    await site?.close()
    rmSync(outDir, { recursive: true })
  })

  test('its pool gives what the reference gives, refuses, stops and goes on', { timeout: 60_000 }, async () => {
    expect(await page!.evaluate('window.tally.tryPool()')).toEqual({
      ...{ equal: true, kept: true, misuse: 'api/misuse', refused: 'api/misuse' },
      ...{ aborted: 'Error: enough', after: 'done' },
    })
  })

  test.each(jobs)('encrypts, submits and decrypts', { timeout: 120_000 }, async (job, expected) => {
    const { protocol, other, rows } = job
    const signer = createSigner(randomBytes(32))
    const auditor = await createAuditorKey()
    const address = await page!.evaluate<Hex>('window.tally.address')
    const terms = termsOf(job, code, address, signer.address, auditor.recipient)
    const met = Promise.withResolvers<Link>()
    const listener = await listenWebSocket({ port: 0, host: '127.0.0.1', accept: (link) => met.resolve(link) })
    await using pool = sealPool({ workers: 1 })
    const here = runSession({
      ...{ terms, role: other, protocol, code, signer, pool, journals: memoryJournals() },
      links: async () => ({ client: await met.promise }),
      input: programs[protocol.id]!.input(rows[1], other, terms.parameters),
      commitInput: (sessionId) =>
        commitDataset(rows[1], {
          partySecret: new Uint8Array(32).fill(9),
          sessionId: fromHex(sessionId),
          datasetId: taggedDigest('tallystick/homomorphic-page-dataset/v1'),
        }),
    })
    const own = { bytes: [...rows[0].bytes], offsets: [...rows[0].offsets] }
    const url = `ws://127.0.0.1:${listener.port}`
    const call = `window.tally.runClient(${JSON.stringify(JSON.stringify(terms))}, ${JSON.stringify(own)}, '${url}')`
    const output = await page!.evaluate<string>(call)
    expect(JSON.parse(output)).toEqual(expected)
    const session = await here
    expect(session.output).toBeNull()
    await session.close()
    await listener.close()
  })
})
