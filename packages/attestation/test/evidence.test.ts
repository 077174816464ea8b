import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { concatBytes, fromHex, TallyError, toHex, utf8ToBytes, type Hex } from '@tallystick/core'
import { addressOf, eventDigest, signEvent } from '@tallystick/session'
import { Decrypter } from 'age-encryption'
import { rowCount } from '../src/dataset.ts'
import { disclosureEvent, signDisclosure, type EventSigner } from '../src/disclosure.ts'
import { decodeEvidence, encodeEvidence, type Evidence } from '../src/evidence.ts'
import { createAuditorKey, openEvidence, sealEvidence } from '../src/seal.ts'

const bytes = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill)
const hex = (fill: number): Hex => toHex(bytes(32, fill))

const keys = { receiver: bytes(32, 1), sender: bytes(32, 2) }
const roles = ['receiver', 'sender'] as const
type Role = (typeof roles)[number]
const partyOf = { receiver: hex(3), sender: hex(4) }

const auditor = await createAuditorKey()
const termsWith = (limit = 1, party?: Hex, recipient = auditor.recipient) => ({
  domain: hex(7),
  parties: roles.map((role) => ({ role, party: partyOf[role], signer: addressOf(keys[role]) })),
  auditor: { name: 'Auditor', party, recipient, limit },
})
const terms = termsWith()
const specHash = hex(8)

const countersigned = (role: Role, attempt = 0, of = terms) => {
  const event = disclosureEvent(of, { specHash, attempt, role })
  const signatures = Object.fromEntries(roles.map((by) => [by, signEvent(keys[by], of.domain, event)]))
  return { role, attempt, auditor: event.auditor, signatures }
}

const evidenceOf = (rows: number, frames: number, frameBytes = 40): Evidence => ({
  specHash,
  attempt: 0,
  role: 'receiver',
  package: '0.1.0',
  code: hex(9),
  input: {
    rows: {
      bytes: Uint8Array.from({ length: 3 * rows }, (_, i) => i),
      offsets: Uint32Array.from({ length: rows + 1 }, (_, i) => 3 * i),
    },
    datasetId: hex(10),
    jobSaltKey: hex(11),
    nonce: hex(12),
  },
  seed: { value: hex(13), nonce: hex(14) },
  coin: { share: hex(15), nonce: hex(16) },
  inbox: Array.from({ length: frames }, (_, i) => ({
    from: 'sender',
    step: 'psi/ecdh/reply',
    ordinal: i,
    body: bytes(frameBytes, i),
  })),
  resources: [{ correlation: 'triples', step: 'x/triples', ordinal: 0, count: 2, body: bytes(64, 5) }],
  chains: {
    checkpoint: [],
    view: [{ from: 'sender', to: 'receiver', step: 'psi/ecdh/reply', frames, head: hex(17) }],
  },
  disclosure: countersigned('receiver'),
})

const collect = async (stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return concatBytes(...pieces)
}
async function* inPieces(whole: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size)
}
const seal = async (evidence: Evidence, of = terms, disclosed: Role[] = []): Promise<Uint8Array> => {
  const before = disclosed.map((role) => ({ specHash, attempt: 1, role }))
  return collect(await sealEvidence({ terms: of, specHash, evidence, disclosed: before }))
}
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'nothing',
    (error: unknown) => (error instanceof TallyError ? error.code : String(error)),
  )

