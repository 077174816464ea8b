/**
 * Questions to ten holders of which the asker learns one bit or a number: all eleven parties in one thread. What a run
 * costs does not depend on the number of rows, as the asker reads three cells a table for an id; so the tables asked here
 * have 1000 rows each. The cost of making a table is a row's times their number.
 */
import { createRng, toHex, utf8ToBytes } from '@tallystick/core'
import { simulate, type Engine } from '@tallystick/protocol'
import {
  buildMembers,
  cellBytes,
  cellsFor,
  computing,
  holderRoles,
  makeTree,
  membersKey,
  pickCells,
  quorumQueries,
  runLocally,
  type Items,
  type QuorumAnswers,
  type QuorumMode,
} from '@tallystick/query'

const rng = createRng(new Uint8Array(32).fill(8))
const rows = 1000
const holders = 10

const itemsOf = (texts: readonly string[]): Items => {
  const parts = texts.map((text) => utf8ToBytes(text))
  const offsets = new Uint32Array(parts.length + 1)
  parts.forEach((part, i) => (offsets[i + 1] = offsets[i]! + part.length))
  return { bytes: Uint8Array.from(parts.flatMap((part) => [...part])), offsets }
}

const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Holder j has the ids from 100 j on. */
const tableOf = (engine: Engine, j: number) => {
  const own = rng.fork(`holder ${j}`)
  const salt = own.bytes(12)
  const keyPair = membersKey(own.bytes(32), salt)
  const ids = itemsOf(Array.from({ length: rows }, (_, i) => `id-${100 * j + i}`))
  const cells = runLocally(buildMembers(computing, keyPair, salt, ids, own), engine)!
  const table = { publicKey: toHex(keyPair.publicKey), salt: toHex(salt), rows, cells: makeTree(rows, cells).root }
  return { keyPair, salt, cells, rows, table }
}

/** Making a table: rows a core-second. */
export const buildFigures = (engine: Engine) => {
  const many = 16_384
  const salt = rng.fork('build').bytes(12)
  const ids = itemsOf(Array.from({ length: many }, (_, i) => `row-${i}`))
  const before = cpuSeconds()
  runLocally(buildMembers(computing, membersKey(new Uint8Array(32).fill(1), salt), salt, ids, rng.fork('fill')), engine)
  return {
    rowsPerCoreSecond: many / (cpuSeconds() - before),
    downloadBytesPerRow: (cellBytes * cellsFor(1_000_000)) / 1_000_000,
  }
}

/** One job per number of ids. @throws Error for a wrong answer */
export const severalFigures = (engine: Engine, sizes: readonly number[], mode: QuorumMode = 'any') => {
  const tables = Array.from({ length: holders }, (_, j) => tableOf(engine, j))
  const roles = holderRoles(holders)
  const protocol = quorumQueries.get(holders)!
  return sizes.map((queries) => {
    const texts = Array.from({ length: queries }, (_, i) => `id-${i * 3}`)
    const ids = itemsOf(texts)
    const cells = Object.fromEntries(
      roles.map((role, j) => [role, runLocally(pickCells(computing, tables[j]!, ids), engine)]),
    )
    const parameters = protocol.parameters({
      ...{ queries, mode },
      holders: Object.fromEntries(roles.map((role, j) => [role, tables[j]!.table])),
    })
    const inputs = {
      asker: { ids, cells },
      ...Object.fromEntries(roles.map((role, j) => [role, { secretKey: tables[j]!.keyPair.secretKey }])),
    }
    const before = cpuSeconds()
    const began = performance.now()
    const run = simulate(protocol, { parameters, inputs, rng: (role) => rng.fork(`${role} ${queries}`), engine })
    const seconds = (performance.now() - began) / 1000
    const { values } = run.outputs['asker'] as QuorumAnswers
    const wrong = texts.findIndex((_, i) => values[i] !== (3 * i < rows + 100 * (holders - 1) ? 1 : 0))
    if (wrong >= 0) throw new Error(`the answer to id ${wrong} is wrong`)
    const { rounds, bytes } = run
    return { holders, mode, queries, cpuSecondsOfAllParties: cpuSeconds() - before, seconds, rounds, bytes }
  })
}
