/**
 * Oblivious query: what the holder scans a second, beside a plain read of the same memory and a plain loop over typed
 * arrays in the same run; what the asker computes ahead of and during a query; sealing, hint and updates. One thread.
 */
import { createRng, utf8ToBytes } from '@tallystick/core'
import { oprfEvaluate } from '@tallystick/kernels'
import { resident } from '@tallystick/kernels/engine'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { runKernel, type Engine } from '@tallystick/protocol'
import {
  bindUnits,
  blind,
  chooseShape,
  columnOf,
  computing,
  contextString,
  decodeColumn,
  deriveKeyPair,
  emptyTable,
  expandMatrix,
  fill,
  finalize,
  linesOf,
  makeUnits,
  openRow,
  patchHint,
  queryFor,
  roundAnswers,
  rowKeys,
  runLocally,
  sealOf,
  sealRow,
  slotBytesOf,
  slotOverhead,
  stashOf,
  unitAt,
  unitBytesOf,
  update,
  wordsOver,
  type Items,
  type Table,
} from '@tallystick/query'
import type { Bench } from './main.ts'
import { measureJob } from './query-job.ts'
import { best, resting, scanFigures, threadFigures, wideFigures } from './query-scan.ts'
import { buildFigures, severalFigures } from './query-several.ts'

const rng = createRng(new Uint8Array(32).fill(1))

const itemsOf = (texts: readonly string[]): Items => {
  const parts = texts.map((text) => utf8ToBytes(text))
  const offsets = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  return { bytes: Uint8Array.from(parts.flatMap((part) => [...part])), offsets }
}

/** An asker over a table with one row in it, which it asks for; the hint of that row's lines only is made. */
const askerFigures = (engine: Engine, table: Table, secretKey: Uint8Array) => {
  const { shape } = table
  const ids = itemsOf(['the one'])
  runLocally(fill(computing, table, secretKey, { ids, values: itemsOf(['its value']) }), engine)
  const a = wordsOver(resident(4096 * shape.columns))
  const aBytes = new Uint8Array(a.buffer, a.byteOffset, a.byteLength)
  const expand = best(1, () => runLocally(expandMatrix(computing, rng.fork('seed').bytes(32), shape, aBytes), engine))
  const hint = wordsOver(resident(4096 * linesOf(shape)))
  const coins = rng.fork('units')
  let n = 0
  const ahead = best(8, () => runLocally(makeUnits(computing, shape, a, hint, coins.fork(`${n++}`), 1), engine))
  const aheadMany =
    best(2, () => runLocally(makeUnits(computing, shape, a, hint, coins.fork(`${n++}`), 16), engine)) / 16
  const { units } = bindUnits(runLocally(makeUnits(computing, shape, a, hint, coins.fork('one'), 1), engine))
  const unit = unitAt(units[0]!, shape, 0)
  const dst = new Uint8Array([...utf8ToBytes('HashToGroup-'), ...contextString('voprf')])
  const output = runKernel(engine, oprfEvaluate, { dst, ...ids, scalars: secretKey })
  const keys = rowKeys(output, table.salt)
  const answer = new Uint8Array(2 * linesOf(shape))
  const width = slotBytesOf(shape)
  const sealed = sealRow(keys, sealOf(table.epochs, table.version)!, utf8ToBytes('its value'), shape.valueBytes)
  const online = best(6, () => {
    const query = queryFor(unit, columnOf(shape, keys))
    const column = decodeColumn(unit, query, answer)
    for (let slot = 0; slot < shape.slots; slot++) {
      if (column[slot * width] === keys.tag[0] && column[slot * width + 1] === keys.tag[1])
        openRow(keys, sealed, table.epochs)
    }
    openRow(keys, sealed, table.epochs)
  })
  const blinds = new Uint8Array(32).fill(1)
  const blinded = runLocally(blind(computing, ids, blinds), engine)
  const oprf = best(6, () => {
    runLocally(blind(computing, ids, blinds), engine)
    runLocally(finalize(computing, ids, blinds, blinded), engine)
  })
  return {
    expandMatrixSeconds: expand,
    askerAheadMilliseconds: ahead * 1e3,
    askerAheadBatchMilliseconds: aheadMany * 1e3,
    askerOnlineMilliseconds: online * 1e3,
    askerOprfMilliseconds: oprf * 1e3,
    holderRoundMicroseconds: best(4, () => void roundAnswers(new Uint32Array(linesOf(shape)))) * 1e6,
    a,
    hint,
  }
}

