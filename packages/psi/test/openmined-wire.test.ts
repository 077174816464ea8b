/** Our codec against `@openmined/psi.js` itself: the same bytes for the same keys, both ends both ways. */
import PSI from '@openmined/psi.js'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { TallyError } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import type { Engine } from '@tallystick/protocol'
import { createClient, createServer, keyFromCoins, type Structure } from '@tallystick/psi/openmined'
import { ids } from './samples.ts'

const keyOf = (seed: number) => keyFromCoins(new Uint8Array(64).fill(seed))
const [serverKey, clientKey] = [keyOf(1), keyOf(2)]
const structures: readonly Structure[] = ['raw', 'gcs', 'bloom-filter']
const rate = 1e-9

let psi: any
let engine: Engine
/** psi.js's name of a structure. */
const theirName = (structure: Structure) =>
  psi.dataStructure[{ raw: 'Raw', gcs: 'GCS', 'bloom-filter': 'BloomFilter' }[structure]]
beforeAll(async () => {
  // Its types say a namespace, its module is a function.
  psi = await (PSI as unknown as () => Promise<any>)()
  engine = await nodeEngine()
})

const ours = (reveal: boolean) => ({
  server: createServer({ key: serverKey, reveal, engine }),
  client: createClient({ key: clientKey, reveal, engine }),
})
const theirs = (reveal: boolean) => ({
  server: psi.server.createFromKey(serverKey, reveal),
  client: psi.client.createFromKey(clientKey, reveal),
})
const bytesOf = (message: any): Uint8Array => Uint8Array.from(message.serializeBinary())

const sets = [
  { name: 'some in common', client: ids(0, 20), server: ids(12, 30).reverse() },
  { name: 'nothing in common', client: ids(0, 5), server: ids(1000, 8) },
  {
    name: 'any script, empty and repeated rows',
    client: ['张三', '😀', '', 'x', 'x'],
    server: ['😀', 'x', 'x', '', 'Ł'],
  },
  { name: 'one row each', client: ['a'], server: ['a'] },
  { name: 'an empty server', client: ids(0, 3), server: [] },
]
const cases = sets.flatMap((set) =>
  structures.flatMap((structure) => [true, false].map((reveal) => ({ ...set, structure, reveal }))),
)

it.each(cases)('$structure, reveal $reveal, $name: the same bytes', ({ client, server, structure, reveal }) => {
  const own = ours(reveal)
  const peer = theirs(reveal)
  const setup = own.server.setup(server, { structure, falsePositiveRate: rate, clientRows: client.length })
  const theirSetup = peer.server.createSetupMessage(rate, client.length, server, theirName(structure))
  expect(setup).toEqual(bytesOf(theirSetup))
  const request = own.client.request(client)
  const theirRequest = peer.client.createRequest(client)
  expect(request).toEqual(bytesOf(theirRequest))
  const response = own.server.respond(request)
  const theirResponse = peer.server.processRequest(theirRequest)
  expect(response).toEqual(bytesOf(theirResponse))

  const common = client.flatMap((row, i) => (server.includes(row) ? [i] : []))
  expect(own.client.intersectionSize(bytesOf(theirSetup), bytesOf(theirResponse))).toBe(common.length)
  const decoded = [
    theirSetup.constructor.deserializeBinary(setup),
    theirResponse.constructor.deserializeBinary(response),
  ] as const
  expect(peer.client.getIntersectionSize(...decoded)).toBe(common.length)
  if (reveal) {
    expect(own.client.intersection(bytesOf(theirSetup), bytesOf(theirResponse))).toEqual(common)
    expect(peer.client.getIntersection(...decoded).sort((a: number, b: number) => a - b)).toEqual(common)
  } else {
    expect(() => own.client.intersection(setup, response)).toThrow(expect.objectContaining({ code: 'api/misuse' }))
  }
})

it('has the same bytes with the reference kernels', () => {
  const portable = createServer({ key: serverKey, reveal: true })
  const options = { structure: 'gcs', falsePositiveRate: 1e-3, clientRows: 2 } as const
  expect(portable.setup(['a', 'b'], options)).toEqual(ours(true).server.setup(['a', 'b'], options))
})

