/**
 * Every row of a table by SimplePIR, ids that are absent, and both again after updates: `node packages/query/test/campaign.ts
 * [--rows 1000000] [--absent 100000] [--updates 10000] [--value-bytes 64]`. A query retrieves a whole column, so one
 * query a column retrieves every row; each is looked up under the key of its id, as an asker does. Exits 1 if anything
 * is wrong.
 */
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { createRng, utf8ToBytes, type Rng } from '@tallystick/core'
import { oprfEvaluate } from '@tallystick/kernels'
import { resident, wasmEngine } from '@tallystick/kernels/engine'
import { runKernel, type Engine } from '@tallystick/protocol'
import {
  chooseShape,
  columnOf,
  computing,
  contextString,
  decodeColumn,
  deriveKeyPair,
  emptyTable,
  expandMatrix,
  fill,
  linesOf,
  makeHint,
  makeUnits,
  makeMatrix,
  scanMatrix,
  patchHint,
  queryFor,
  roundAnswers,
  rowKeys,
  runLocally,
  readList,
  slotBytesOf,
  stashOf,
  update,
  wordsOver,
  type Items,
  type RowKeys,
  type Shape,
  type Table,
} from '@tallystick/query'
import { answerFrom } from '../src/simplepir/asker.ts'

export interface Campaign {
  readonly rows: number
  readonly absent: number
  readonly updates: number
  readonly valueBytes: number
  readonly seed: Uint8Array
  /** Bytes of a block of the matrix; 1 GiB where left out. */
  readonly blockBytes?: number
  readonly note: (text: string) => void
}

export interface Tally {
  readonly columns: number
  readonly stash: number
  found: number
  absent: number
  /** Rows not found, or with another value; absent ids found; anything that does not open. */
  wrong: number
  /** Whether the patched hint equals one made anew. */
  hint: boolean
}

const itemsOf = (texts: readonly string[]): Items => {
  const parts = texts.map((text) => utf8ToBytes(text))
  const offsets = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  const bytes = new Uint8Array(offsets[parts.length]!)
  parts.forEach((part, i) => bytes.set(part, offsets[i]))
  return { bytes, offsets }
}

const piece = 8192
const dst = new Uint8Array([...utf8ToBytes('HashToGroup-'), ...contextString('voprf')])

/** What every id should come to: its value, or undefined where it is absent. */
type Expected = ReadonlyMap<string, string | undefined>

const keysOf = (engine: Engine, table: Table, secretKey: Uint8Array, ids: readonly string[]): RowKeys[] => {
  const out: RowKeys[] = []
  for (let from = 0; from < ids.length; from += piece) {
    const input = { dst, ...itemsOf(ids.slice(from, from + piece)), scalars: secretKey }
    const outputs = runKernel(engine, oprfEvaluate, input)
    for (let at = 0; at < outputs.length; at += 64) out.push(rowKeys(outputs.subarray(at, at + 64), table.salt))
  }
  return out
}

/** Queries every column once and looks all ids up in what comes back. */
const check = (
  engine: Engine,
  table: Table,
  a: Uint32Array,
  hint: Uint32Array,
  rng: Rng,
  ids: readonly string[],
  keys: readonly RowKeys[],
  expected: Expected,
): { found: number; absent: number; wrong: number } => {
  const { shape, matrix } = table
  const { columns } = shape
  const byColumn = new Map<number, number[]>()
  keys.forEach((key, i) => {
    const column = columnOf(shape, key)
    const list = byColumn.get(column)
    if (list === undefined) byColumn.set(column, [i])
    else list.push(i)
  })
  const stash = readList(stashOf(table), slotBytesOf(shape))
  const sum = { found: 0, absent: 0, wrong: 0 }
  const batch = 16
  for (let first = 0; first < columns; first += batch) {
    const bodies = runLocally(makeUnits(computing, shape, a, hint, rng.fork(`${first}`), batch), engine)
    const units = bodies.map((body) => ({
      mask: new Uint32Array(body.slice(0, 4 * columns).buffer),
      share: new Uint32Array(body.slice(4 * columns).buffer),
    }))
    const queries = new Uint32Array(batch * columns)
    units.forEach((unit, i) => queries.set(queryFor(unit, first + i), i * columns))
    const answers = roundAnswers(runLocally(scanMatrix(computing, matrix, columns, queries), engine))
    const size = 2 * linesOf(shape)
    units.forEach((unit, i) => {
      const query = queries.subarray(i * columns, (i + 1) * columns)
      const column = decodeColumn(unit, query, answers.subarray(i * size, (i + 1) * size))
      for (const at of byColumn.get(first + i) ?? []) {
        const answer = answerFrom(keys[at]!, shape, column, stash)
        const want = expected.get(ids[at]!)
        const value = answer.status === 'found' ? new TextDecoder().decode(answer.value) : undefined
        if (answer.status === 'spoiled' || value !== want) sum.wrong++
        else if (want === undefined) sum.absent++
        else sum.found++
      }
    })
  }
  return sum
}

