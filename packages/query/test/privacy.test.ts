/** What a holder sees and what an asker may open: each with a control that must fail. */
import { concatBytes, toHex } from '@tallystick/core'
import { simulate } from '@tallystick/protocol'
import {
  answerAt,
  areUnits,
  bindUnits,
  columnOf,
  computing,
  deriveKeyPair,
  emptyTable,
  evaluate,
  hasTag,
  linesOf,
  openRow,
  order,
  queryFor,
  readSlot,
  rowKeys,
  runLocally,
  sealedList,
  sealOf,
  sealRow,
  sealedListQuery,
  simplePirQuery,
  slotBytesOf,
  splitEpochs,
  stashOf,
  unitAt,
  unitBytesOf,
  update,
  type Answers,
  type Epochs,
  type PirParameters,
  type RowKeys,
} from '@tallystick/query'
import { describe, expect, it } from 'vitest'
import {
  engine,
  idOf,
  itemsOf,
  keyPair,
  listOf,
  parametersOf,
  publicKey,
  rngOf,
  unitsOf,
  valueOf,
  worldOf,
  type World,
} from './samples.ts'

const shape = { columns: 64, slots: 3, valueBytes: 24 }
const world = worldOf(shape, 100, 'privacy')
const wholeOf = ({ table }: Pick<World, 'table'>): Uint8Array => concatBytes(...table.matrix)
const keysOf = (id: string): RowKeys =>
  rowKeys(runLocally(evaluate(computing, itemsOf([id]), keyPair.secretKey), engine), world.table.salt)

interface Run {
  readonly ids?: readonly string[]
  readonly matrix?: Uint8Array
  readonly secretKey?: Uint8Array
  readonly coins?: string
  readonly parameters?: Partial<PirParameters>
}

const run = ({ ids = [idOf(1)], matrix, secretKey, coins = 'a', parameters }: Run = {}) => {
  const { units } = unitsOf(world, ids.length, `units ${coins}`)
  const bodies = new Map<string, Uint8Array>()
  const result = simulate(simplePirQuery, {
    parameters: { ...parametersOf(world, ids.length), ...parameters },
    inputs: {
      asker: { ids: itemsOf(ids), stash: stashOf(world.table) },
      holder: {
        secretKey: secretKey ?? keyPair.secretKey,
        matrix: matrix === undefined ? world.table.matrix : [matrix],
      },
    },
    rng: (role) => rngOf(`${coins} ${role}`),
    engine,
    reserve: () => concatBytes(...units),
    fault: {
      mutate: ({ from, step, ordinal, body }) => {
        bodies.set(`${from} ${step} ${ordinal}`, body.slice())
        return [body]
      },
    },
  })
  return { ...result, bodies, answers: result.outputs.asker as Answers }
}

