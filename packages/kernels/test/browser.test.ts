/** The kernels bundled by Vite and run in Chromium, Web Workers included. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { build, preview } from 'vite'
import { describe, expect, it } from 'vitest'
import { names } from './cases.ts'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'

// Where a browser is required its absence fails the test instead of skipping it.
const required = process.env['TALLY_REQUIRE_BROWSER'] === '1'

describe.skipIf(!existsSync(executablePath) && !required)('in Chromium', () => {
  it('engines and pool equal the references', { timeout: 90_000 }, async () => {
    const root = fileURLToPath(new URL('./browser', import.meta.url))
    const outDir = mkdtempSync(join(tmpdir(), 'kernels-browser-'))
    const common = { root, configFile: false, logLevel: 'error' } as const
    try {
      await build({ ...common, build: { outDir, target: 'esnext' }, worker: { format: 'es' } })
      await using server = await preview({
        ...common,
        build: { outDir },
        preview: { host: '127.0.0.1', port: 0 },
      }).then((opened) => Object.assign(opened, { [Symbol.asyncDispose]: () => opened.close() }))
      await using browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
      const page = await browser.newPage()
      const errors: string[] = []
      page.on('pageerror', (error) => errors.push(String(error)))
      await page.goto(server.resolvedUrls!.local[0]!)
      const report = await page.evaluate(() => window.report)
      expect({ errors, failures: report.failures }).toEqual({ errors: [], failures: [] })
      expect(report.compared['integer']).toBeGreaterThan(names.length)
      expect(report.compared['pool']).toBeGreaterThan(names.length)
    } finally {
      rmSync(outDir, { recursive: true })
    }
  })
})
