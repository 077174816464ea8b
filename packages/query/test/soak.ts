/**
 * Mixed queries and updates for as long as asked: `node packages/query/test/soak.ts [--minutes 30] [--rows 100000]
 * [--askers 20]`. Each asker has its own hint and follows by deltas, at its own pace; answers are compared with what the
 * table held when the query was made. Whole protocol runs in one process (no network, no journal). Prints p50 and p99 of a
 * run, memory at each tenth, and exits 1 for anything wrong or for memory that grows.
 */
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { concatBytes, createRng, toHex, type Rng } from '@tallystick/core'
import { resident } from '@tallystick/kernels/engine'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { simulate } from '@tallystick/protocol'
import {
  answerAt,
  bindUnits,
  chooseShape,
  computing,
  decodeDelta,
  deriveKeyPair,
  emptyTable,
  encodeDelta,
  expandMatrix,
  fill,
  linesOf,
  listDigest,
  makeHint,
  makeUnits,
  matrixBytesOf,
  patchHint,
  runLocally,
  simplePirQuery,
  stashOf,
  update,
  wordsOver,
  type PirParameters,
} from '@tallystick/query'
import { itemsOf } from './samples.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rows: { type: 'string', default: '100000' },
    askers: { type: 'string', default: '20' },
  },
})
const rows = Number(values.rows)
const milliseconds = Number(values.minutes) * 60_000
const engine = await nodeEngine()
const fresh = (): Rng => createRng(new Uint8Array(randomBytes(32)))
const pick = (sides: number): number => Math.floor(Math.random() * sides)
const keys = deriveKeyPair(new Uint8Array(randomBytes(32)), new Uint8Array())
const { secretKey } = keys

// The holder.
const shape = chooseShape(rows, 32)
const table = emptyTable(shape, fresh(), [resident(matrixBytesOf(shape))])
const held = new Map<string, string>()
for (let i = 0; i < rows; i++) held.set(`id-${i}`, `value ${i}`)
for (let from = 0; from < rows; from += 8192) {
  const ids = Array.from({ length: Math.min(8192, rows - from) }, (_, i) => `id-${from + i}`)
  const part = { ids: itemsOf(ids), values: itemsOf(ids.map((id) => held.get(id)!)) }
  runLocally(fill(computing, table, secretKey, part), engine)
}
const a = wordsOver(resident(4096 * shape.columns))
const seed = new Uint8Array(randomBytes(32))
runLocally(expandMatrix(computing, seed, shape, new Uint8Array(a.buffer, a.byteOffset, a.byteLength)), engine)
const firstHint = wordsOver(resident(4096 * linesOf(shape)))
runLocally(makeHint(computing, table, a, firstHint), engine)
const deltas = new Map<number, Uint8Array>()

const change = (): void => {
  const written = [...new Set(Array.from({ length: 20 }, () => `id-${pick(Math.floor(rows * 1.1))}`))]
  const removed = [...new Set(Array.from({ length: 5 }, () => `id-${pick(rows)}`))].filter(
    (id) => !written.includes(id),
  )
  const texts = written.map((id) => `${id} as of ${table.version + 1}`)
  const changes = { ids: itemsOf(written), values: itemsOf(texts), removed: itemsOf(removed) }
  const delta = runLocally(update(computing, table, secretKey, changes, fresh()), engine)
  deltas.set(delta.from, encodeDelta(delta))
  written.forEach((id, i) => held.set(id, texts[i]!))
  for (const id of removed) held.delete(id)
}

interface Asker {
  readonly hint: Uint32Array<ArrayBuffer>
  version: number
  stash: Uint8Array
}
const askers = Array.from({ length: Number(values.askers) }, (): Asker => {
  const hint = wordsOver(resident(4096 * linesOf(shape)))
  hint.set(firstHint)
  return { hint, version: table.version, stash: stashOf(table) }
})

/** Follows all deltas since the asker last asked. */
const follow = (asker: Asker): void => {
  while (asker.version < table.version) {
    const delta = decodeDelta(deltas.get(asker.version)!, shape)
    runLocally(patchHint(computing, shape, a, asker.hint, delta), engine)
    asker.version = delta.to
    asker.stash = delta.stash
  }
}

const ask = (asker: Asker): { readonly wrong: number; readonly asked: number } => {
  const ids = Array.from({ length: 1 + pick(4) }, () => `id-${pick(Math.floor(rows * 1.2))}`)
  const units = bindUnits(runLocally(makeUnits(computing, shape, a, asker.hint, fresh(), ids.length), engine)).units
  const parameters: PirParameters = {
    ...shape,
    queries: ids.length,
    publicKey: toHex(keys.publicKey),
    salt: toHex(table.salt),
    table: `0x${'00'.repeat(32)}`,
    // Compared in a replay only.
    matrix: `0x${'00'.repeat(32)}`,
    stashRows: table.stash.length,
    stash: listDigest(asker.stash),
  }
  const { outputs, errors } = simulate(simplePirQuery, {
    parameters,
    inputs: {
      asker: { ids: itemsOf(ids), stash: asker.stash },
      holder: { secretKey, matrix: table.matrix },
    },
    rng: fresh,
    engine,
    reserve: () => concatBytes(...units),
  })
  const answers = outputs.asker
  if (answers === undefined) throw new Error(String(errors.asker ?? errors.holder))
  const wrong = ids.filter((id, i) => {
    const answer = answerAt(answers, i)
    const value = answer.status === 'found' ? new TextDecoder().decode(answer.value) : undefined
    return answer.status === 'spoiled' || value !== held.get(id)
  })
  return { wrong: wrong.length, asked: ids.length }
}

const times: number[] = []
const memory: number[] = []
let [wrong, asked, changes] = [0, 0, 0]
const began = performance.now()
for (let tenth = 1; tenth <= 10; tenth++) {
  while (performance.now() - began < (milliseconds * tenth) / 10) {
    if (pick(10) === 0) {
      change()
      changes++
    }
    const asker = askers[pick(askers.length)]!
    follow(asker)
    const start = performance.now()
    const done = ask(asker)
    times.push(performance.now() - start)
    wrong += done.wrong
    asked += done.asked
    // What every asker has followed is forgotten.
    const oldest = Math.min(...askers.map(({ version }) => version))
    for (const version of deltas.keys()) if (version < oldest) deltas.delete(version)
  }
  const mebibytes = process.memoryUsage().rss / 2 ** 20
  memory.push(mebibytes)
  process.stdout.write(`${tenth * 10} %: ${times.length} runs, ${wrong} wrong, ${mebibytes.toFixed(0)} MiB\n`)
}
times.sort((x, y) => x - y)
const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))]!
// The first fifth warms up; afterwards a quarter more is growth.
const grows = (memory[9] ?? 0) > 1.25 * (memory[1] ?? 0)
process.stdout.write(
  `${JSON.stringify({ runs: times.length, asked, changes, wrong, p50: at(0.5), p99: at(0.99), mebibytes: memory, grows })}\n`,
)
if (wrong > 0 || grows) process.exitCode = 1
