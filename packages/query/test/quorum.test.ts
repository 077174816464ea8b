/** One bit, or a number, of the answers of several holders. */
import { createHash } from 'node:crypto'
import { bytesToUtf8, concatBytes, createRng, taggedDigest, toHex, utf8ToBytes } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import type { TransfersOptions } from '@tallystick/ot'
import { runKernel, simulate, type Context } from '@tallystick/protocol'
import { conformance } from '@tallystick/protocol/testing'
import { oprfBlind } from '@tallystick/kernels'
import {
  buildMembers,
  candidates,
  cellBytes,
  cellsFor,
  cellsOf,
  changesCapacity,
  computing,
  differingAfter,
  holderRoles,
  isOpening,
  isQuorumCells,
  makeTree,
  membersKey,
  openCells,
  pickCells,
  quorumInput,
  quorumOver,
  quorumQueries,
  runLocally,
  severalRows,
} from '@tallystick/query'
import type { HeldMembers, Opening, QuorumAnswers, QuorumMode, QuorumParameters } from '@tallystick/query'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { itemsOf, rngOf } from './samples.ts'

const engine = await nodeEngine()
const hash = (...parts: readonly Uint8Array[]): Uint8Array => {
  const state = createHash('sha256')
  for (const part of parts) state.update(part)
  return state.digest()
}

/** A holder with a list, in a table with room for `rows`. */
const holderOf = (label: string, ids: readonly string[], rows = ids.length) => {
  const salt = rngOf(`${label}/salt`).bytes(12)
  const keyPair = membersKey(rngOf(`${label}/seed`).bytes(32), salt)
  const fill = rngOf(`${label}/fill`)
  const cells = runLocally(buildMembers(computing, keyPair, salt, itemsOf(ids), fill, rows), engine)!
  const table = { publicKey: toHex(keyPair.publicKey), salt: toHex(salt), rows, cells: makeTree(rows, cells).root }
  return { keyPair, salt, cells, table, rows }
}
interface Holder extends ReturnType<typeof holderOf> {
  /** The table of the ids that came or went since. */
  readonly since?: ReturnType<typeof holderOf>
}
const changedHolderOf = (label: string, ids: readonly string[], differing: readonly string[]): Holder => ({
  ...holderOf(label, ids),
  since: holderOf(`${label} since`, differing, changesCapacity(differing.length)),
})
const tablesBy = ({ since, ...own }: Holder) => (since === undefined ? [own] : [own, since])
const heldBy = ({ table, since }: Holder): HeldMembers =>
  since === undefined ? table : { ...table, changes: since.table }

const parametersFor = (holders: readonly Holder[], queries: number, mode: QuorumMode, threshold?: number) => {
  const roles = holderRoles(holders.length)
  return quorumQueries.get(holders.length)!.parameters({
    ...{ queries, mode, ...(threshold === undefined ? {} : { threshold }) },
    holders: Object.fromEntries(roles.map((role, i) => [role, heldBy(holders[i]!)])),
  })
}
const inputsFor = (holders: readonly Holder[], ids: readonly string[]) => {
  const roles = holderRoles(holders.length)
  const picked = (table: ReturnType<typeof holderOf>) => runLocally(pickCells(computing, table, itemsOf(ids)), engine)
  const cells = roles.map((role, i) => [role, concatBytes(...tablesBy(holders[i]!).map(picked))])
  return {
    asker: { ids: itemsOf(ids), cells: Object.fromEntries(cells) as Record<string, Uint8Array> },
    ...Object.fromEntries(
      roles.map((role, i) => [
        role,
        { secretKey: concatBytes(...tablesBy(holders[i]!).map(({ keyPair }) => keyPair.secretKey)) },
      ]),
    ),
  }
}

const three = [
  holderOf('a', ['both', 'all', 'one', 'x']),
  holderOf('b', ['both', 'all', 'y']),
  holderOf('c', ['all', 'z', 'w', 'v', 'u']),
]

