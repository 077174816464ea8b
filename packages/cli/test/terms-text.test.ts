import { toHex } from '@tallystick/core'
import { parseTerms, partyId, specHash, termsBytes, type Terms } from '@tallystick/session'
import { expect, it } from 'vitest'
import { renderTerms } from '../src/terms-text.ts'

const bytes = (length: number, fill: number) => toHex(new Uint8Array(length).fill(fill))
const party = (role: string, name: string, fill: number) => {
  const [signer, tls] = [bytes(20, fill), bytes(32, fill)]
  return { role, name, signer, tls, party: partyId(signer, tls) }
}

const sample = {
  format: 'tallystick/terms/1',
  domain: bytes(32, 1),
  nonce: bytes(32, 2),
  purpose: 'Customers whom both banks have blacklisted',
  protocol: { id: 'psi/ecdh', version: 1, package: '0.1.0', code: bytes(32, 3) },
  parameters: { sizes: { receiver: 9900, sender: 9857 }, output: 'intersection', to: 'receiver', chunkRows: 4096 },
  parties: [party('receiver', 'Bank A', 4), party('sender', '乙银行', 5)],
  receivers: ['receiver'],
  data: {
    receiver: { source: 'list a', column: 'ID', normalisation: 'resident-id/1', duplicates: 'keep-first', rows: 9900 },
    sender: { source: 'list b', column: '证件号码', normalisation: 'resident-id/1', duplicates: 'refuse', rows: 9857 },
  },
  leakage: { receiver: `the size of the other list ${'and so on '.repeat(30)}`, sender: 'the size of this list' },
  auditor: {
    name: 'Audit office',
    recipient: `age1${'q'.repeat(58)}`,
    limit: 1,
    reveals: { receiver: 'its whole list and the common rows', sender: 'its whole list' },
    audited: ['receiver'],
  },
  attempts: 7,
  expires: '2099-01-02T03:04:05Z',
  deadlines: { handshake: 31, message: 61, close: 62 },
  retention: '2100-02-03',
} as const

/** Every value, as the approver must find it; wrapped lines are joined. */
const leaves = (value: unknown): string[] => {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(leaves)
  return [typeof value === 'number' ? value.toLocaleString('en-US') : String(value)]
}

it('tells every value of the bytes that are hashed, and their hash', async () => {
  const terms: Terms = parseTerms(sample)
  const text = (await renderTerms(terms)).replace(/\s+/g, ' ')
  const { parameters, resources: _resources, ...rest } = terms
  for (const value of leaves(rest)) expect(text).toContain(value.trim().replace(/\s+/g, ' '))
  expect(text).toContain(JSON.stringify(Object.fromEntries(Object.entries(parameters as object).sort())).slice(0, 20))
  expect(text).toContain(specHash(terms))
  expect(text).toContain(`${termsBytes(terms).length.toLocaleString('en-US')} bytes`)
})