describe('a query', () => {
  it('has frames of one size, in one order, whatever is asked', () => {
    const shapes = [[idOf(1)], ['absent'], [''], ['x'.repeat(60_000)]].map((ids) =>
      run({ ids }).trace.map(({ from, step, bytes }) => `${from} ${step} ${bytes}`),
    )
    for (const other of shapes) expect(other).toEqual(shapes[0])
  })

  /**
   * χ² of the high byte of the word at the column asked for, over fresh coins: uniform whatever the column. The control
   * leaves the mask out, as a reused unit would (its difference to another use is this): it fails by far.
   */
  it('hides its column, which without its mask it does not', () => {
    const count = 512
    const units = bindUnits(
      Array.from({ length: count / 64 }, (_, k) => unitsOf(world, 64, `bytes ${k}`).units)
        .flat()
        .map((unit) => unit.subarray(unitBytesOf(shape) - 4 * (shape.columns + linesOf(shape)))),
    ).units
    const all = concatBytes(...units)
    const column = 17
    const chiSquare = (wordOf: (i: number) => number): number => {
      const cells = new Float64Array(16)
      for (let i = 0; i < count; i++) cells[wordOf(i) >>> 28]!++
      return cells.reduce((sum, found) => sum + (found - count / 16) ** 2 / (count / 16), 0)
    }
    const asked = chiSquare((i) => queryFor(unitAt(all, shape, i), column)[column]!)
    const beside = chiSquare((i) => queryFor(unitAt(all, shape, i), column)[column + 1]!)
    const control = chiSquare((i) => {
      const unit = unitAt(all, shape, i)
      return queryFor(unit, column)[column]! - unit.mask[column]!
    })
    // 15 degrees of freedom: 50 is beyond 1 - 1e-5.
    expect(asked).toBeLessThan(50)
    expect(beside).toBeLessThan(50)
    expect(control).toBeGreaterThan(5000)
  })

  it('changes exactly one word of its unit', () => {
    const unit = unitAt(concatBytes(...unitsOf(world, 1, 'one').units), shape, 0)
    for (const column of [0, 1, 63]) {
      const query = queryFor(unit, column)
      query.forEach((word, j) => expect((word - unit.mask[j]!) >>> 0).toBe(j === column ? 2 ** 24 : 0))
    }
  })

  it('is told the key of the terms by proof, and refuses another', () => {
    const other = deriveKeyPair(new Uint8Array(32).fill(9), new Uint8Array())
    // The holder's own check.
    expect(run({ secretKey: other.secretKey }).errors.holder).toMatchObject({ code: 'identity/wrong-key' })
    // A holder without it: terms that name its key to itself, and the agreed one to the asker.
    const { list, salt, digest } = listOf(3, 12)
    const parameters = { publicKey, salt, valueBytes: 12, rows: 3, list: digest, queries: 1 }
    const cheating = {
      ...sealedListQuery,
      parties: {
        ...sealedListQuery.parties,
        *holder(ctx, asked, input) {
          return yield* sealedListQuery.parties.holder(ctx, { ...asked, publicKey: toHex(other.publicKey) }, input)
        },
      } satisfies typeof sealedListQuery.parties,
    }
    const result = simulate(cheating, {
      parameters,
      inputs: { asker: { ids: itemsOf([idOf(0)]), list }, holder: { secretKey: other.secretKey } },
      rng: (role) => rngOf(role),
      engine,
    })
    expect(result.outputs.asker).toBeUndefined()
    expect(result.errors.asker).toMatchObject({ code: 'peer/misbehaved', blame: { peer: 'holder' } })
  })

  it('of many ids costs what is declared, also where frames wait for answers', () => {
    // Five frames of 64 queries, four of them ahead.
    const ids = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? `nobody ${i}` : idOf(i % 100)))
    const result = run({ ids })
    const { rounds, bytes } = simplePirQuery.cost(parametersOf(world, ids.length))
    expect([result.rounds, result.bytes]).toEqual([6, bytes])
    expect(rounds).toBe(6)
    ids.forEach((id, i) =>
      expect(answerAt(result.answers, i).status, id).toBe(id.startsWith('nobody') ? 'absent' : 'found'),
    )
  })

  it('refuses a stash or list other than that of the terms, before it sends anything', () => {
    const result = run({ parameters: { stash: `0x${'11'.repeat(32)}` } })
    expect(result.errors.asker).toMatchObject({ code: 'input/changed' })
    expect(result.trace).toEqual([])
  })
})

describe('a spoiled column', () => {
  /** One byte of the ciphertext of the row of an id, in the holder's matrix. */
  const spoiled = (id: string): Uint8Array => {
    const matrix = wholeOf(world)
    const keys = keysOf(id)
    const column = columnOf(shape, keys)
    const width = slotBytesOf(shape)
    for (let slot = 0; slot < shape.slots; slot++) {
      const bytes = Uint8Array.from({ length: width }, (_, b) => matrix[(slot * width + b) * 64 + column]!)
      if (hasTag(keys, bytes)) matrix[(slot * width + 20) * 64 + column]! ^= 1
    }
    return matrix
  }
  /** An id that stands in a column, not in the stash. */
  const id = Array.from({ length: 100 }, (_, i) => idOf(i)).find((each) => {
    const matrix = spoiled(each)
    return Buffer.compare(matrix, wholeOf(world)) !== 0
  })!

  it('is noticed here, and shows in no frame of the asker', () => {
    const matrix = spoiled(id)
    const [good, bad] = [run({ ids: [id] }), run({ ids: [id], matrix })]
    expect(answerAt(good.answers, 0).status).toBe('found')
    expect(answerAt(bad.answers, 0).status).toBe('spoiled')
    expect(bad.errors).toEqual({})
    const own = ({ bodies }: typeof good) => [...bodies].filter(([key]) => key.startsWith('asker'))
    expect(own(bad)).toEqual(own(good))
    expect(bad.effects.asker).toBe(good.effects.asker)
    // Control: what the holder sent is not the same.
    const theirs = ({ bodies }: typeof good) => [...bodies].filter(([key]) => key.startsWith('holder'))
    expect(theirs(bad)).not.toEqual(theirs(good))
  })

  it('looks to the holder like an id that is absent', () => {
    const [absent, bad] = [run({ ids: ['absent'] }), run({ ids: [id], matrix: spoiled(id) })]
    expect(bad.trace).toEqual(absent.trace)
    expect(bad.errors).toEqual(absent.errors)
  })
})