describe('the plain form', () => {
  test.each([0, 1, 4095, 4096, 4097])('comes back as it was, with %i rows, in pieces of any size', async (rows) => {
    const evidence = evidenceOf(rows, 3)
    const plain = concatBytes(...encodeEvidence(evidence))
    for (const size of [1000, plain.length]) expect(await decodeEvidence(inPieces(plain, size))).toEqual(evidence)
  })

  test('refuses every truncation, and whatever follows its end', async () => {
    const plain = concatBytes(...encodeEvidence(evidenceOf(2, 1)))
    const cuts = Array.from({ length: plain.length }, (_, length) => plain.subarray(0, length))
    const wrong = [...cuts, concatBytes(plain, bytes(1, 0)), concatBytes(plain, plain)]
    const codes = await Promise.all(wrong.map((one) => codeOf(decodeEvidence(inPieces(one, 64)))))
    expect(new Set(codes)).toEqual(new Set(['evidence/malformed']))
  })

  test('refuses a head that is not canonical, has a member more, or lies about a length', async () => {
    const evidence = evidenceOf(2, 1)
    const swapped = (from: string, to: string) => {
      const text = Buffer.from(concatBytes(...encodeEvidence(evidence))).toString('latin1')
      expect(text).toContain(from)
      return decodeEvidence(inPieces(Buffer.from(text.replace(from, to), 'latin1'), 64))
    }
    const codes = await Promise.all([
      codeOf(swapped('"ordinal":0', '"ordinal": ')),
      codeOf(swapped('"ordinal":0', '"or-inal":0')),
      codeOf(swapped('"frames":1', '"frames":2')),
      codeOf(swapped('"frames":1', '"frames":0')),
      codeOf(swapped('"rows":2', '"rows":1')),
      codeOf(swapped('tallystick/evidence/1', 'tallystick/evidence/2')),
    ])
    expect(new Set(codes)).toEqual(new Set(['evidence/malformed']))
  })
})

describe('sealing', () => {
  test('opens with the key of the named auditor, whole', async () => {
    const evidence = evidenceOf(10, 2)
    expect(await openEvidence(await seal(evidence), auditor.identity)).toEqual(evidence)
  })

  test('opens with a hybrid post-quantum key as well', async () => {
    const key = await createAuditorKey('hybrid')
    const of = termsWith(1, undefined, key.recipient)
    const evidence = { ...evidenceOf(1, 1), disclosure: countersigned('receiver', 0, of) }
    expect(rowCount((await openEvidence(await seal(evidence, of), key.identity)).input.rows)).toBe(1)
  })

  test('is an age file', async () => {
    const file = await seal(evidenceOf(1, 1))
    expect(new TextDecoder().decode(file.subarray(0, 22))).toBe('age-encryption.org/v1\n')
    const decrypter = new Decrypter()
    decrypter.addIdentity(auditor.identity)
    expect(await decrypter.decrypt(file, 'text')).toContain('tallystick/evidence/1\n')
  })

  test('another key is told that it is not for it; a broken file or key is told apart', async () => {
    const file = await seal(evidenceOf(2, 1))
    const other = await createAuditorKey()
    const flipped = Uint8Array.from(file)
    flipped[flipped.length - 1]! ^= 1
    expect(await codeOf(openEvidence(file, other.identity))).toBe('evidence/not-for-you')
    expect(await codeOf(openEvidence(flipped, auditor.identity))).toBe('evidence/malformed')
    expect(await codeOf(openEvidence(file.subarray(0, -1), auditor.identity))).toBe('evidence/malformed')
    expect(await codeOf(openEvidence(file.subarray(0, 60), auditor.identity))).toBe('evidence/malformed')
    expect(await codeOf(openEvidence(utf8ToBytes('hello'), auditor.identity))).toBe('evidence/malformed')
    const { identity } = auditor
    const mistyped = `${identity.slice(0, -1)}${identity.endsWith('Q') ? 'P' : 'Q'}`
    const refused = (await openEvidence(file, mistyped).catch((error: unknown) => error)) as TallyError
    expect(refused.code).toBe('identity/malformed')
    // Nor in a cause, which --debug prints.
    expect(inspect(refused)).not.toContain(mistyped.slice(20, 40))
  })

  test('does not show the rows or the seed in the file', async () => {
    const evidence = evidenceOf(100, 1)
    const file = Buffer.from(await seal(evidence))
    expect(file.includes(Buffer.from(evidence.input.rows.bytes.subarray(0, 12)))).toBe(false)
    expect(file.includes(Buffer.from(fromHex(evidence.seed.value)))).toBe(false)
  })

  test('streams 100 MB in pieces of one age chunk', async () => {
    const frames = 100
    const body = bytes(1 << 20, 3)
    const one = evidenceOf(1, 1).inbox[0]!
    const inbox = Array.from({ length: frames }, (_, ordinal) => ({ ...one, ordinal, body }))
    const stream = await sealEvidence({ terms, specHash, evidence: { ...evidenceOf(1, 0), inbox }, disclosed: [] })
    let written = 0
    let largest = 0
    for await (const piece of stream) {
      written += piece.length
      largest = Math.max(largest, piece.length)
    }
    expect(written).toBeGreaterThan(frames << 20)
    expect(largest).toBeLessThanOrEqual((64 << 10) + 16)
  }, 20_000)
})

