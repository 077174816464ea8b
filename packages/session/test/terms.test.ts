import { canonicalJson, toHex, utf8ToBytes, type Json } from '@tallystick/core'
import {
  auditorRoles,
  checkTerms,
  parseTerms,
  partyId,
  runOf,
  specHash,
  termsBytes,
  type Terms,
} from '@tallystick/session'
import { ecdh, ikn19, psty19 } from '@tallystick/psi'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { duet, termsFor, tlsOf } from './fixture.ts'

const terms = termsFor(duet, { rounds: 1, chunks: 1 })
const plain = () => JSON.parse(canonicalJson(terms)) as Record<string, any>
const now = Date.parse('2026-01-01T00:00:00Z')

/** Every path to a value in the terms. */
const paths = (value: unknown, path: readonly (string | number)[] = []): (string | number)[][] =>
  typeof value !== 'object' || value === null
    ? [[...path]]
    : [
        ...(path.length > 0 ? [[...path]] : []),
        ...Object.entries(value).flatMap(([key, item]) =>
          paths(item, [...path, Array.isArray(value) ? Number(key) : key]),
        ),
      ]

const at = (root: any, path: readonly (string | number)[]) => path.slice(0, -1).reduce((value, key) => value[key], root)

const last = (path: readonly (string | number)[]): string | number => path.at(-1) ?? ''

describe('terms', () => {
  it('parse to themselves', () => {
    expect(parseTerms(plain())).toEqual(terms)
    expect(specHash(parseTerms(plain()))).toBe(specHash(terms))
  })

  const fields = paths(plain()).filter(([first, second]) => !(first === 'parameters' && second !== undefined))

  it.each(fields.map((path) => [path.join('.'), path] as const))(
    'name %s when it is missing or of another form',
    (_, path) => {
      const key = last(path)
      for (const wrong of [undefined, { no: 'object' }, ['list'], '\u0000', -1, null]) {
        const changed = plain()
        const parent = at(changed, path)
        if (wrong === undefined && Array.isArray(parent)) continue
        if (path[0] === 'parameters') continue
        if (wrong === undefined) delete parent[key]
        else parent[key] = wrong
        // What a free-form record may hold is not wrong.
        if (
          wrong !== undefined &&
          path.length === 1 &&
          ['data', 'receivers'].includes(path[0] as string) &&
          Array.isArray(wrong) === (path[0] === 'receivers')
        )
          continue
        expect(() => parseTerms(changed)).toThrow(
          expect.objectContaining({
            code: 'terms/malformed',
            blame: 'self',
            message: expect.stringContaining(`terms.${path[0]}`) as string,
          }),
        )
      }
    },
  )

  it('refuse a field too many, anywhere', () => {
    for (const path of [[], ['protocol'], ['parties', 0], ['auditor'], ['deadlines']] as const) {
      const changed = plain()
      const parent = path.reduce((value: any, key) => value[key], changed)
      parent['extra'] = 1
      expect(() => parseTerms(changed)).toThrow(/extra/)
    }
  })

  it.each<[string, (t: any) => void, RegExp]>([
    ['a party id that is not of its keys', (t) => (t.parties[0].tls = tlsOf('x')), /parties\[0\]\.party/],
    ['two parties with one role', (t) => (t.parties[1].role = 'left'), /parties\[\]\.role/],
    [
      'one key for two parties',
      (t) => {
        t.parties[1].signer = t.parties[0].signer
        t.parties[1].party = partyId(t.parties[1].signer, t.parties[1].tls)
      },
      /parties\[\]\.signer/,
    ],
    ['a receiver who is no party', (t) => (t.receivers = ['middle']), /receivers.*"middle"/],
    ['no receiver', (t) => (t.receivers = []), /receivers/],
    ['leakage of a stranger', (t) => (t.leakage.middle = 'all'), /leakage.*"middle"/],
    ['more audited roles than the limit', (t) => (t.auditor.audited = ['left', 'right']), /audited/],
    ['text that hides its direction', (t) => (t.purpose = 'abc\u202Ecba'), /purpose/],
    ['a purpose over two lines', (t) => (t.purpose = 'a\nb'), /purpose/],
    ['a day that is none', (t) => (t.retention = '2026-13-01'), /retention/],
    ['a local time', (t) => (t.expires = '2026-01-01T00:00:00+01:00'), /expires/],
  ])('refuse %s', (_, change, text) => {
    const changed = plain()
    change(changed)
    expect(() => parseTerms(changed)).toThrow(expect.objectContaining({ code: 'terms/malformed' }))
    expect(() => parseTerms(changed)).toThrow(text)
  })

  it('have another hash for any other value, and another session for each attempt', () => {
    const hash = specHash(terms)
    for (const path of paths(plain()).filter((p) => typeof at(plain(), p)[last(p)] === 'string')) {
      const changed = plain()
      at(changed, path)[last(path)] += 'x'
      expect(specHash(changed as unknown as Terms)).not.toBe(hash)
    }
    expect(runOf(hash, 0).sessionId).not.toBe(runOf(hash, 1).sessionId)
  })

  it('hash as bytes that do not depend on the order of keys', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(Object.keys(plain()), { minLength: Object.keys(plain()).length }), (keys) => {
        const source = plain()
        const shuffled = Object.fromEntries(keys.map((key) => [key, source[key] as Json]))
        expect(toHex(termsBytes(parseTerms(shuffled)))).toBe(toHex(utf8ToBytes(canonicalJson(source))))
      }),
      { numRuns: 20 },
    )
  })
})