/** Transfers whose seeds fall from the sky: the real ones have their own tests, and runs with them are below. */
const dealt = (label = ''): Opening => ({
  *open(ctx: Context<any, any>, { peer, first }: TransfersOptions) {
    const delta = ctx.narrow('delta').rng.bytes(16)
    yield* ctx.send('otCorrections', delta.slice().fill(0), peer)
    yield* ctx.receive('otCorrections', peer)
    const seeds = (direction: string) => ({ seeds: rngOf(`dealt/${label}/${direction}`).bytes(16 * 512), used: 0 })
    const [sending, receiving] = first ? [seeds('forth'), seeds('back')] : [seeds('back'), seeds('forth')]
    return { peer, first, delta, sending, receiving }
  },
  cost: () => ({ rounds: 1, bytes: 32, coins: 16 }),
})

const two: readonly Holder[] = [three[0]!, changedHolderOf('d', ['absent-1', 'y'], ['absent-1'])]
const many = Array.from({ length: 16 }, (_, i) => `absent-${i}`)
conformance(
  quorumOver(dealt(), 2),
  [
    {
      name: 'any of two, one of whose lists has changed',
      parameters: parametersFor(two, many.length, 'any'),
      inputs: inputsFor(two, ['one', ...many.slice(1)]),
      alternative: inputsFor(two, many),
    },
  ],
  { engine, hash, schedules: 10, sample: 60 },
)

const rngs = (label: string) => (role: string) =>
  createRng(taggedDigest('tallystick/quorum/test/v1', `${label}/${role}`))

const ask = (
  holders: readonly Holder[],
  ids: readonly string[],
  mode: QuorumMode,
  threshold?: number,
  protocol = quorumOver(dealt(ids.join()), holders.length),
) => {
  const parameters = parametersFor(holders, ids.length, mode, threshold)
  const inputs = inputsFor(holders, ids)
  const result = simulate(protocol, { parameters, inputs, rng: rngs(ids.join()), engine })
  expect(result.errors).toEqual({})
  const cost = protocol.cost(parameters)
  expect([result.rounds, result.bytes]).toEqual([cost.rounds, cost.bytes])
  for (const [role, output] of Object.entries(result.outputs)) {
    if (role !== 'asker') expect(output).toEqual({ kind: 'none' })
  }
  return [...(result.outputs['asker'] as QuorumAnswers).values]
}