describe('disclosure', () => {
  test('of a second role to the same auditor is over the limit, in this attempt or another', async () => {
    expect(await codeOf(seal(evidenceOf(1, 1), terms, ['receiver']))).toBe('nothing')
    expect(await codeOf(seal(evidenceOf(1, 1), terms, ['sender']))).toBe('evidence/over-limit')
    expect(await codeOf(seal(evidenceOf(1, 1), termsWith(2), ['sender']))).toBe('nothing')
  })

  test('to an auditor who is a party itself counts its own role', async () => {
    expect(await codeOf(seal(evidenceOf(1, 1), termsWith(1, partyOf.sender)))).toBe('evidence/over-limit')
    expect(await codeOf(seal(evidenceOf(1, 1), termsWith(1, partyOf.receiver)))).toBe('nothing')
  })

  test('without each countersignature is refused, and the missing one is blamed', async () => {
    const whole = countersigned('receiver')
    const event = disclosureEvent(terms, { specHash, attempt: 0, role: 'receiver' })
    const bySender = signEvent(keys.sender, terms.domain, event)
    const refused = [
      { ...whole, signatures: { receiver: whole.signatures['receiver']! } },
      { ...whole, signatures: { sender: whole.signatures['sender']! } },
      { ...whole, signatures: { receiver: bySender, sender: bySender } },
      { ...whole, auditor: addressOf(keys.sender) },
      { ...countersigned('sender'), role: 'receiver' },
      countersigned('sender'),
      countersigned('receiver', 1),
    ]
    for (const disclosure of refused) {
      expect(await codeOf(seal({ ...evidenceOf(1, 1), disclosure }))).toBe('evidence/mismatch')
    }
    await expect(seal({ ...evidenceOf(1, 1), disclosure: refused[0]! })).rejects.toMatchObject({
      blame: { peer: 'sender' },
    })
  })

  test('honest software does not countersign a second role', async () => {
    const signer: EventSigner = {
      address: addressOf(keys.sender),
      sign: async () => {
        const event = disclosureEvent(terms, { specHash, attempt: 0, role: 'receiver' })
        return fromHex(signEvent(keys.sender, terms.domain, event))
      },
    }
    const first = { specHash, attempt: 0, role: 'receiver' }
    const second = { specHash, attempt: 0, role: 'sender' }
    expect(await signDisclosure(terms, first, signer, [])).toBe(countersigned('receiver').signatures['sender'])
    expect(await codeOf(signDisclosure(terms, first, signer, [first]))).toBe('nothing')
    expect(await codeOf(signDisclosure(terms, second, signer, [first]))).toBe('evidence/over-limit')
    const elsewhere = { ...first, specHash: hex(99) }
    expect(await codeOf(signDisclosure(terms, second, signer, [elsewhere]))).toBe('nothing')
    expect(eventDigest(terms.domain, disclosureEvent(terms, first))).toMatch(/^0x/)
  })
})