const words = (length: number): Uint32Array<ArrayBuffer> => wordsOver(resident(4 * length))

export const campaign = async ({
  rows,
  absent,
  updates,
  valueBytes,
  seed,
  blockBytes,
  note,
}: Campaign): Promise<Tally> => {
  const engine = await wasmEngine()
  const rng = createRng(seed)
  const { secretKey } = deriveKeyPair(rng.fork('key').bytes(32), new Uint8Array())
  const shape: Shape = chooseShape(rows, valueBytes)
  const table = emptyTable(shape, rng.fork('table'), makeMatrix(shape, resident, blockBytes))
  const expected = new Map<string, string | undefined>()
  for (let i = 0; i < rows; i++) expected.set(`id-${i}`, `value ${i}`)
  const ids = [...expected.keys()]
  for (let from = 0; from < rows; from += piece) {
    const part = ids.slice(from, from + piece)
    const values = itemsOf(part.map((id) => expected.get(id)!))
    runLocally(fill(computing, table, secretKey, { ids: itemsOf(part), values }), engine)
  }
  note(`${rows} rows in ${shape.columns} columns of ${shape.slots} slots, ${table.stash.length} in the stash`)
  const a = words(1024 * shape.columns)
  const aBytes = new Uint8Array(a.buffer, a.byteOffset, a.byteLength)
  runLocally(expandMatrix(computing, rng.fork('matrix').bytes(32), shape, aBytes), engine)
  const hint = words(1024 * linesOf(shape))
  runLocally(makeHint(computing, table, a, hint), engine)
  note('hint made')
  for (let i = 0; i < absent; i++) expected.set(`nobody-${i}`, undefined)
  const all = [...expected.keys()]
  const keys = keysOf(engine, table, secretKey, all)
  const first = check(engine, table, a, hint, rng.fork('first'), all, keys, expected)
  note(`before updates: ${first.found} found, ${first.absent} absent, ${first.wrong} wrong`)

  // A third of the changes each: rows written anew, rows removed, rows that were absent.
  const third = Math.floor(updates / 3)
  const written = [...ids.slice(0, third), ...Array.from({ length: third }, (_, i) => `nobody-${i}`)]
  const removed = ids.slice(third, updates - third)
  for (const id of written) expected.set(id, `new ${id}`)
  for (const id of removed) expected.set(id, undefined)
  const changes = {
    ids: itemsOf(written),
    values: itemsOf(written.map((id) => expected.get(id)!)),
    removed: itemsOf(removed),
  }
  const delta = runLocally(update(computing, table, secretKey, changes, rng.fork('update')), engine)
  runLocally(patchHint(computing, shape, a, hint, delta), engine)
  const second = check(engine, table, a, hint, rng.fork('second'), all, keys, expected)
  note(`after ${updates} updates: ${second.found} found, ${second.absent} absent, ${second.wrong} wrong`)
  const anew = words(hint.length)
  runLocally(makeHint(computing, table, a, anew), engine)
  return {
    columns: shape.columns,
    stash: table.stash.length,
    found: first.found + second.found,
    absent: first.absent + second.absent,
    wrong: first.wrong + second.wrong,
    hint:
      Buffer.compare(
        new Uint8Array(hint.buffer, hint.byteOffset, hint.byteLength),
        new Uint8Array(anew.buffer, anew.byteOffset, anew.byteLength),
      ) === 0,
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rows: { type: 'string', default: '1000000' },
      absent: { type: 'string', default: '100000' },
      updates: { type: 'string', default: '10000' },
      'value-bytes': { type: 'string', default: '64' },
    },
  })
  const tally = await campaign({
    rows: Number(values.rows),
    absent: Number(values.absent),
    updates: Number(values.updates),
    valueBytes: Number(values['value-bytes']),
    seed: new Uint8Array(randomBytes(32)),
    note: (text) => process.stdout.write(`${text}\n`),
  })
  process.stdout.write(`${JSON.stringify(tally)}\n`)
  if (tally.wrong > 0 || !tally.hint) process.exitCode = 1
}
