/** Numbers beside ids, for sums over what two lists have in common: one column, whose range is declared and not found. */
import { TallyError } from '@tallystick/core'
import { limbBits, maxDecimals, maxLimbs, type SumValues } from '@tallystick/psi/sums'
import type { Rows } from '@tallystick/attestation'
import type { Dataset } from './dataset.ts'
import { columnIndex, findings, note, problemError } from './findings.ts'
import { readRecords } from './records.ts'
import { numberIn } from './table.ts'
import { plural } from './text.ts'

/** Bytes of a value before the id that it belongs to, in a committed row. */
const valueBytes = 8

const usage = (message: string, remedy: string): TallyError => new TallyError('api/usage', 'self', message, { remedy })

/** From the command line. The limbs follow from the range that is declared, never from the numbers themselves. */
export const valuesOf = (column: string, maximum: string | undefined, decimalsText = '0'): SumValues => {
  const decimals = Number(decimalsText)
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > maxDecimals) {
    throw usage(`expected a number of digits from 0 to ${maxDecimals} as --decimals, found "${decimalsText}"`, 'as 2')
  }
  const most = Number(maximum) * 10 ** decimals
  if (maximum === undefined || !Number.isInteger(most) || most < 1 || most >= 2 ** (limbBits * maxLimbs)) {
    throw usage(
      `expected --maximum, the largest number that ${column} can have with ${decimals} decimals, below ` +
        `${2 ** (limbBits * maxLimbs) / 10 ** decimals}; found ${maximum === undefined ? 'none' : `"${maximum}"`}`,
      'declare a range that all values of this kind keep to: it is told to the partner, the numbers are not',
    )
  }
  const bits = Math.ceil(Math.log2(most + 1))
  return { column, decimals, bits, limbs: Math.ceil(bits / limbBits) }
}

/** The largest value that so many bits, or limbs, hold. */
const largestOf = ({ limbs, decimals, bits = limbBits * limbs }: SumValues): number => (2 ** bits - 1) / 10 ** decimals

/**
 * Rows that enter a sum: 8 bytes, the value in big endian, then the id. Of records that repeat an id the first counts.
 * @throws TallyError input/* with the lines where a value is none
 */
export const valuedRows = async (dataset: Dataset, values: SumValues): Promise<Rows> => {
  const { path, records, items } = dataset
  const { decimals } = values
  const read = numberIn({ name: values.column, type: 'numeric', minimum: 0, maximum: largestOf(values), decimals })
  const count = records.length
  const offsets = Uint32Array.from(items.offsets, (offset, row) => offset + valueBytes * row)
  const bytes = new Uint8Array(items.bytes.length + valueBytes * count)
  const view = new DataView(bytes.buffer)
  const unfit = findings()
  let [record, next, at] = [-1, 0, -1]
  const { digest } = await readRecords(path, dataset.layout.encoding, (fields, line) => {
    if (record === -1) at = columnIndex(path, fields, values.column)
    else if (record === records[next]) {
      const value = read(fields[at]!.trim())
      if (typeof value === 'number') view.setBigUint64(offsets[next]!, BigInt(value))
      else note(unfit, () => `line ${line}, column ${at + 1}: ${value.problem}`)
      bytes.set(items.bytes.subarray(items.offsets[next], items.offsets[next + 1]), offsets[next]! + valueBytes)
      next += 1
    }
    record += 1
  })
  if (unfit.total > 0) {
    const what = `${plural(unfit.total, 'value', 'values')} of "${values.column}" are not as declared`
    throw problemError(path, [
      { code: 'input/invalid-value', found: unfit, what, remedy: 'correct them, or declare another range' },
    ])
  }
  if (digest !== dataset.digest) {
    throw new TallyError('input/changed', 'self', `${path}: the list changed while it was read`, {
      remedy: 'run the same command again',
    })
  }
  return { bytes, offsets }
}
