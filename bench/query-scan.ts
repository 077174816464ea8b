/**
 * What a holder scans a second, beside a plain read of the same memory and a plain loop over typed arrays in the same run:
 * one query and sixteen at once, in one thread and in two, by vectors of 16 bytes and, last, of 32. `npm run bench -- query-scan
 * --sizes 1000000,10000000 --json`. CPU seconds, the best of slices; what two threads gain is by the clock, so on a
 * quiet machine.
 */
import { createRng } from '@tallystick/core'
import { pirScan } from '@tallystick/kernels'
import { readMemory, resident, sharedResident } from '@tallystick/kernels/engine'
import { nodeEngine, widenScans } from '@tallystick/kernels/engine/node'
import { nodePool } from '@tallystick/kernels/pool'
import { runKernel, type Engine } from '@tallystick/protocol'
import { chooseShape, emptyTable, linesOf, matrixBytesOf, type Shape, type Table } from '@tallystick/query'
import type { Bench } from './main.ts'

const rng = createRng(new Uint8Array(32).fill(1))

/** CPU seconds of a run of `work`, the best of several slices of at least 60 ms: others use the machine. */
export const best = (slices: number, work: () => void): number => {
  let least = Infinity
  for (let i = 0; i < slices; i++) {
    const before = process.cpuUsage()
    const began = performance.now()
    let runs = 0
    do {
      work()
      runs++
    } while (performance.now() - began < 60)
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1e6 / runs)
  }
  return least
}

/** A table at rest. */
export const resting = (shape: Shape): Table => {
  // The scan does not depend on what the bytes are: random ones, without sealing millions of rows.
  return emptyTable(shape, rng.fork(`table ${shape.columns}`), [resident(matrixBytesOf(shape))])
}

const plainLoop = (matrix: Uint8Array, columns: number, query: Uint32Array, rows: number): Uint32Array => {
  const out = new Uint32Array(rows)
  for (let r = 0; r < rows; r++) {
    let sum = 0
    for (let j = 0, at = r * columns; j < columns; j++, at++) sum = (sum + Math.imul(matrix[at]!, query[j]!)) | 0
    out[r] = sum
  }
  return out
}

export const scanFigures = (engine: Engine, table: Table) => {
  const { shape } = table
  const [matrix] = table.matrix as [Uint8Array]
  const { columns } = shape
  const words = (count: number): Uint32Array => new Uint32Array(rng.fork(`q${count}`).bytes(4 * columns * count).buffer)
  const one = words(1)
  const batch = 16
  const many = words(batch)
  const bytes = matrix.length
  const scan = best(10, () => void runKernel(engine, pirScan, { matrix, columns, queries: one }))
  const scanMany = best(3, () => void runKernel(engine, pirScan, { matrix, columns, queries: many }))
  const read = best(10, () => void readMemory(matrix))
  const slice = Math.max(1, Math.min(linesOf(shape), Math.ceil(2e7 / columns)))
  const plain = best(3, () => void plainLoop(matrix, columns, one, slice)) * (linesOf(shape) / slice)
  return {
    matrixGigabytes: bytes / 1e9,
    scanMilliseconds: scan * 1e3,
    scanGigabytesPerSecond: bytes / scan / 1e9,
    batch,
    batchGigabyteQueriesPerSecond: (batch * bytes) / scanMany / 1e9,
    memoryReadGigabytesPerSecond: bytes / read / 1e9,
    plainLoopGigabytesPerSecond: bytes / plain / 1e9,
    // The hint is a scan by 1024 columns of the public matrix.
    hintCoreSecondsPerGigabyte: (scanMany / batch / bytes) * 1e9 * 1024,
    hintCoreSeconds: (scanMany / batch) * 1024,
  }
}

/** Milliseconds by the clock of the best of 20 calls. */
const quickest = async (work: () => Promise<unknown>): Promise<number> => {
  let least = Infinity
  for (let i = 0; i < 20; i++) {
    const began = performance.now()
    await work()
    least = Math.min(least, performance.now() - began)
  }
  return least
}

/** One query over a matrix in shared memory, by one worker thread and by two: by the clock, so on a quiet machine. */
export const threadFigures = async (table: Table) => {
  const { columns } = table.shape
  const [matrix] = table.matrix as [Uint8Array]
  const shared = sharedResident(matrix.length)
  shared.set(matrix)
  const queries = new Uint32Array(rng.fork('q1').bytes(4 * columns).buffer)
  const by = async (workers: number): Promise<number> => {
    await using pool = nodePool({ workers, inlineBelow: 0 })
    return await quickest(() => pool.run(pirScan, { matrix: shared, columns, queries }))
  }
  const [one, two] = [await by(1), await by(2)]
  return {
    oneThreadMilliseconds: one,
    twoThreadsMilliseconds: two,
    timesFaster: one / two,
    twoThreadsGigabytesPerSecond: matrix.length / two / 1e6,
  }
}

/** After this, tables that are made scan so. */
export const wideFigures = async (engine: Engine, made: () => Table) => {
  if (!widenScans()) return { on: false }
  const table = made()
  const { columns } = table.shape
  const [matrix] = table.matrix as [Uint8Array]
  const queries = new Uint32Array(rng.fork('q1').bytes(4 * columns).buffer)
  const scan = best(10, () => void runKernel(engine, pirScan, { matrix, columns, queries }))
  return {
    on: true,
    scanMilliseconds: scan * 1e3,
    scanGigabytesPerSecond: matrix.length / scan / 1e9,
    ...(await threadFigures(table)),
  }
}

export const bench: Bench = {
  about:
    'scans of oblivious queries alone: one thread, two, plain read, plain loop, wide; --sizes rows (64-byte values)',
  async run({ sizes = [1_000_000], report }) {
    const engine = await nodeEngine()
    const shapes = sizes.map((rows) => ({ rows, shape: chooseShape(rows, 64) }))
    for (const { rows, shape } of shapes) {
      const table = resting(shape)
      report({ what: 'scan', rows, ...shape, lines: linesOf(shape), ...scanFigures(engine, table) })
      report({ what: 'scan by threads', rows, ...(await threadFigures(table)) })
    }
    // Last, as the mode stays on.
    for (const { rows, shape } of shapes) {
      report({ what: 'scan by vectors of 32 bytes', rows, ...(await wideFigures(engine, () => resting(shape))) })
    }
  },
}
