/** References of `okvs/*`: the definitions over BigInt, with the same order of peeling as the engine. */
import type { DecodeInput, EncodeInput, EncodeOutput } from './kernels.ts'
import { okvsSize, type OkvsShape } from './parameters.ts'

interface Row {
  readonly bin: number
  readonly slots: readonly number[]
  /** Bit i: the row has dense column i. */
  readonly dense: bigint
}

const top = (product: bigint): number => Number(product >> 32n)
const word = (product: bigint): bigint => product & 0xffff_ffffn

const rowAt = ({ bins, sparse, dense }: OkvsShape, rows: Uint8Array, row: number): Row => {
  const view = new DataView(rows.buffer, rows.byteOffset + 16 * row, 16)
  const w = (i: number): bigint => BigInt(view.getUint32(4 * i, true))
  const chosen = w(0) * BigInt(bins)
  const second = w(1) * BigInt(sparse - 1)
  const third = w(2) * BigInt(sparse - 2)
  const a = top(word(chosen) * BigInt(sparse))
  let b = top(second)
  if (b >= a) b++
  let c = top(third)
  for (const taken of [Math.min(a, b), Math.max(a, b)]) if (c >= taken) c++
  const bits = w(3) | ((word(second) >> 24n) << 32n) | ((word(third) >> 24n) << 40n)
  return { bin: top(chosen), slots: [a, b, c], dense: bits & ((1n << BigInt(dense)) - 1n) }
}

const load = (table: Uint8Array, i: number): bigint => {
  const view = new DataView(table.buffer, table.byteOffset + 16 * i, 16)
  return view.getBigUint64(0, true) | (view.getBigUint64(8, true) << 64n)
}

const store = (table: Uint8Array, i: number, value: bigint): void => {
  const view = new DataView(table.buffer, table.byteOffset + 16 * i, 16)
  view.setBigUint64(0, BigInt.asUintN(64, value), true)
  view.setBigUint64(8, value >> 64n, true)
}

/** Sum of the elements of a row in its bin's part of the vector. */
const product = (part: readonly bigint[], sparse: number, { slots, dense }: Row): bigint => {
  let sum = slots.reduce((sum, slot) => sum ^ part[slot]!, 0n)
  for (let i = 0; dense >> BigInt(i) > 0n; i++) if ((dense >> BigInt(i)) & 1n) sum ^= part[sparse + i]!
  return sum
}

const partOf = ({ sparse, dense }: OkvsShape, vector: Uint8Array, bin: number): bigint[] =>
  Array.from({ length: sparse + dense }, (_, i) => load(vector, bin * (sparse + dense) + i))

export function decode({ shape, rows, vector }: DecodeInput): Uint8Array {
  const out = new Uint8Array(rows.length)
  const parts = Array.from({ length: shape.bins }, (_, bin) => partOf(shape, vector, bin))
  for (let i = 0; i < rows.length / 16; i++) {
    const row = rowAt(shape, rows, i)
    store(out, i, product(parts[row.bin]!, shape.sparse, row))
  }
  return out
}

interface Pair extends Row {
  readonly value: bigint
}

/** Peels: [row, slot] in the order of removal, and the rows that were in the way. */
const triangulate = (pairs: readonly Pair[], sparse: number) => {
  const inSlot = Array.from({ length: sparse }, () => new Set<number>())
  pairs.forEach(({ slots }, i) => slots.forEach((slot) => inSlot[slot]!.add(i)))
  const order: [row: number, slot: number][] = []
  const outside: number[] = []
  const gone = new Set<number>()
  const stack: number[] = []
  const remove = (row: number): void => {
    gone.add(row)
    for (const slot of pairs[row]!.slots) {
      inSlot[slot]!.delete(row)
      if (inSlot[slot]!.size === 1) stack.push(slot)
    }
  }
  const peel = (): void => {
    for (let slot = stack.pop(); slot !== undefined; slot = stack.pop()) {
      if (inSlot[slot]!.size !== 1) continue
      const [row] = inSlot[slot]!
      order.push([row!, slot])
      remove(row!)
    }
  }
  for (let slot = 0; slot < sparse; slot++) {
    if (inSlot[slot]!.size !== 1) continue
    stack.push(slot)
    peel()
  }
  for (let row = 0; row < pairs.length; row++) {
    if (gone.has(row)) continue
    outside.push(row)
    remove(row)
    peel()
  }
  return { order, outside }
}

/** The dense elements from the rows outside of the triangle; false where they contradict each other. */
const solveDense = (
  part: bigint[],
  pairs: readonly Pair[],
  { order, outside }: ReturnType<typeof triangulate>,
  { sparse, dense }: OkvsShape,
): boolean => {
  const known = new Map<number, { readonly dense: bigint; readonly value: bigint }>()
  const lowest = (bits: bigint): number => {
    let i = 0
    while (((bits >> BigInt(i)) & 1n) === 0n) i++
    return i
  }
  for (const row of outside) {
    const marks = new Set(pairs[row]!.slots)
    let equation = { dense: pairs[row]!.dense, value: pairs[row]!.value }
    for (const [other, slot] of order) {
      if (!marks.has(slot)) continue
      for (const place of pairs[other]!.slots) if (!marks.delete(place)) marks.add(place)
      equation = { dense: equation.dense ^ pairs[other]!.dense, value: equation.value ^ pairs[other]!.value }
    }
    for (const slot of marks) equation = { ...equation, value: equation.value ^ part[slot]! }
    while (equation.dense !== 0n) {
      const before = known.get(lowest(equation.dense))
      if (before === undefined) break
      equation = { dense: equation.dense ^ before.dense, value: equation.value ^ before.value }
    }
    if (equation.dense !== 0n) known.set(lowest(equation.dense), equation)
    else if (equation.value !== 0n) return false
  }
  for (let column = dense - 1; column >= 0; column--) {
    const equation = known.get(column)
    if (equation === undefined) continue
    part[sparse + column] = 0n
    part[sparse + column] = equation.value ^ product(part, sparse, { bin: 0, slots: [], dense: equation.dense })
  }
  return true
}

/** False where the bin contradicts itself. */
const encodeBin = (part: bigint[], pairs: readonly Pair[], shape: OkvsShape): boolean => {
  const triangle = triangulate(pairs, shape.sparse)
  if (!solveDense(part, pairs, triangle, shape)) return false
  for (const [row, slot] of triangle.order.toReversed()) {
    part[slot] = 0n
    part[slot] = pairs[row]!.value ^ product(part, shape.sparse, pairs[row]!)
  }
  return true
}

export function encode({ shape, rows, values, fill }: EncodeInput): EncodeOutput {
  const width = shape.sparse + shape.dense
  const failed = (bad: number): EncodeOutput => ({ vector: new Uint8Array(16 * okvsSize(shape)), bad })
  const vector = fill.length > 0 ? fill.slice() : new Uint8Array(16 * okvsSize(shape))
  const bins: Pair[][] = Array.from({ length: shape.bins }, () => [])
  for (let i = 0; i < rows.length / 16; i++) {
    const row = rowAt(shape, rows, i)
    if (bins[row.bin]!.length === shape.load) return failed(row.bin)
    bins[row.bin]!.push({ ...row, value: load(values, i) })
  }
  for (const [bin, pairs] of bins.entries()) {
    const part = partOf(shape, vector, bin)
    if (!encodeBin(part, pairs, shape)) return failed(bin)
    part.forEach((element, i) => store(vector, bin * width + i, element))
  }
  return { vector, bad: -1 }
}