it('reads so', async () => {
  const terms = parseTerms({ ...sample, leakage: { receiver: 'the size of the other list', sender: 'nothing' } })
  expect(await renderTerms(terms)).toMatchInlineSnapshot(`
      "Terms 0x1ce75d55b2fe1653b1ce76996c9d6e61e0c67de5dd53dce4f931694c040f58b4
      tagged SHA-256 of 1,678 bytes: canonical JSON of the following, format tallystick/terms/1

      Purpose      Customers whom both banks have blacklisted
      What runs    psi/ecdh version 1, Tallystick 0.1.0
                   code 0x0303030303030303030303030303030303030303030303030303030303030303
                   parameters
                     {"chunkRows":4096,"output":"intersection","sizes":{"receiver":9900,"sender":9857},"to":"receiver"}
      Parties      1. receiver: Bank A
                     party 0x4fa90b49b2354d265d59adf4efb6eee278f77b470ad4b618ce5825e7f9784efb
                     signs as 0x0404040404040404040404040404040404040404
                     TLS key 0x0404040404040404040404040404040404040404040404040404040404040404
                   2. sender: 乙银行
                     party 0xbd51ac6468bfcb509307b063b7db50771ad08397dddfd8f171a76a328c05eca1
                     signs as 0x0505050505050505050505050505050505050505
                     TLS key 0x0505050505050505050505050505050505050505050505050505050505050505
      Data         receiver: 9,900 rows from "list a", column "ID"
                     compared as resident-id/1: Chinese resident id of 18 characters: full-width as ASCII,
                       no spaces or separators, x as X, checked
                     duplicates: keep-first (of records with the same id the first enters, the others are
                       dropped)
                   sender: 9,857 rows from "list b", column "证件号码"
                     compared as resident-id/1: Chinese resident id of 18 characters: full-width as ASCII,
                       no spaces or separators, x as X, checked
                     duplicates: refuse (a list with a repeated id does not enter)
      Who learns   receiver (Bank A): which of its own rows the other side has too
                   sender (乙银行): no output
      Beyond it    receiver: the size of the other list
                   sender: nothing
      If one stops A party that has received the doubly masked rows knows its outcome and may refuse to
                     sign the close, or, where both learn, to send its own reply. The other keeps the
                     checkpoint that both signed before.
      Auditor      Audit office
                   key age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq
                   may hold the evidence of at most 1 of the parties; all consent to that of: receiver
                   evidence of receiver: its whole list and the common rows
                   evidence of sender: its whole list
      Limits       at most 7 attempts, none after 2099-01-02T03:04:05Z
                   seconds to wait: handshake 31, message 61, close 62
                   each party is to erase its journals and evidence after 2100-02-03: with "tally erase",
                     nothing does it by itself
      Bound to     signature domain 0x0101010101010101010101010101010101010101010101010101010101010101
                   nonce 0x0202020202020202020202020202020202020202020202020202020202020202"
    `)
})

it('says what the holder of a key learns', async () => {
  const learns = async (id: string, parameters: object): Promise<string> => {
    const terms = { ...sample, protocol: { ...sample.protocol, id }, parameters } as unknown as Terms
    return (await renderTerms(terms)).replaceAll(/\s+/g, ' ')
  }
  const sizes = { client: 1200, holder: 9 }
  expect(await learns('homomorphic/lookup', { sizes, columns: ['AC', 'AN'] })).toContain(
    'for 1,200 keys of its choice whether the other side has a row of it, and of that row: AC, AN',
  )
  expect(await learns('homomorphic/scoring', { sizes })).toContain('receiver (Bank A): the scores of its 1,200 rows')
  expect(await learns('homomorphic/evaluate-2', { program: { outputs: { spread: ['sum', 'x'], n: [] } } })).toContain(
    'the outputs of the program in the parameters: spread, n',
  )
})

it('changes with any value', async () => {
  const change = (value: unknown): unknown => {
    if (typeof value === 'number') return value + 1
    if (typeof value === 'string') return value.startsWith('0x') ? `0x${'7'.repeat(value.length - 2)}` : `${value}7`
    return value
  }
  const paths = (value: unknown, path: string[] = []): string[][] =>
    typeof value === 'object' && value !== null
      ? Object.entries(value).flatMap(([key, item]) => paths(item, [...path, key]))
      : [path]
  const altered = (value: unknown, [key, ...rest]: readonly string[]): unknown => {
    if (key === undefined) return change(value)
    const copy = structuredClone(value) as Record<string, unknown>
    copy[key] = altered(copy[key], rest)
    return copy
  }
  const textOf = async (terms: unknown): Promise<string> => {
    const text = await renderTerms(terms as Terms)
    return text.split('\n').slice(2).join('\n')
  }
  const before = await textOf(sample)
  for (const path of paths(sample)) {
    if (path[0] === 'format') continue
    expect(await textOf(altered(sample, path)), path.join('.')).not.toBe(before)
  }
})
