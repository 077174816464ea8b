/** The committed WebAssembly is what the committed sources build to, byte for byte. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { build } from '../build.ts'
import * as fma from '../src/curve25519/fma.wasm.ts'
import * as integer from '../src/curve25519/integer.wasm.ts'

it('rebuilds to the committed files', { timeout: 60_000 }, async () => {
  const files = await build()
  expect(Object.keys(files)).toContain('src/curve25519/fma.wasm.ts')
  for (const [path, text] of Object.entries(files)) {
    expect(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8') === text, `${path} is stale`).toBe(true)
  }
})

it('digests are those of the bytes', () => {
  for (const module of [fma, integer]) {
    const digest = createHash('sha256').update(Buffer.from(module.base64, 'base64')).digest('hex')
    expect(digest).toBe(module.sha256)
  }
})
