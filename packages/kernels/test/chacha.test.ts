/** `chacha/seal`: the vector of RFC 8439, section 2.8.2, on every engine, and OpenSSL against the reference. */
import { hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { describe, expect, it } from 'vitest'
import { seal } from '../src/chacha/kernels.ts'
import { chacha } from '../src/native/chacha.ts'
import { cases } from './cases.ts'

const engines = { reference: seal.run, native: chacha['chacha/seal'] }

describe.each(Object.entries(engines))('%s', (_, run) => {
  it('gives the vector of RFC 8439', () => {
    const plain = utf8ToBytes(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    )
    const sealed = run({
      keys: Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i),
      nonces: hexToBytes('070000004041424344454647'),
      plain,
      width: plain.length,
      associated: hexToBytes('50515253c0c1c2c3c4c5c6c7'),
      associatedWidth: 12,
    })
    expect(sealed.slice(0, 16)).toEqual(hexToBytes('d31a8d34648e60db7b86afbc53ef7ec2'))
    expect(sealed.slice(-16)).toEqual(hexToBytes('1ae10b594f09e26a7e902ecbd0600691'))
  })

  it('refuses rows that do not fit', () => {
    const input = { keys: new Uint8Array(32), nonces: new Uint8Array(12), plain: new Uint8Array(5), width: 4 }
    expect(() => run({ ...input, associated: new Uint8Array(), associatedWidth: 0 })).toThrow(
      expect.objectContaining({ code: 'api/misuse' }),
    )
  })
})

it('OpenSSL equals the reference', () => {
  for (const input of cases['chacha/seal']()) {
    expect(chacha['chacha/seal'](input as never)).toEqual(seal.run(input as never))
  }
})
