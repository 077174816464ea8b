/** Products under encryption where OpenSSL expands the seeds: the same bytes as the references. */
import { expect, it } from 'vitest'
import type { Engine } from '@tallystick/protocol'
import { loadProducts } from '../src/bgv/engine.ts'
import { answer, encrypt, key, open, products } from '../src/bgv/kernels.ts'
import { opensslStream } from '../src/native/rlwe.ts'
import { cases } from './cases.ts'

const engine: Engine = await loadProducts(opensslStream)

it.each([key, encrypt, products, answer, open])('$name', (kernel) => {
  for (const input of cases[kernel.name as 'bgv/key']()) {
    expect(engine[kernel.name]!(input as never)).toEqual(kernel.run(input as never))
  }
})

it('refuses rings, lengths and replies that are none', () => {
  const misuse = expect.objectContaining({ code: 'api/misuse' })
  const [input] = cases['bgv/encrypt']() as readonly Parameters<typeof encrypt.run>[0][]
  const [reply] = cases['bgv/open']() as readonly Parameters<typeof open.run>[0][]
  for (const wrong of [
    { ...input!, degree: 12 },
    { ...input!, moduli: input!.moduli.slice(0, 1) },
    { ...input!, plainModuli: BigUint64Array.of(97n) },
    { ...input!, plainModuli: input!.moduli.slice(0, 1) },
    { ...input!, words: input!.words.slice(1) },
  ]) {
    expect(() => encrypt.run(wrong)).toThrow(misuse)
  }
  expect(() => open.run({ ...reply!, keep: 1 })).toThrow(misuse)
  expect(() => open.run({ ...reply!, places: Uint32Array.of(1) })).toThrow(misuse)
  expect(() => open.run({ ...reply!, packed: reply!.packed.slice(1) })).toThrow(misuse)
})