const updateFigures = (
  engine: Engine,
  table: Table,
  secretKey: Uint8Array,
  { a, hint }: { readonly a: Uint32Array; readonly hint: Uint32Array },
) => {
  const count = 10_000
  const texts = Array.from({ length: count }, (_, i) => `row ${i}`)
  // As if rows had come and gone: the next free slot of a column is any, or changes would fall into few lines.
  const heights = rng.fork('heights').bytes(table.shape.columns)
  for (let column = 0; column < table.shape.columns; column++) {
    const height = (heights[column]! * table.shape.slots) >> 8
    for (let slot = 0; slot < height; slot++) table.occupied[slot * table.shape.columns + column] = 1
  }
  const rows = { ids: itemsOf(texts), values: itemsOf(texts), removed: itemsOf([]) }
  const before = process.cpuUsage()
  const delta = runLocally(update(computing, table, secretKey, rows, rng.fork('update')), engine)
  const { user, system } = process.cpuUsage(before)
  const changed = delta.slots.length
  const patch = best(2, () => runLocally(patchHint(computing, table.shape, a, hint, delta), engine))
  return {
    updates: changed,
    holderMicrosecondsPerUpdate: (user + system) / count,
    askerMicrosecondsPerUpdate: (patch / changed) * 1e6,
    deltaBytesPerUpdate: 8 + 2 * slotBytesOf(table.shape),
  }
}

const sealingFigures = (engine: Engine, valueBytes: number, secretKey: Uint8Array) => {
  const rows = 8192
  const table = emptyTable({ ...chooseShape(rows, valueBytes) }, rng.fork('sealing'))
  const texts = Array.from({ length: rows }, (_, i) => `id-${i}`)
  const input = { ids: itemsOf(texts), values: itemsOf(texts) }
  const seconds = best(2, () => {
    table.occupied.fill(0)
    table.stash = []
    runLocally(fill(computing, table, secretKey, input), engine)
  })
  return { sealedRowsPerCoreSecond: rows / seconds, stash: stashOf(table).length / (slotOverhead + valueBytes) }
}

export const bench: Bench = {
  about: 'oblivious query: scan, hint, client, updates and sealing; --sizes rows (64-byte values)',
  async run({ sizes = [1_000_000], report }) {
    const engine = await nodeEngine()
    const { secretKey } = deriveKeyPair(new Uint8Array(32).fill(2), new Uint8Array())
    const valueBytes = 64
    report({ what: 'sealing', rowBytes: valueBytes, ...sealingFigures(engine, valueBytes, secretKey) })
    report({ what: 'members', ...buildFigures(engine) })
    for (const figures of severalFigures(engine, [1, 100, 1000])) report({ what: 'several', ...figures })
    for (const rows of sizes) {
      const shape = chooseShape(rows, valueBytes)
      const table = resting(shape)
      const size = { rows, ...shape, lines: linesOf(shape) }
      report({ what: 'scan', ...size, ...scanFigures(engine, table) })
      report({ what: 'scan by threads', ...size, ...(await threadFigures(table)) })
      const { a, hint, ...asker } = askerFigures(engine, table, secretKey)
      report({
        what: 'asker',
        ...size,
        upBytes: 4 * shape.columns,
        downBytes: 2 * linesOf(shape),
        hintBytes: 4096 * linesOf(shape),
        unitBytes: unitBytesOf(shape),
        ...asker,
      })
      report({ what: 'updates', ...size, ...updateFigures(engine, table, secretKey, { a, hint }) })
      for (const queries of [1, 100]) report({ what: 'job', ...size, ...(await measureJob(shape, queries)) })
    }
    // Last, as the mode stays on.
    for (const rows of sizes) {
      report({
        what: 'scan by vectors of 32 bytes',
        rows,
        ...(await wideFigures(engine, () => resting(chooseShape(rows, valueBytes)))),
      })
    }
  },
}
