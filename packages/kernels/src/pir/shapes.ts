/** Shape checks shared by references and engines. A wrong shape is a mistake of the calling code, so it throws. */
import { TallyError } from '@tallystick/core'
import type { ExpandInput, GaussInput, MultiplyInput, PatchInput, ScanInput } from './kernels.ts'

const misuse = (message: string): TallyError => new TallyError('api/misuse', 'self', message)

const checkWidth = (name: string, width: number, step: number, most: number): void => {
  if (Number.isInteger(width) && width >= step && width <= most && width % step === 0) return
  throw misuse(`${name}: expected a multiple of ${step} up to ${most}, found ${width}`)
}

const checkRows = (name: string, length: number, width: number): void => {
  if (length % width !== 0) throw misuse(`${name}: expected rows of ${width}, found ${length} in all`)
}

/** @throws TallyError api/misuse unless matrix and queries are whole rows. */
export const checkScan = (input: ScanInput): ScanInput => {
  checkWidth('pir/scan columns', input.columns, 16, 2 ** 18)
  checkRows('pir/scan matrix', input.matrix.length, input.columns)
  checkRows('pir/scan queries', input.queries.length, input.columns)
  return input
}

/** @throws TallyError api/misuse unless matrix and vectors are whole rows. */
export const checkMultiply = (input: MultiplyInput): MultiplyInput => {
  checkWidth('pir/multiply inner', input.inner, 8, 2 ** 16)
  checkRows('pir/multiply matrix', input.matrix.length, input.inner)
  checkRows('pir/multiply vectors', input.vectors.length, input.inner)
  return input
}

/** @throws TallyError api/misuse unless the shapes fit and the differences are those of bytes. */
export const checkPatch = (input: PatchInput): PatchInput => {
  const { words, inner, differences, matrix, columns } = input
  checkWidth('pir/patch inner', inner, 4, 2 ** 16)
  checkRows('pir/patch words', words.length, inner)
  checkRows('pir/patch matrix', matrix.length, inner)
  const expected = (words.length / inner) * columns.length
  if (differences.length !== expected) {
    throw misuse(`pir/patch: expected ${expected} differences, found ${differences.length}`)
  }
  const rows = matrix.length / inner
  for (const column of columns)
    if (column >= rows) throw misuse(`pir/patch: ${column} is no row of a matrix of ${rows}`)
  for (const difference of differences) {
    if (difference < -255 || difference > 255) throw misuse(`pir/patch: ${difference} is no difference of two bytes`)
  }
  return input
}

/** @throws TallyError api/misuse unless there are 16 bytes a sample. */
export const checkGauss = (input: GaussInput): GaussInput => {
  checkRows('pir/gauss coins', input.coins.length, 16)
  return input
}

/** @throws TallyError api/misuse unless the seed has 32 bytes and the blocks are numbered within 32 bits. */
export const checkExpand = (input: ExpandInput): ExpandInput => {
  const { seed, from, blocks } = input
  if (seed.length !== 32) throw misuse(`pir/expand: expected a seed of 32 bytes, found ${seed.length}`)
  if (!Number.isInteger(from) || !Number.isInteger(blocks) || from < 0 || blocks < 0 || from + blocks > 2 ** 16) {
    throw misuse(`pir/expand: expected blocks up to ${2 ** 16}, found ${blocks} from ${from}`)
  }
  return input
}