describe('sealed rows', () => {
  const epochs: Epochs = { first: 1, bytes: rngOf('epochs').bytes(8 * 5) }
  const at = (version: number) => sealOf(epochs, version)!
  const keys = keysOf('somebody')
  const [one, two] = ['attack at dawn', 'attack at dusk'].map((text) => new TextEncoder().encode(text))
  const bodyOf = (slot: Uint8Array): Uint8Array => slot.subarray(10)
  const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ b[i]!)

  it('open under their own key only, unchanged only', () => {
    const slot = sealRow(keys, at(3), one!, 24)
    expect(openRow(keys, slot, epochs)).toEqual(one)
    expect(openRow(keysOf('somebody else'), slot, epochs)).toBeUndefined()
    for (let i = 0; i < slot.length; i++) {
      const changed = slot.slice()
      changed[i]! ^= 128
      expect(openRow(keys, changed, epochs), `byte ${i}`).toBeUndefined()
    }
    expect(() => sealRow(keys, at(3), new Uint8Array(25), 24)).toThrow(
      expect.objectContaining({ code: 'input/oversize' }),
    )
  })

  it('share no key stream between versions, though they would within one', () => {
    const plain = xor(bodyOf(sealRow(keys, at(1), one!, 24)), bodyOf(sealRow(keys, at(1), two!, 24))).subarray(2, 16)
    // The control: under one version the difference of the ciphertexts is that of the texts.
    expect(plain).toEqual(xor(one!, two!))
    const apart = xor(bodyOf(sealRow(keys, at(1), one!, 24)), bodyOf(sealRow(keys, at(2), one!, 24)))
    expect(apart.filter((byte) => byte === 0).length).toBeLessThan(6)
  })

  it('share none where a folder is put back and its version comes twice', () => {
    const changed = (label: string, value: string) => {
      // The same table each time, as it was put back; the coins of the update come from the system.
      const own = worldOf({ columns: 64, slots: 2, valueBytes: 24 }, 60, 'restored')
      const rows = { ids: itemsOf([idOf(5)]), values: itemsOf([value]), removed: itemsOf([]) }
      const { to, columns, slots } = runLocally(
        update(computing, own.table, keyPair.secretKey, rows, rngOf(label)),
        engine,
      )
      const { matrix, shape: own2, salt } = own.table
      const slot = readSlot(matrix, own2, columns[0]!, slots[0]!)
      return { to, slot, salt, epochs: own.table.epochs }
    }
    const [first, second, again] = [
      changed('monday', 'attack at dawn'),
      changed('tuesday', 'attack at dusk'),
      changed('monday', 'attack at dusk'),
    ]
    expect([first.to, second.to, again.to]).toEqual([2, 2, 2])
    expect(first.slot.subarray(0, 10)).toEqual(second.slot.subarray(0, 10))
    const apart = xor(bodyOf(first.slot), bodyOf(second.slot))
    expect(apart.filter((byte) => byte === 0).length).toBeLessThan(6)
    // The control: with one epoch twice, the difference of the ciphertexts is that of the texts.
    const together = xor(bodyOf(first.slot), bodyOf(again.slot)).subarray(2, 16)
    expect(together).toEqual(xor(one!, two!))
    // Each opens under the epochs of its own history only.
    const own = rowKeys(runLocally(evaluate(computing, itemsOf([idOf(5)]), keyPair.secretKey), engine), first.salt)
    expect(openRow(own, first.slot, first.epochs)).toEqual(one)
    expect(openRow(own, first.slot, second.epochs)).toBeUndefined()
  })

  it('come with epochs that are read again, and refuse what is none', () => {
    const slots = [sealRow(keys, at(1), one!, 24), sealRow(keys, at(2), two!, 24)]
    const list = sealedList(epochs, slots)
    expect(splitEpochs(list, 44).epochs).toEqual(epochs)
    expect(splitEpochs(list, 44).rows.length).toBe(88)
    for (const wrong of [list.subarray(1), list.subarray(0, 7), list.subarray(0, 20), new Uint8Array()]) {
      expect(() => splitEpochs(wrong, 44)).toThrow(expect.objectContaining({ code: 'input/malformed' }))
    }
    expect([sealOf(epochs, 0), sealOf(epochs, 6)]).toEqual([undefined, undefined])
  })

  it('get a new version with every update of the table', () => {
    const own = worldOf({ columns: 64, slots: 2, valueBytes: 24 }, 60, 'versions')
    const changes = { ids: itemsOf([idOf(5)]), values: itemsOf([valueOf(5)]), removed: itemsOf([]) }
    const before = wholeOf(own)
    const versions = [1, 2].map(() => {
      const delta = runLocally(update(computing, own.table, keyPair.secretKey, changes, rngOf('u')), engine)
      return [delta.from, delta.to, delta.slots.length]
    })
    expect(versions).toEqual([
      [1, 2, 1],
      [2, 3, 1],
    ])
    // The same value again, and yet nearly all bytes of the slot behind its tag are others.
    const changed = wholeOf(own).filter((byte, i) => byte !== before[i]).length
    expect(changed).toBeGreaterThan(30)
    expect(() =>
      runLocally(
        update(computing, own.table, keyPair.secretKey, { ...changes, removed: itemsOf([idOf(5)]) }, rngOf('u')),
        engine,
      ),
    ).toThrow(expect.objectContaining({ code: 'input/duplicate' }))
  })
})