describe('what can be run', () => {
  const psi = { sizes: { receiver: 3, sender: 4 }, output: 'intersection', to: 'receiver', chunkRows: 8 }
  const data = (rows: number) => ({ source: 's', column: 'c', normalisation: 'n', duplicates: 'refuse', rows }) as const
  const good = (changes: Partial<Terms> = {}) =>
    termsFor(ecdh, psi, { receivers: ['receiver'], data: { receiver: data(3), sender: data(4) }, ...changes })

  it('is what the protocol accepts', () => {
    expect(() => checkTerms(good(), ecdh, now)).not.toThrow()
    expect(() => checkTerms(good({ minimum: { sets: 3, result: 9 } }), ecdh, now)).not.toThrow()
  })

  it('is not data of a role whose rows the parameters leave out', () => {
    const sized = (sizes: object) =>
      termsFor(duet, { rounds: 1, chunks: 1, sizes } as Json, { data: { left: data(3), right: data(4) } })
    expect(() => checkTerms(sized({ left: 3, right: 4 }), duet, now)).not.toThrow()
    expect(() => checkTerms(sized({ left: 3 }), duet, now)).toThrow(/parameters\.sizes.*none of "right".*4/)
  })

  const protocol = (changes: object) => ({ protocol: { ...good().protocol, ...changes } })
  it.each<[string, Terms, string, RegExp]>([
    ['expired', good({ expires: '2025-12-31T23:59:59Z' }), 'terms/expired', /2025-12-31/],
    ['another protocol', good(protocol({ id: 'psi/other' })), 'terms/unsupported', /psi\/other.*psi\/ecdh/],
    ['another version', good(protocol({ version: 2 })), 'terms/unsupported', /2 of psi\/ecdh/],
    ['another package', good(protocol({ package: '9.0.0' })), 'terms/unsupported', /9\.0\.0.*0\.1\.0/],
    ['other roles', termsFor(duet, {}, protocol({})), 'terms/malformed', /parties.*"receiver"/],
    [
      'another leakage statement',
      good({ leakage: { receiver: 'nothing', sender: 'nothing' } }),
      'terms/malformed',
      /leakage\.receiver/,
    ],
    [
      'other receivers than the parameters',
      good({ receivers: ['receiver', 'sender'] }),
      'terms/malformed',
      /receivers/,
    ],
    [
      'another size than the parameters',
      good({ data: { receiver: data(3), sender: data(5) } }),
      'terms/malformed',
      /data\.sender\.rows.*4.*5/,
    ],
    ['data that nobody speaks of', good({ data: { receiver: data(3) } }), 'terms/malformed', /data\.sender/],
    [
      'a set below the minimum',
      good({ minimum: { sets: 4, result: 0 } }),
      'terms/malformed',
      /the set "receiver" has fewer rows than terms\.minimum\.sets, 4/,
    ],
    ['parameters that the protocol refuses', good({ parameters: { ...psi, to: 'nobody' } }), 'terms/malformed', /./],
  ])('is not %s', (_, wrong, code, text) => {
    expect(() => checkTerms(wrong, ecdh, now)).toThrow(expect.objectContaining({ code }))
    expect(() => checkTerms(wrong, ecdh, now)).toThrow(text)
  })
  it('names those who learn by the protocol, where its parameters do not say', () => {
    const told = { ...duet, receivers: ['right'] as const }
    const of = (receivers: string[]) => termsFor(duet, { rounds: 1, chunks: 1 }, { receivers })
    expect(() => checkTerms(of(['right']), told, now)).not.toThrow()
    expect(() => checkTerms(of(['left']), told, now)).toThrow(/receivers: expected "right" who learn by .*found "left"/)
    expect(() => checkTerms(of(['left', 'right']), told, now)).toThrow(/receivers/)
  })

  it.each([
    [ikn19, { output: 'sum', to: 'both', limbs: 1 }],
    [psty19, { output: 'cardinality', to: 'both' }],
  ] as const)('is no minimum that is approved and not kept, or kept and not approved', (protocol, asked) => {
    const of = (kept: object, minimum?: Terms['minimum']) =>
      termsFor(
        protocol,
        { ...asked, sizes: psi.sizes, ...kept },
        {
          attempts: 1,
          receivers: ['receiver', 'sender'],
          data: { receiver: data(3), sender: data(4) },
          ...(minimum === undefined ? {} : { minimum }),
        },
      )
    const check = (terms: Terms) => (): void => checkTerms(terms, protocol, now)
    expect(check(of({}))).not.toThrow()
    expect(check(of({ minimum: 9 }, { sets: 0, result: 9 }))).not.toThrow()
    expect(check(of({}, { sets: 3, result: 9 }))).toThrow(/minimum\.result: expected 0, .*found 9/)
    expect(check(of({ minimum: 8 }, { sets: 3, result: 9 }))).toThrow(/minimum\.result: expected 8, .*found 9/)
    expect(check(of({ minimum: 9 }))).toThrow(/minimum\.result: expected 9, .*found 0/)
  })

  it('is not more attempts than the protocol bears', () => {
    const early = { ...ecdh, attempts: 1 }
    expect(() => checkTerms(good({ attempts: 1 }), early, now)).not.toThrow()
    expect(() => checkTerms(good({ attempts: 2 }), early, now)).toThrow(
      expect.objectContaining({ code: 'terms/malformed' }),
    )
    expect(() => checkTerms(good({ attempts: 2 }), early, now)).toThrow(/terms\.attempts: expected at most 1 .*found 2/)
    expect(() => checkTerms(good({ attempts: 2 }), ecdh, now)).not.toThrow()
  })
})

describe('an auditor that is a party', () => {
  const [first, second] = terms.parties
  const auditor = { ...terms.auditor, audited: [second!.role] }

  it('is known by its keys, and its own role counts', () => {
    expect(auditorRoles(terms)).toEqual([])
    const named = { ...auditor, party: first!.party }
    expect(() => parseTerms({ ...terms, auditor: named })).toThrow('at most 1 roles with the auditor')
    const parsed = parseTerms({ ...terms, auditor: { ...named, limit: 2 } })
    expect(auditorRoles(parsed)).toEqual([first!.role])
  })

  it('cannot pass as another of the same name, and a stranger cannot pass as a party', () => {
    const namesake = { ...auditor, name: first!.name }
    expect(() => parseTerms({ ...terms, auditor: namesake })).toThrow(`terms.auditor.party: expected ${first!.party}`)
    const stranger = { ...auditor, party: `0x${'12'.repeat(32)}` }
    expect(() => parseTerms({ ...terms, auditor: stranger })).toThrow('expected the id of one of terms.parties')
  })
})
