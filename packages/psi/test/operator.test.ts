/** The planner: which protocol, why, at which cost, from what is registered. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex } from '@tallystick/core'
import {
  cdgoss21,
  choose,
  czzdl24,
  ecdh,
  ikn19,
  kkrt16,
  kmprt17,
  predict,
  psty19,
  ra18,
  referenceRates,
  rolesFor,
  rr22,
  rr22Malicious,
  type Protocols,
  type Request,
} from '@tallystick/psi'

const protocols: Protocols = Object.fromEntries(
  [ecdh, kkrt16, ra18, rr22, rr22Malicious].map((each) => [each.id, each]),
)
const request = (receiver: number, sender: number, more: Partial<Request> = {}): Request => ({
  sizes: { receiver, sender },
  output: 'intersection',
  to: 'receiver',
  ...more,
})
const list = (rows: number) => ({
  ...{ rows, digest: toHex(new Uint8Array(32)), version: 1, key: toHex(new Uint8Array(32)), fingerprint: 32 as const },
})

describe('chooses', () => {
  it.each<[name: string, Request, protocol: string, reason: RegExp]>([
    ['the oldest assumption for small sets', request(1000, 20_000), 'psi/ecdh', /fewest assumptions/],
    ['the fastest for balanced ones', request(1e6, 1e6), 'psi/rr22', /end first/],
    ['where both learn', request(1e6, 1e6, { to: 'both' }), 'psi/rr22', /end first/],
    ['the one that can count', request(1e6, 1e6, { output: 'cardinality' }), 'psi/ecdh', /only psi\/ecdh can/],
    ['another where LPN is not wanted', request(1e6, 1e6, { policy: { lpn: false } }), 'psi/kkrt16', /not rest on/],
    [
      'what withstands malicious parties',
      request(1e5, 1e5, { policy: { adversary: 'malicious' } }),
      'psi/rr22-malicious',
      /only psi\/rr22-malicious can/,
    ],
    ['the prepared list', request(1000, 1e7, { list: list(1e7) }), 'psi/ra18', /1000 queries/],
  ])('%s', (_, asked, protocol, reason) => {
    const choice = choose(asked, protocols)
    expect(choice.protocol).toBe(protocol)
    expect(choice.reason).toMatch(reason)
    expect(choice.considered.map((each) => each.protocol).toSorted()).toEqual(Object.keys(protocols).toSorted())
    expect(
      choice.considered.every(({ predicted, refused }) => (predicted === undefined) !== (refused === undefined)),
    ).toBe(true)
    // What it answers can be run, and its bytes are what the protocol declares.
    const chosen = protocols[protocol]!
    expect(chosen.cost(chosen.parameters(choice.parameters))).toMatchObject({
      bytes: choice.predicted.bytes,
      rounds: choice.predicted.rounds,
    })
  })

  it('from what is registered, and nothing else', () => {
    expect(choose(request(1e6, 1e6), { [ecdh.id]: ecdh }).protocol).toBe('psi/ecdh')
    expect(choose(request(1e6, 1e6), { [ecdh.id]: ecdh, 'psi/other': ecdh }).considered).toHaveLength(1)
  })

  it('for any sizes the one that is predicted to end first among those above the small ones', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 24), fc.integer({ min: 20_001, max: 2 ** 24 }), (receiver, sender) => {
        const { protocol, predicted, considered } = choose(request(receiver, sender), protocols)
        const others = considered.filter((each) => each.protocol !== 'psi/rr22-malicious')
        const least = Math.min(...others.map((each) => each.predicted?.seconds ?? Infinity))
        expect([protocol, predicted.seconds]).toEqual([protocol, least])
      }),
      { numRuns: 50 },
    )
  })
})

describe('of three and more lists', () => {
  const all: Protocols = {
    ...protocols,
    ...Object.fromEntries(
      [...kmprt17.values(), ...cdgoss21.values(), czzdl24].map((each) => [each.id, each as Protocols[string]]),
    ),
  }
  const of = (parties: number, more: Partial<Request>): Request => ({
    sizes: Object.fromEntries(rolesFor(parties, more.output ?? 'intersection').map((role) => [role, 1e5])),
    ...{ output: 'intersection', to: 'receiver', parties, ...more },
  })
  it.each<[Partial<Request>, parties: number, protocol: string]>([
    [{}, 3, 'psi/kmprt17-3'],
    [{}, 10, 'psi/kmprt17-10'],
    [{ output: 'in-any' }, 3, 'psi/cdgoss21-3'],
    [{ output: 'at-least', threshold: 2 }, 5, 'psi/cdgoss21-5'],
    [{ output: 'difference' }, 4, 'psi/cdgoss21-4'],
    [{ output: 'union' }, 2, 'psi/czzdl24'],
  ])('chooses for %j of %i', (more, parties, protocol) => {
    const choice = choose(of(parties, more), all)
    expect(choice.protocol).toBe(protocol)
    // Of those for many, only those for so many are told.
    const others = choice.considered.filter(({ protocol: id }) => /-\d+$/.test(id) && !id.endsWith(`-${parties}`))
    expect(others).toEqual([])
    const chosen = all[protocol]!
    expect(chosen.cost(chosen.parameters(choice.parameters)).bytes).toBe(choice.predicted.bytes)
  })
  it.each<[Partial<Request>, parties: number, why: string]>([
    [{ output: 'union' }, 3, 'it is for 2 parties'],
    [{ output: 'difference' }, 2, '--complement'],
    [{ output: 'at-least' }, 3, '--threshold'],
    [{ to: 'both' }, 3, 'to the leader only'],
    [{ policy: { lpn: false } }, 3, 'learning parity with noise'],
    [{ policy: { adversary: 'malicious' } }, 3, 'semi-honest'],
  ])('refuses %j of %i', (more, parties, why) => {
    expect(() => choose(of(parties, more), all)).toThrow(why)
  })
  it('asks more of the leader the more there are', () => {
    const seconds = (parties: number) => choose(of(parties, {}), all).predicted.seconds
    expect(seconds(5)).toBeGreaterThan(1.3 * seconds(3))
  })
})

it('advises to prepare a list that is a hundred times as long', () => {
  expect(choose(request(1000, 1e6), protocols).advice).toMatch(/1000 times as long/)
  expect(choose(request(1000, 99_999), protocols).advice).toBeUndefined()
  expect(choose(request(1000, 1e6, { list: list(1e6) }), protocols).advice).toBeUndefined()
  expect(choose(request(1000, 1e6), { [ecdh.id]: ecdh }).advice).toBeUndefined()
})

it('says of each protocol why it cannot, where none can', () => {
  const asked = request(1000, 1000, { output: 'cardinality', policy: { adversary: 'malicious' } })
  expect(() => choose(asked, protocols)).toThrow(expect.objectContaining({ code: 'terms/unsupported' }))
  for (const id of Object.keys(protocols)) {
    expect(() => choose(request(10, 10, { parties: 3 }), protocols)).toThrow(`${id}: it is for 2 parties`)
  }
})

it('predicts more for slower machines and networks', () => {
  const { seconds } = predict(ecdh, request(1e4, 1e4))
  expect(seconds).toBeGreaterThan(0.4)
  expect(predict(ecdh, request(1e4, 1e4), { ...referenceRates, scale: 43, hashScale: 56 }).seconds).toBeGreaterThan(
    1.5 * seconds,
  )
  const slow = { network: { megabits: 1, milliseconds: 100 } }
  expect(predict(ecdh, request(1e4, 1e4, { policy: slow })).seconds).toBeGreaterThan(seconds + 7)
})

describe('sums over a hidden intersection', () => {
  const registered: Protocols = { ...protocols, [ikn19.id]: ikn19, [psty19.id]: psty19 }
  const values = { column: 'amount', decimals: 2, bits: 20, limbs: 2 }
  it.each<[name: string, Request, protocol: string]>([
    ['few values of the receiver', request(500, 500, { output: 'sum', to: 'both', values }), 'psi/psty19'],
    ['a size with a minimum', request(500, 500, { output: 'cardinality', minimum: 5 }), 'psi/psty19'],
    ['many of them', request(1e5, 1e5, { output: 'sum', to: 'both', values }), 'psi/psty19'],
    ['values of the sender', request(500, 500, { output: 'sum', to: 'both', senderValues: values }), 'psi/psty19'],
    ['the sum and not the size', request(500, 500, { output: 'sum', values }), 'psi/psty19'],
    ['statistics', request(500, 500, { output: 'statistics', values, senderValues: values }), 'psi/psty19'],
    ['a size of few', request(20_000, 500, { output: 'cardinality' }), 'psi/ecdh'],
    ['a size of many', request(1e5, 1e5, { output: 'cardinality' }), 'psi/psty19'],
    ['a size without LPN', request(1e5, 1e5, { output: 'cardinality', policy: { lpn: false } }), 'psi/ecdh'],
  ])('%s', (_, asked, expected) => expect(choose(asked, registered).protocol).toBe(expected))

  it('take the parameters that the protocol parses, and declared values', () => {
    const asked = request(500, 400, { output: 'statistics', values, senderValues: { ...values, bits: 30 }, minimum: 9 })
    expect(choose(asked, registered).parameters).toMatchObject({
      ...{ bits: 30, minimum: 9 },
      columns: { receiver: [{ column: 'amount', decimals: 2 }], sender: [{ column: 'amount', decimals: 2 }] },
    })
    expect(() => choose(request(500, 500, { output: 'statistics' }), registered)).toThrow('nobody declared values')
  })
})
