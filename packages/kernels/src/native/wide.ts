/** Scans by vectors of 32 bytes: V8 makes them from pairs of vectors of 16, behind an experimental flag. */
import { setFlagsFromString } from 'node:v8'
import { pirEngine } from '../pir/engine.ts'
import { scan } from '../pir/kernels.ts'
import { freshInstance, resident, useWide } from '../pir/module.ts'

const flag = 'experimental-wasm-revectorize'

/**
 * Turns the wide mode on for the whole process, worker threads that start later included: call it before tables are
 * loaded. It scans for one query about a third faster where the processor has AVX2, and changes nothing of any result: a
 * scan is compared with the reference first, often enough that V8 compiles it with the flag.
 * @returns whether it is on
 */
export const widenScans = (): boolean => {
  setFlagsFromString(`--${flag}`)
  freshInstance(0)
  useWide(true)
  const columns = 256
  const matrix = resident(64 * columns)
  for (let i = 0; i < matrix.length; i++) matrix[i] = Math.imul(i + 1, 2_654_435_761) >>> 24
  const queries = Uint32Array.from({ length: columns }, (_, i) => Math.imul(i + 1, 2_246_822_519))
  const expected = scan.run({ matrix, columns, queries })
  // V8 compiles a function anew, and widens it, once it has run for a while.
  const isRight = (): boolean =>
    pirEngine['pir/scan']({ matrix, columns, queries }).every((word, i) => word === expected[i])
  let right = true
  for (let i = 0; i < 2000; i++) right &&= isRight()
  if (!right) {
    setFlagsFromString(`--no-${flag}`)
    freshInstance(0)
  }
  useWide(right)
  return right
}
