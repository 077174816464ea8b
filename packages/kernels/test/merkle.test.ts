import { expect, it } from 'vitest'
import { merkleTiles } from '../src/index.ts'
import { loadNativeMerkle } from '../src/native/merkle.ts'
import { cases } from './cases.ts'
import { bytes, messages } from './samples.ts'

it('gives the same roots by OpenSSL, for long rows and for short ones', async () => {
  const { 'merkle/tiles': native } = await loadNativeMerkle()
  const long = { key: bytes(1, 32), first: 2048, ...messages([20_000, 2048, 49, 70_000].map((n) => bytes(n, n))) }
  for (const input of [...cases['merkle/tiles'](), long]) {
    expect(native!(input as never)).toEqual(merkleTiles.run(input as never))
  }
})
