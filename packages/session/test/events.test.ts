import { secp256k1 } from '@noble/curves/secp256k1.js'
import { TallyError, fromHex, toHex } from '@tallystick/core'
import type { Hex } from '@tallystick/core'
import { TypedDataEncoder, Wallet, verifyTypedData } from 'ethers'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { addressOf, eventDigest, eventTypes, recoverSigner, signEvent, signedBy } from '../src/events.ts'
import type { EventKind, SessionEvent } from '../src/events.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(toHex)
const bytes32 = bytes(32)
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const u8 = fc.integer({ min: 0, max: 255 })
const run = { specHash: bytes32, attempt: u32 }
const ofParty = { ...run, party: u8 }
const kind = <K extends EventKind>(name: K) => fc.constant(name)

export const events: fc.Arbitrary<SessionEvent> = fc.oneof(
  fc.record({ kind: kind('Agreement'), specHash: bytes32 }),
  fc.record({ kind: kind('Commitment'), ...ofParty, input: bytes32, seed: bytes32, coin: bytes32 }),
  fc.record({ kind: kind('Checkpoint'), ...ofParty, commitments: bytes32, heads: bytes32 }),
  fc.record({ kind: kind('View'), ...ofParty, heads: bytes32, result: bytes32 }),
  fc.record({ kind: kind('Close'), ...run, heads: bytes32, result: bytes32 }),
  fc.record({ kind: kind('Abort'), ...ofParty, reason: bytes32 }),
  fc.record({ kind: kind('Disclosure'), ...ofParty, auditor: bytes(20) }),
)
const keys = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((key) => secp256k1.utils.isValidSecretKey(key))

const typed = (event: SessionEvent) => {
  const fields = eventTypes[event.kind].map((member) => {
    const [type = '', name = ''] = member.split(' ')
    return { type, name }
  })
  const { kind: _, ...values } = event
  return { types: { [event.kind]: fields }, values }
}
const domainOf = (salt: Hex) => ({ name: 'Tallystick', version: '1', salt })

const example: SessionEvent = {
  kind: 'Checkpoint',
  specHash: `0x${'11'.repeat(32)}`,
  attempt: 3,
  party: 1,
  commitments: `0x${'22'.repeat(32)}`,
  heads: `0x${'33'.repeat(32)}`,
}
const salt: Hex = `0x${'44'.repeat(32)}`
const key = new Uint8Array(32).fill(7)
const codeOf = (act: () => unknown): unknown => {
  try {
    return act()
  } catch (error) {
    return error instanceof TallyError ? error.code : error
  }
}

describe('EIP-712 events against ethers', () => {
  test('digest, address and signature', () => {
    fc.assert(
      fc.property(bytes32, events, keys, (domain, event, privateKey) => {
        const { types, values } = typed(event)
        const wallet = new Wallet(toHex(privateKey))
        const signature = signEvent(privateKey, domain, event)
        expect(eventDigest(domain, event)).toBe(TypedDataEncoder.hash(domainOf(domain), types, values))
        expect(addressOf(privateKey)).toBe(wallet.address.toLowerCase())
        expect(signature).toBe(wallet.signingKey.sign(eventDigest(domain, event)).serialized)
        expect(verifyTypedData(domainOf(domain), types, values, signature)).toBe(wallet.address)
        expect(recoverSigner(domain, event, signature)).toBe(addressOf(privateKey))
      }),
      { numRuns: 100 },
    )
  })
})

describe('what a signature binds', () => {
  test('every field, the kind and the domain', () => {
    fc.assert(
      fc.property(bytes32, bytes32, events, events, (domain, other, event, changed) => {
        fc.pre(JSON.stringify(event) !== JSON.stringify(changed) && domain !== other)
        expect(eventDigest(domain, changed)).not.toBe(eventDigest(domain, event))
        expect(eventDigest(other, event)).not.toBe(eventDigest(domain, event))
      }),
    )
    for (const [name, value] of Object.entries(example)) {
      if (name === 'kind') continue
      const changed = { ...example, [name]: typeof value === 'number' ? value + 1 : `0x55${value.slice(4)}` }
      expect(eventDigest(salt, changed as SessionEvent)).not.toBe(eventDigest(salt, example))
    }
  })

  test('one bit of the signature changes or destroys the signer', () => {
    const signature = fromHex(signEvent(key, salt, example))
    for (let bit = 0; bit < 65 * 8; bit++) {
      const flipped = signature.slice()
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      expect(signedBy(addressOf(key), salt, example, toHex(flipped)), `bit ${bit}`).toBe(false)
    }
    expect(signedBy(addressOf(key), salt, example, toHex(signature))).toBe(true)
  })
})

describe('what is refused', () => {
  test('high s, other v, other lengths', () => {
    const signature = signEvent(key, salt, example)
    const r = signature.slice(2, 66)
    const s = BigInt(`0x${signature.slice(66, 130)}`)
    const high = (secp256k1.Point.Fn.ORDER - s).toString(16).padStart(64, '0')
    const v = signature.slice(130)
    for (const bad of [
      `0x${r}${high}${v === '1b' ? '1c' : '1b'}`,
      `${signature.slice(0, 130)}00`,
      `${signature.slice(0, 130)}1d`,
      signature.slice(0, 130),
      `${signature}00`,
      signature.toUpperCase(),
      `0x${'00'.repeat(64)}1b`,
      `0x${'ff'.repeat(64)}1b`,
    ]) {
      expect(codeOf(() => recoverSigner(salt, example, bad as Hex))).toBe('decode/malformed')
      expect(signedBy(addressOf(key), salt, example, bad as Hex)).toBe(false)
    }
  })

  test.each([
    { party: 256 },
    { party: -1 },
    { party: 1.5 },
    { attempt: 2 ** 32 },
    { attempt: '3' },
    { heads: `0x${'33'.repeat(31)}` },
    { heads: undefined },
    { kind: 'Ballot' },
    { kind: 'toString' },
  ])('field %j', (change) => {
    expect(codeOf(() => eventDigest(salt, { ...example, ...change } as SessionEvent))).toBe('decode/malformed')
  })
})