it('agrees with psi.js on the shape of Golomb-coded sets and Bloom filters over rates and sizes', () => {
  const own = ours(true).server
  const peer = theirs(true).server
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 40 }),
      fc.double({ min: 1e-12, max: 0.999, noNaN: true }),
      fc.constantFrom<Structure>('gcs', 'bloom-filter'),
      (rows, clientRows, falsePositiveRate, structure) => {
        const server = ids(rows, rows)
        const found = own.setup(server, { structure, falsePositiveRate, clientRows })
        const wanted = peer.createSetupMessage(falsePositiveRate, clientRows, server, theirName(structure))
        expect(found).toEqual(bytesOf(wanted))
      },
    ),
    // Six rows in a range of six: their numbers repeat, and have a mean below 1.
    { numRuns: 40, examples: [2, 3, 4, 5, 6].map((rows) => [rows, 1, 0.999, 'gcs']) },
  )
})

describe('refuses', () => {
  const failure = (work: () => unknown): Pick<TallyError, 'code' | 'blame'> => {
    try {
      work()
    } catch (error) {
      return error as TallyError
    }
    throw new Error('nothing was refused')
  }
  const codes = /^(?:decode\/(?:truncated|malformed)|peer\/(?:misbehaved|incompatible))$/

  it('a request of the other mode', () => {
    const request = ours(false).client.request(['a'])
    expect(failure(() => ours(true).server.respond(request))).toMatchObject({
      code: 'peer/incompatible',
      blame: { peer: 'client' },
    })
  })
  it('points that are none', () => {
    const request = ours(true).client.request(['a', 'b'])
    // Tag and length before each of the points; a wrong first byte, then an x beyond the field.
    const strangers = [request.slice().fill(4, 4, 5), request.slice().fill(255, 40, 72)]
    for (const changed of strangers) {
      expect(failure(() => ours(true).server.respond(changed))).toMatchObject({
        code: 'peer/misbehaved',
        blame: { peer: 'client' },
      })
    }
  })
  it('an answer to another request', () => {
    const { server, client } = ours(true)
    const setup = server.setup(['a'], { structure: 'raw', falsePositiveRate: rate, clientRows: 2 })
    const response = server.respond(client.request(['a', 'b']))
    client.request(['a'])
    expect(failure(() => client.intersection(setup, response))).toMatchObject({ code: 'peer/misbehaved' })
  })
  it('rates that a structure cannot have', () => {
    const { server } = ours(true)
    for (const [structure, falsePositiveRate] of [
      ['gcs', 0],
      ['gcs', 1],
      ['gcs', 1e-30],
      ['bloom-filter', Number.NaN],
      ['bloom-filter', 2],
    ] as const) {
      const options = { structure, falsePositiveRate, clientRows: 1 }
      expect(failure(() => server.setup(['a'], options)).code).toBe('api/misuse')
    }
  })
  it('whatever is no message, typed and with the blame', () => {
    const { server, client } = ours(true)
    const good = structures.map((structure) =>
      server.setup(['a', 'b'], { structure, falsePositiveRate: 0.01, clientRows: 2 }),
    )
    const request = client.request(['a', 'b'])
    const response = server.respond(request)
    const mutated = (bytes: Uint8Array) =>
      fc
        .tuple(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length))
        .map(([at, byte, length]) => bytes.slice(0, length).map((old, i) => (i === at ? byte : old)))
    const tries = <T>(arbitrary: fc.Arbitrary<T>, peer: string, work: (value: T) => unknown): void =>
      fc.assert(
        fc.property(arbitrary, (value) => {
          try {
            work(value)
          } catch (error) {
            expect((error as TallyError).code).toMatch(codes)
            expect((error as TallyError).blame).toEqual({ peer })
          }
        }),
        { numRuns: 80 },
      )
    tries(mutated(request), 'client', (bytes) => server.respond(bytes))
    tries(fc.uint8Array({ maxLength: 80 }), 'client', (bytes) => server.respond(bytes))
    for (const setup of good) tries(mutated(setup), 'server', (bytes) => client.intersection(bytes, response))
    tries(mutated(response), 'server', (bytes) => client.intersection(good[0]!, bytes))
  })
})
