/** Columns of numbers into slots, and slots back into results. */
import { TallyError } from '@tallystick/core'
import type { Ring } from '../parameters.ts'
import type { Plan } from '../plan/index.ts'
import type { Column } from './expression.ts'
import { rangeMultiple, type Output } from './elaborate.ts'

export type Columns = Readonly<Record<string, Float64Array>>

/** @throws TallyError input/malformed, input/invalid-value for what was not declared */
export const checkedColumn = (
  name: string,
  { length, range, decimals = 0 }: Column,
  values: Float64Array | undefined,
  exact = true,
): Float64Array => {
  if (values === undefined || values.length !== length) {
    const found = values === undefined ? 'no column' : `${values.length}`
    throw new TallyError('input/malformed', 'self', `expected ${length} values of ${name}, found ${found}`)
  }
  const [least, greatest] = range
  const at = values.findIndex((value) => !(value >= least && value <= greatest))
  if (at !== -1) {
    throw new TallyError(
      'input/invalid-value',
      'self',
      `expected ${name} between ${least} and ${greatest}; value ${at} is not`,
      {
        remedy: 'declare a wider range, or correct the value',
      },
    )
  }
  const unit = 10 ** decimals
  const fine = values.findIndex(
    (value) =>
      Math.abs(value * unit - Math.round(value * unit)) > 1e-6 * Math.max(1, Math.abs(value * unit) * 2 ** -20),
  )
  if (fine === -1 || !exact) return values
  throw new TallyError(
    'input/invalid-value',
    'self',
    `expected ${name} with ${decimals} decimals; value ${fine} has more`,
    {
      remedy: 'declare more decimals, or round the column',
    },
  )
}

/** What stands in the slots of one ciphertext of a plan; empty slots are zero. */
export const slotsOf = (
  plan: Plan,
  { degree, plainModulus: t }: Ring,
  position: number,
  columns: Columns,
): BigInt64Array => {
  const { name, tile } = plan.inputs[position]!
  const { decimals = 0 } = plan.program.inputs[name]!
  const values = columns[name]!
  const unit = 10 ** decimals
  const out = new BigInt64Array(degree)
  if (values.length === 1) return out.fill(reduced(values[0]! * unit, t))
  const from = tile * degree
  const to = Math.min(values.length, from + degree)
  for (let i = from; i < to; i++) out[i - from] = reduced(values[i]! * unit, t)
  return out
}

/** The same for reals, near 1: over the power of two that their range is below. */
export const realSlotsOf = (plan: Plan, position: number, columns: Columns): Float64Array => {
  const { name, tile } = plan.inputs[position]!
  const values = columns[name]!
  const multiple = rangeMultiple(plan.program.inputs[name]!)
  const out = new Float64Array(plan.slots)
  if (values.length === 1) return out.fill(values[0]! / multiple)
  const part = values.subarray(tile * plan.slots, (tile + 1) * plan.slots)
  out.set(part.map((value) => value / multiple))
  return out
}

/** In (-t/2, t/2]. */
const reduced = (value: number, t: bigint): bigint => {
  const residue = ((BigInt(Math.round(value)) % t) + t) % t
  return residue > t >> 1n ? residue - t : residue
}

const inverse = (value: bigint, t: bigint): bigint => {
  let [result, square] = [1n, ((value % t) + t) % t]
  for (let e = t - 2n; e > 0n; e >>= 1n) {
    if ((e & 1n) === 1n) result = (result * square) % t
    square = (square * square) % t
  }
  return result
}

/** The integer of least magnitude with these residues. */
const joinResidues = (moduli: readonly bigint[]) => {
  const product = moduli.reduce((all, t) => all * t, 1n)
  const weights = moduli.map((t) => (product / t) * inverse(product / t, t))
  return (residues: readonly bigint[]): bigint => {
    const sum = residues.reduce((all, residue, i) => all + residue * weights[i]!, 0n)
    const reduced = ((sum % product) + product) % product
    return reduced > product >> 1n ? reduced - product : reduced
  }
}

const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? (a < 0n ? -a : a) : gcd(b, a % b))

/** A quotient of integers as a double, within one unit in the last place; equal quotients give one double. */
export const quotient = (over: bigint, under: bigint): number => {
  const common = gcd(over, under)
  const [numerator, denominator] = [over / common, under / common]
  if (denominator === 1n) return Number(numerator)
  const bits = (value: bigint): number => (value < 0n ? -value : value).toString(2).length
  const shift = Math.max(0, 64 - bits(numerator) + bits(denominator))
  const scaled = (numerator << BigInt(shift)) / denominator
  return shift > 1000 ? 0 : Number(scaled) / 2 ** shift
}

export const finished = ({ finish }: Pick<Output, 'finish'>, value: number): number =>
  finish === 'logistic' ? 1 / (1 + Math.exp(-value)) : value

/** Of one ring, by tile: integers, or reals of an approximate plan. */
export type OpenedSlots = readonly (BigInt64Array | Float64Array)[]

/** Of an approximate plan, which has one ring. */
const realResults = (plan: Plan, slots: OpenedSlots): Readonly<Record<string, Float64Array>> => {
  const results = plan.outputs.map(({ name, node }): [string, Float64Array] => [name, new Float64Array(node.length)])
  for (const [position, { output, tile }] of plan.tiles.entries()) {
    const { node } = plan.outputs[output]!
    const out = results[output]![1]
    const own = slots[position] as Float64Array
    const value = (raw: number): number => finished(plan.outputs[output]!, raw * node.multiple)
    if (node.spread) {
      out[0] = value(own.reduce((sum, slot) => sum + slot, 0))
      continue
    }
    const from = tile * plan.slots
    for (let i = from; i < Math.min(node.length, from + plan.slots); i++) out[i] = value(own[i - from]!)
  }
  return Object.fromEntries(results)
}

/** `slots[ring][tile]` of a plan's results. */
export const resultsOf = (plan: Plan, opened: readonly OpenedSlots[]): Readonly<Record<string, Float64Array>> => {
  if (plan.scheme === 'ckks') return realResults(plan, opened[0]!)
  const slots = opened as readonly (readonly BigInt64Array[])[]
  const moduli = plan.rings.map(({ plainModulus }) => plainModulus)
  const join = joinResidues(moduli)
  const results = plan.outputs.map(({ name, node }): [string, Float64Array] => [name, new Float64Array(node.length)])
  for (const [position, { output, tile }] of plan.tiles.entries()) {
    const { node } = plan.outputs[output]!
    const out = results[output]![1]
    const own = slots.map((ring) => ring[position]!)
    const value = (residues: readonly bigint[]): number =>
      finished(plan.outputs[output]!, quotient(join(residues), node.unit))
    if (node.spread) {
      out[0] = value(own.map((ring) => ring.reduce((sum, slot) => sum + slot, 0n)))
      continue
    }
    const from = tile * plan.slots
    const to = Math.min(node.length, from + plan.slots)
    for (let i = from; i < to; i++) out[i] = value(own.map((ring) => ring[i - from]!))
  }
  return Object.fromEntries(results)
}
