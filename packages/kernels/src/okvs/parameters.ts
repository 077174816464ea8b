/**
 * Sizes of the store, from the number of rows and the statistical security. Raghuraman and Rindal (CCS 2022,
 * ia.cr/2022/320, section 4; the same figures stand in their library volepsi) fitted for weight 3, by experiment:
 *
 *     log2 of the slope   0.555 log2 n + 0.093 w^3 - 1.01 w^2 + 2.925 w - 0.133    with w = log2 3
 *     bits of security    slope (e - 1.223) - 9.2                                  for expansion e
 *     gap                 more than g rows outside of the triangle with probability (e n)^-(g + 1)
 *
 * and take g + σ dense binary columns (Garimella et al., CRYPTO 2021, ia.cr/2021/883): a random binary system of g rows
 * and g + σ columns has no solution with probability below 2^-σ. We take 48, so at most 2^-(48 - g).
 *
 * Rows are dealt into clusters (bins) of some 2^15, so that the tables of a bin stay in the cache of a core and its slots
 * fit 16 bits. A bin has room for mean + t rows with t by Bernstein's inequality: among b bins, any is fuller with
 * probability at most b exp(-t^2 / (2 (mean + t / 3))) = 2^-σ. The expansion is taken for a full bin at σ + log2 b bits.
 *
 * All arithmetic is by operations that IEEE 754 rounds in one way only, since both parties must find the same sizes:
 * logarithm and power are bounded, by polynomials, to the side that makes the store larger.
 */
import { TallyError } from '@tallystick/core'

export interface OkvsShape {
  readonly bins: number
  /** Rows that a bin has room for. */
  readonly load: number
  /** Slots of a bin of which each row has three; 3 to 65536. */
  readonly sparse: number
  /** Elements of a bin of which each row has a random half; 0 to 48. */
  readonly dense: number
}

export const denseColumns = 48
const binRows = 2 ** 15
export const maxOkvsRows = 2 ** 26
/** Small stores are as large as one of so many rows: below it the fitted formula was not measured. */
const leastRows = 128

/** At most log2 x, within 0.09: linear between powers of two. */
const logBelow = (x: number): number => {
  let power = 0
  for (; x >= 2; x /= 2) power++
  return power + (x - 1)
}

/** At least log2 x, for the union over bins: a whole number. */
const logAbove = (x: number): number => {
  let power = 0
  for (let reach = 1; reach < x; reach *= 2) power++
  return power
}

/** At most 2^x, within 1 %: the Taylor polynomial. */
const powerBelow = (x: number): number => {
  const whole = Math.floor(x)
  const f = x - whole
  return 2 ** whole * (1 + f * (0.6931471 + f * (0.2402265 + f * 0.0555041)))
}

/** 0.093 w^3 - 1.01 w^2 + 2.925 w - 0.133 for w = log2 3, rounded down. */
const weightThree = 2.336
const ln2 = 0.6931472

/** Slots for each row of a bin of `rows` rows, for `bits` bits of security. */
export const expansion = (rows: number, bits: number): number =>
  1.223 + (bits + 9.2) / powerBelow(0.555 * logBelow(Math.max(rows, leastRows)) + weightThree)

/**
 * Shape of a store of up to `rows` rows; with smaller bins and fewer bits for experiments.
 * @throws TallyError api/misuse for more than 2^26 rows.
 */
export const okvsShape = (rows: number, statistical = 40, rowsPerBin = binRows): OkvsShape => {
  if (!Number.isInteger(rows) || rows < 0 || rows > maxOkvsRows) {
    throw new TallyError('api/misuse', 'self', `expected a store of at most ${maxOkvsRows} rows, found ${rows}`)
  }
  const bins = Math.max(1, Math.ceil(rows / rowsPerBin))
  const bits = statistical + logAbove(bins)
  const mean = rows / bins
  const third = (bits * ln2) / 3
  const load = bins === 1 ? rows : Math.ceil(mean + third + Math.sqrt(third * third + 2 * mean * bits * ln2))
  const sparse = Math.ceil(expansion(load, bits) * Math.max(load, leastRows))
  return { bins, load, sparse, dense: denseColumns }
}

/** Elements of the whole vector. */
export const okvsSize = ({ bins, sparse, dense }: OkvsShape): number => bins * (sparse + dense)