describe('query/quorum', () => {
  it('says whether any, whether at least t, and how many', () => {
    const ids = ['one', 'both', 'all', 'nobody', 'z']
    expect(ask(three, ids, 'any', undefined, quorumQueries.get(3))).toEqual([1, 1, 1, 0, 1])
    expect(ask(three, ids, 'at-least', 2)).toEqual([0, 1, 1, 0, 0])
    expect(ask(three, ids, 'at-least', 3)).toEqual([0, 0, 1, 0, 0])
    expect(ask(three, ids, 'count')).toEqual([1, 2, 3, 0, 1])
  })

  it('follows lists that changed', () => {
    // Came, went, came and went again, and stayed; of the last holder the list has not changed.
    const holders = [
      changedHolderOf('e', ['went', 'stayed'], ['went', 'came']),
      changedHolderOf('f', ['stayed', 'came'], []),
      three[1]!,
    ]
    const ids = ['went', 'stayed', 'came', 'nobody', 'y']
    expect(ask(holders, ids, 'count')).toEqual([0, 2, 2, 0, 1])
    expect(ask(holders, ids, 'any')).toEqual([0, 1, 1, 0, 1])
    expect(ask(holders, ids, 'at-least', 2)).toEqual([0, 1, 1, 0, 0])
  })

  it('keeps what differs from the table, whatever comes and goes', () => {
    const before = ['p0', 'p1', 'p2', 'p3']
    const base = holderOf('base', before)
    const universe = Array.from({ length: 8 }, (_, i) => `p${i}`)
    const textsOf = ({ bytes, offsets }: ReturnType<typeof itemsOf>) =>
      Array.from({ length: offsets.length - 1 }, (_, i) => bytesToUtf8(bytes.subarray(offsets[i], offsets[i + 1])))
    const changes = fc.uniqueArray(fc.record({ id: fc.constantFrom(...universe), comes: fc.boolean() }), {
      selector: ({ id }) => id,
    })
    fc.assert(
      fc.property(fc.array(changes, { maxLength: 5 }), (days) => {
        const list = new Set(before)
        let differing = itemsOf([])
        for (const day of days) {
          for (const { id, comes } of day) void (comes ? list.add(id) : list.delete(id))
          const of = (comes: boolean) => itemsOf(day.filter((one) => one.comes === comes).map(({ id }) => id))
          const named = { added: of(true), removed: of(false) }
          differing = runLocally(differingAfter(computing, base, base.keyPair, differing, named), engine)
        }
        const expected = universe.filter((id) => list.has(id) !== before.includes(id))
        expect(textsOf(differing)).toEqual(expected)
      }),
      { numRuns: 60 },
    )
    const twice = { added: itemsOf(['p1']), removed: itemsOf(['p1']) }
    expect(() => runLocally(differingAfter(computing, base, base.keyPair, itemsOf([]), twice), engine)).toThrow(
      /names one id twice/,
    )
  })

  it('has room for changes that says little of their number', () => {
    expect([0, 1, 64, 65, 1000].map((rows) => changesCapacity(rows))).toEqual([64, 64, 64, 128, 1024])
    expect(changesCapacity(3, 1024)).toBe(1024)
  })

  it('counts for every number of holders and every threshold', () => {
    const universe = Array.from({ length: 12 }, (_, i) => `p${i}`)
    const all = Array.from({ length: 10 }, (_, j) => holderOf(`h${j}`, universe.slice(0, j + 2)))
    const truth = (holders: number) => universe.map((_, i) => all.slice(0, holders).filter((_, j) => i < j + 2).length)
    for (let holders = 2; holders <= 10; holders++) {
      const some = all.slice(0, holders)
      expect(ask(some, universe, 'count')).toEqual(truth(holders))
      if (holders % 4 !== 2) continue
      expect(ask(some, universe, 'any')).toEqual(truth(holders).map((count) => (count > 0 ? 1 : 0)))
    }
    for (const threshold of [2, 3, 4, 8, 9, 10]) {
      expect(ask(all, universe, 'at-least', threshold)).toEqual(truth(10).map((n) => (n >= threshold ? 1 : 0)))
    }
  })

  it('has cells that look alike whether rows stand in them, and finds every row', () => {
    const ids = Array.from({ length: 300 }, (_, i) => `id-${i}`)
    const { keyPair, salt, cells, rows } = holderOf('cells', ids)
    expect(cells.length).toBe(cellBytes * cellsFor(rows))
    const points = runKernel(engine, oprfBlind, {
      dst: utf8ToBytes('HashToGroup-tallystick/query/members/v1-ristretto255-SHA512'),
      ...itemsOf(ids),
      scalars: keyPair.secretKey,
    })
    const picked = runLocally(pickCells(computing, { salt, rows, cells }, itemsOf(ids)), engine)
    ids.forEach((_, i) => {
      const own = toHex(points.subarray(32 * i, 32 * (i + 1)))
      const found = Array.from({ length: candidates }, (_, k) => candidates * i + k)
      expect(found.some((at) => toHex(picked.subarray(32 * at, 32 * (at + 1))) === own)).toBe(true)
    })
    const distinct = new Set(
      Array.from({ length: cellsFor(rows) }, (_, i) => toHex(cells.subarray(32 * i, 32 * i + 32))),
    )
    expect(distinct.size).toBe(cellsFor(rows))
  })

  it('makes another table under another salt, key and all', () => {
    const seed = new Uint8Array(32).fill(1)
    const [one, two] = [1, 2].map((i) => membersKey(seed, new Uint8Array(12).fill(i)))
    expect(one!.publicKey).not.toEqual(two!.publicKey)
  })

  it('counts an id once whose functions name one cell twice', () => {
    const rows = 10
    const salt = rngOf('repeated/salt').bytes(12)
    const many = Array.from({ length: 8000 }, (_, i) => `id-${i}`)
    const cells = runLocally(cellsOf(computing, salt, rows, itemsOf(many)), engine)
    const repeated = many.filter((_, i) => new Set(cells.subarray(3 * i, 3 * i + 3)).size < 3).slice(0, 12)
    expect(repeated).toHaveLength(12)
    const holders = [holderOf('repeated', repeated.slice(0, rows)), holderOf('other', repeated.slice(0, 2))]
    expect(holders[0]!.salt).toEqual(salt)
    expect(ask(holders, repeated, 'count')).toEqual([2, 2, ...Array.from({ length: 8 }, () => 1), 0, 0])
  })

  it('refuses an id that stands twice, a wrong key and cells of another number', () => {
    expect(() => holderOf('twice', ['a', 'b', 'a'])).toThrow(/input\/duplicate|has the id of/)
    const parameters = parametersFor(three, 1, 'any')
    const inputs = inputsFor(three, ['one'])
    const run = (more: object) =>
      simulate(quorumQueries.get(3)!, {
        parameters,
        inputs: { ...inputs, ...more },
        rng: rngs('wrong'),
        engine,
      }).errors
    expect(run({ 'holder-2': { secretKey: three[0]!.keyPair.secretKey } })['holder-2']).toMatchObject({
      code: 'identity/wrong-key',
    })
    const once = parametersFor([three[0]!, { ...three[1]!, since: three[2]! }], 1, 'any')
    const late = inputsFor(three.slice(0, 2), ['one'])
    // A holder that has the key of its table, not the one of its changes; an asker that has not fetched these.
    const { errors } = simulate(quorumQueries.get(2)!, { parameters: once, inputs: late, rng: rngs('late'), engine })
    expect(errors['holder-2']).toMatchObject({ code: 'identity/wrong-key' })
    expect(errors['asker']).toMatchObject({ code: 'input/changed' })
    expect(run({ asker: { ...inputs.asker, cells: {} } })['asker']).toMatchObject({ code: 'input/changed' })
  })

  it('sends the partner and the other holders what says nothing of the ids', () => {
    // Words and blinded elements of an id that all have and of one that none has, over many runs: equal in distribution.
    const bits = (id: string) => {
      const ones = { blinded: 0, words: 0, gmwMasked: 0 }
      const totals = { blinded: 0, words: 0, gmwMasked: 0 }
      for (let i = 0; i < 5; i++) {
        simulate(quorumQueries.get(3)!, {
          ...{ parameters: parametersFor(three, 1, 'any'), inputs: inputsFor(three, [id]), engine },
          rng: rngs(`${id}/${i}`),
          fault: {
            mutate: ({ step, body, from }) => {
              const name = step.split('/').at(-1) as keyof typeof ones
              if (name in ones && (name !== 'gmwMasked' || from === 'asker')) {
                for (const byte of body) ones[name] += [...byte.toString(2)].filter((bit) => bit === '1').length
                totals[name] += 8 * body.length
              }
              return [body]
            },
          },
        })
      }
      return Object.entries(ones).map(([name, count]) => {
        const total = totals[name as keyof typeof ones]
        return (count - total / 2) / Math.sqrt(total / 4)
      })
    }
    for (const id of ['all', 'nobody']) {
      const [blinded, words, masked] = bits(id)
      // Elements are below 2^255 and even: two bits of 256 are always zero.
      expect(Math.abs(blinded! + 2 * Math.sqrt(5 * 3))).toBeLessThan(40)
      expect(Math.abs(words!)).toBeLessThan(5)
      expect(Math.abs(masked!)).toBeLessThan(5)
    }
  })

  const openingsOf = (holder: ReturnType<typeof holderOf>, ids: readonly string[]): Uint8Array => {
    const { nodes } = makeTree(holder.rows, holder.cells)
    const readerOf = (bytes: Uint8Array) => (at: number, length: number) => bytes.subarray(at, at + length)
    const routine = openCells(computing, holder, itemsOf(ids), readerOf(holder.cells), readerOf(nodes))
    return runLocally(routine, engine)
  }

  it('turns committed rows into the input again, and tells an auditor of cells that no table has', () => {
    const ids = ['one', 'all']
    const parameters = parametersFor(three, 2, 'any')
    const openings = three.map((holder) => openingsOf(holder, ids))
    const rows = severalRows(itemsOf(ids), openings)
    expect(quorumInput(rows, 'asker', parameters)).toEqual(inputsFor(three, ids).asker)
    expect(isQuorumCells(rows, 'asker', parameters)).toBe(true)
    // An asker that would ask the first holder alone; or that reads cells of another id; or leaves one out.
    const strange = openings[1]!.slice()
    strange[40]! ^= 1
    const wrong = [strange, openingsOf(three[1]!, ['one', 'other']), openings[1]!.subarray(0, openings[1]!.length / 2)]
    for (const row of [...wrong, openings[0]!]) {
      const forged = severalRows(itemsOf(ids), [openings[0]!, row, openings[2]!])
      expect(isQuorumCells(forged, 'asker', parameters)).toBe(false)
    }
    expect(isQuorumCells(rows, 'holder-1', parameters)).toBe(true)
  })

  it('opens cells of both tables of a list that changed', () => {
    const ids = ['y', 'absent-1']
    const parameters = parametersFor(two, 2, 'any')
    const rowOf = (holder: Holder) => concatBytes(...tablesBy(holder).map((table) => openingsOf(table, ids)))
    const rows = severalRows(itemsOf(ids), two.map(rowOf))
    expect(quorumInput(rows, 'asker', parameters)).toEqual(inputsFor(two, ids).asker)
    expect(isQuorumCells(rows, 'asker', parameters)).toBe(true)
    const [first, second] = [rowOf(two[0]!), rowOf(two[1]!)]
    const own = openingsOf(two[1]!, ids)
    // Without the changes, with those of other ids, with one of them altered.
    const altered = second.slice()
    altered[own.length + 40]! ^= 1
    for (const row of [own, concatBytes(own, openingsOf(two[1]!.since!, ['y', 'other'])), altered]) {
      expect(isQuorumCells(severalRows(itemsOf(ids), [first, row]), 'asker', parameters)).toBe(false)
    }
  })

  it('opens every cell of tables of any size, and nothing else', () => {
    for (const rows of [0, 1, 50, 120]) {
      const holder = holderOf(
        `tree ${rows}`,
        Array.from({ length: rows }, (_, i) => `row ${i}`),
      )
      const openings = openingsOf(holder, ['a', 'b', 'c', 'd'])
      const size = openings.length / 12
      const places = runLocally(cellsOf(computing, holder.salt, rows, itemsOf(['a', 'b', 'c', 'd'])), engine)
      places.forEach((place, i) => {
        const opening = openings.subarray(size * i, size * (i + 1))
        expect(isOpening(rows, holder.table.cells, place, opening)).toBe(true)
        expect(isOpening(rows, holder.table.cells, place ^ 1, opening)).toBe(false)
        for (const at of [3, 5, 200, size - 1]) {
          const changed = opening.slice()
          changed[at]! ^= 1
          expect(isOpening(rows, holder.table.cells, place, changed), `byte ${at}`).toBe(false)
        }
      })
    }
  })

  it('refuses terms that it cannot run', () => {
    const good: QuorumParameters = parametersFor(three, 2, 'at-least', 2)
    const parse = (value: object) => () => quorumQueries.get(3)!.parameters({ ...good, ...value })
    expect(parse({})).not.toThrow()
    const wrong = [{ mode: 'all' }, { threshold: 1 }, { threshold: 4 }, { mode: 'any' }, { queries: 0 }, { extra: 1 }]
    for (const value of wrong) expect(parse(value)).toThrow(/parameters/)
  })
})
