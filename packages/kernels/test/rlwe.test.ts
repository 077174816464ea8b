/** Kernels that draw on a public seed, where OpenSSL expands it. */
import { expect, test } from 'vitest'
import { loadNativeRing } from '../src/native/rlwe.ts'
import { encrypt, expand, switchKeys } from '../src/rlwe/kernels.ts'
import { cases } from './cases.ts'

const native = await loadNativeRing()

test.each([expand, encrypt, switchKeys])('$name on OpenSSL equals its reference', (kernel) => {
  for (const input of cases[kernel.name as 'rlwe/expand']()) {
    expect(native[kernel.name]!(input as never)).toEqual(kernel.run(input as never))
  }
})