describe('the nonce of a proof', () => {
  const littleEndian = (bytes: Uint8Array): bigint => BigInt(toHex(bytes.slice().reverse()))
  /** r = s + c·k, which the holder alone can compute. */
  const nonceOf = (id: string): bigint => {
    const [, proof] = [...run({ ids: [id], coins: 'same' }).bodies].find(([name]) => name.includes('proof'))!
    const [c, s] = [proof.subarray(0, 32), proof.subarray(32, 64)].map(littleEndian)
    return (s! + c! * littleEndian(keyPair.secretKey)) % order
  }

  it('is not the same for another question, though all coins are; twice, two proofs would give the key', () => {
    expect(nonceOf(idOf(1))).toBe(nonceOf(idOf(1)))
    expect(nonceOf(idOf(1))).not.toBe(nonceOf(idOf(2)))
  })
})

describe('slots', () => {
  const versionAt = (matrix: Uint8Array, column: number, slot: number): number =>
    [1, 0].reduce(
      (version, b) => version * 256 + matrix[(slot * slotBytesOf(shape) + 8 + b) * shape.columns + column]!,
      0,
    )
  const versions = (matrix: Uint8Array) =>
    new Set(
      Array.from({ length: shape.slots * shape.columns }, (_, i) =>
        versionAt(matrix, i % shape.columns, Math.floor(i / shape.columns)),
      ),
    )

  it('bear the version of the build, with a row or without', () => {
    const empty = world.table.occupied.filter((taken) => taken === 0).length
    expect(empty).toBeGreaterThan(50)
    expect(versions(wholeOf(world))).toEqual(new Set([1]))
    expect(versions(wholeOf({ table: emptyTable(shape, rngOf('later'), undefined, 300) }))).toEqual(new Set([300]))
  })

  it('change their version alike, whether a row comes or goes', () => {
    const own = worldOf(shape, 100, 'privacy')
    const before = own.table.occupied.slice()
    const changes = {
      ids: itemsOf([idOf(200), idOf(201), idOf(7)]),
      values: itemsOf([valueOf(200), valueOf(201), valueOf(7)]),
      removed: itemsOf([idOf(1), idOf(2)]),
    }
    const delta = runLocally(update(computing, own.table, keyPair.secretKey, changes, rngOf('u')), engine)
    const width = slotBytesOf(shape)
    const kinds = new Set<string>()
    delta.slots.forEach((slot, i) => {
      const at = slot * shape.columns + delta.columns[i]!
      kinds.add(`${before[at]} to ${own.table.occupied[at]}`)
      expect([...delta.differences.subarray(i * width + 8, i * width + 10)]).toEqual([1, 0])
    })
    expect(kinds).toEqual(new Set(['0 to 1', '1 to 0', '1 to 1']))
    expect(versions(wholeOf(own))).toEqual(new Set([1, 2]))
  })
})

describe('prepared units', () => {
  const prepared = unitsOf(world, 5, 'audit')
  const bytes = unitBytesOf(shape)

  it('are recognised by the root that the terms name', () => {
    expect(areUnits(prepared.root, bytes, concatBytes(...prepared.units))).toBe(true)
    expect(areUnits(prepared.root, bytes, concatBytes(...prepared.units.slice(1, 3)))).toBe(true)
    expect(areUnits(unitsOf(world, 5, 'other').root, bytes, prepared.units[0]!)).toBe(false)
  })

  it('are refused twice, changed or moved', () => {
    const [first, second] = prepared.units
    expect(areUnits(prepared.root, bytes, concatBytes(first!, first!))).toBe(false)
    for (const at of [3, 10, bytes - 1]) {
      const changed = second!.slice()
      changed[at]! ^= 1
      expect(areUnits(prepared.root, bytes, changed), `byte ${at}`).toBe(false)
    }
    expect(areUnits(prepared.root, bytes, first!.subarray(1))).toBe(false)
  })
})
