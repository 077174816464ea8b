/** Bundles the page and serves it on loopback, isolated from other origins so that it may share memory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Hex } from '@tallystick/core'
import { build, preview, type Plugin } from 'vite'

export interface Site extends AsyncDisposable {
  readonly url: string
  readonly origin: string
}

/** What a tab runs must not import Node: Vite would put an empty module in its place, which fails at run time at best. */
const refuseNode = (): Plugin => ({
  name: 'refuse-node',
  enforce: 'pre',
  resolveId(source, importer) {
    if (!isBuiltin(source)) return
    throw new Error(`expected portable modules in the bundle, found ${source} imported by ${importer ?? 'the page'}`)
  },
})

const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/** @param code what the bundle says it was built from */
export const openSite = async (code: Hex): Promise<Site> => {
  const outDir = mkdtempSync(join(tmpdir(), 'tallystick-browser-'))
  const root = fileURLToPath(new URL('.', import.meta.url))
  const common = { root, configFile: false, logLevel: 'error' } as const
  await build({
    ...common,
    build: { outDir, target: 'esnext', minify: false, reportCompressedSize: false },
    define: { codeDigest: JSON.stringify(code) },
    plugins: [refuseNode()],
    worker: { format: 'es', plugins: () => [refuseNode()] },
  })
  const server = await preview({
    ...common,
    build: { outDir },
    preview: { host: '127.0.0.1', port: 0, headers: isolation },
  })
  const url = server.resolvedUrls!.local[0]!
  return {
    url,
    origin: new URL(url).origin,
    async [Symbol.asyncDispose]() {
      await server.close()
      rmSync(outDir, { recursive: true, force: true })
    },
  }
}
