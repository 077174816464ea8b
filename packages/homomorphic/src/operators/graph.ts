/**
 * What a program computes, as a graph over whole vectors: each node knows its length, its range and the unit that its
 * integers count, whatever ring it will be computed in. Equal nodes are one node.
 */
import { taggedDigest, TallyError, toHex } from '@tallystick/core'

/** A plaintext operand: known to both, the same in every place, or a number a place. */
export interface Constant {
  readonly key: string
  readonly uniform: boolean
  /** Greatest magnitude; undefined where it is any residue. */
  readonly most: number | undefined
  /** Exact plans: modulo t, in (-t/2, t/2]. */
  integer(place: number, t: bigint): bigint
  /** Approximate plans. */
  real(place: number): number
}

export type Operation =
  | 'input'
  | 'add'
  | 'subtract'
  | 'multiply'
  | 'negate'
  | 'add-plain'
  | 'multiply-plain'
  | 'gather'
  | 'replicate'
  | 'linear'

/** A plain matrix by its places: out place, in place, entry. */
export interface Transform {
  readonly key: string
  readonly length: number
  readonly entries: readonly (readonly [to: number, from: number, value: number])[]
}

export interface Node {
  readonly id: number
  readonly operation: Operation
  readonly operands: readonly Node[]
  readonly constant: Constant | undefined
  readonly transform: Transform | undefined
  /** Of an input. */
  readonly name: string
  /** 1 is a value that stands in every slot. */
  readonly length: number
  /** Of what is encrypted: integers in an exact plan. */
  readonly least: number
  readonly greatest: number
  /** value = what is encrypted · multiple / unit */
  readonly unit: bigint
  readonly multiple: number
  /** The value is the sum of all slots, not what stands in each. */
  readonly spread: boolean
  /** Empty slots hold zero. */
  readonly clean: boolean
  /** What empty slots hold, where that is public. */
  readonly padding: ((t: bigint) => bigint) | undefined
  readonly realPadding: number
  /** The same in terms of keys, for equality of nodes. */
  readonly key: string
}

export const refuse = (message: string, remedy: string): TallyError =>
  new TallyError('terms/unsupported', 'self', message, { remedy })

const modulo = (value: bigint, t: bigint): bigint => {
  const residue = ((value % t) + t) % t
  return residue > t >> 1n ? residue - t : residue
}

/** A whole number, the same everywhere. */
export const wholeConstant = (value: bigint): Constant => ({
  key: `${value}`,
  uniform: true,
  most: Math.abs(Number(value)) * (1 + 2 ** -50),
  integer: (_, t) => modulo(value, t),
  real: () => Number(value),
})

export const realConstant = (value: number): Constant => ({
  key: `${value}r`,
  uniform: true,
  most: Math.abs(value),
  integer: () => 0n,
  real: () => value,
})

/** A residue that depends on the plain modulus, such as a coefficient of an interpolation. */
export const residueConstant = (key: string, residue: (t: bigint) => bigint): Constant => ({
  key,
  uniform: true,
  most: undefined,
  integer: (_, t) => modulo(residue(t), t),
  real: () => Number.NaN,
})

/** What stands for many numbers in keys, which plans join, compare and hash over and over. */
export const shortKey = (numbers: string): string => toHex(taggedDigest('tallystick/plan/key', numbers))

export const vectorConstant = (values: readonly bigint[] | readonly number[]): Constant => ({
  key: `vector ${shortKey(values.join())}`,
  uniform: false,
  most: values.reduce((most: number, value) => Math.max(most, Math.abs(Number(value))), 0) * (1 + 2 ** -50),
  integer: (place, t) => (place < values.length ? modulo(BigInt(values[place]!), t) : 0n),
  real: (place) => Number(values[place] ?? 0),
})

/** Empty slots that hold zero. */
const empty = { clean: true, padding: (): bigint => 0n, realPadding: 0 }

const negated = (padding: Node['padding']): Node['padding'] => (padding === undefined ? undefined : (t) => -padding(t))

type Made = Partial<Node> & Pick<Node, 'operation' | 'operands' | 'length' | 'least' | 'greatest'>

/** Corners of a product of ranges. */
const corners = (a: Node, b: { readonly least: number; readonly greatest: number }): readonly [number, number] => {
  const all = [a.least * b.least, a.least * b.greatest, a.greatest * b.least, a.greatest * b.greatest]
  return [Math.min(...all), Math.max(...all)]
}

const lengthOf = (a: Node, b: Node): number => {
  if (a.length === b.length || b.length === 1) return a.length
  if (a.length === 1) return b.length
  throw refuse(
    `expected vectors of one length, found ${a.length} and ${b.length}`,
    'declare the columns with one length',
  )
}

/** Makes nodes; equal ones once. Ranges are what the declared ranges of inputs allow, whatever stands in them. */
export const createGraph = () => {
  const known = new Map<string, Node>()
  const make = (parts: Made): Node => {
    const { operation, operands, constant, transform, name = '', spread = false } = parts
    // The same integers may stand for values of another unit, or be known to lie in another range.
    const ids = operands.map(({ id, unit, multiple, least, greatest }) =>
      [id, unit, multiple, least, greatest].join('/'),
    )
    const key = `${operation}(${ids.join()};${constant?.key ?? transform?.key ?? name};${spread})`
    const found = known.get(key)
    if (found !== undefined) return found
    const first = operands[0]
    const node: Node = {
      ...{ constant: undefined, transform: undefined, name, spread },
      ...{ unit: first?.unit ?? 1n, multiple: first?.multiple ?? 1 },
      ...{ padding: undefined, realPadding: 0, clean: false },
      ...parts,
      ...{ id: known.size, key },
    }
    known.set(key, node)
    return node
  }

  const input = (name: string, length: number, least: number, greatest: number, unit: bigint, multiple: number): Node =>
    make({ operation: 'input', operands: [], name, length, least, greatest, unit, multiple, ...empty })

  /** A total stands in every slot only after rotations; before, slots sum up to it. */
  const inSlots = (a: Node): Node => {
    if (!a.spread) return a
    const { length, least, greatest, unit, multiple } = a
    return make({ operation: 'replicate', operands: [a], length, least, greatest, unit, multiple })
  }

  const both = (
    f: (x: bigint, y: bigint) => bigint,
    real: (x: number, y: number) => number,
    a: Node,
    b: Node,
  ): Pick<Node, 'padding' | 'realPadding'> => {
    const [p, q] = [a.padding, b.padding]
    if (p === undefined || q === undefined) return { padding: undefined, realPadding: 0 }
    return { padding: (t) => modulo(f(p(t), q(t)), t), realPadding: real(a.realPadding, b.realPadding) }
  }

  const combine = (operation: 'add' | 'subtract', x: Node, y: Node): Node => {
    const [a, b] = x.spread && y.spread ? [x, y] : [inSlots(x), inSlots(y)]
    const length = lengthOf(a, b)
    const plus = operation === 'add'
    return make({
      ...{ operation, operands: [a, b], length, spread: a.spread },
      least: a.least + (plus ? b.least : -b.greatest),
      greatest: a.greatest + (plus ? b.greatest : -b.least),
      ...both(
        (p, q) => (plus ? p + q : p - q),
        (p, q) => (plus ? p + q : p - q),
        a,
        b,
      ),
      clean: a.clean && b.clean,
    })
  }

  const multiply = (x: Node, y: Node): Node => {
    const [a, b] = [inSlots(x), inSlots(y)]
    const [low, greatest] = corners(a, b)
    return make({
      ...{ operation: 'multiply', operands: a.id <= b.id ? [a, b] : [b, a], length: lengthOf(a, b) },
      ...{
        least: a === b ? Math.max(0, low) : low,
        greatest,
        unit: a.unit * b.unit,
        multiple: a.multiple * b.multiple,
      },
      ...(a.clean || b.clean
        ? empty
        : both(
            (p, q) => p * q,
            (p, q) => p * q,
            a,
            b,
          )),
    })
  }

  const negate = (a: Node): Node =>
    make({
      ...{
        operation: 'negate',
        operands: [a],
        length: a.length,
        spread: a.spread,
        least: -a.greatest,
        greatest: -a.least,
      },
      ...{ padding: negated(a.padding), realPadding: -a.realPadding, clean: a.clean },
    })

  interface Bounds {
    readonly least: number
    readonly greatest: number
  }
  /** `bounds`: of the result. `length`: where plain numbers are more than one, theirs. */
  const withConstant = (
    operation: 'add-plain' | 'multiply-plain',
    x: Node,
    constant: Constant,
    bounds: Bounds,
    length: number,
    scale: { readonly unit: bigint; readonly multiple: number },
  ): Node => {
    const a = constant.uniform ? x : inSlots(x)
    const plus = operation === 'add-plain'
    const own = constant.uniform ? 0 : length
    const { padding: before } = a
    const padding =
      before === undefined
        ? undefined
        : (t: bigint) => {
            const [p, c] = [before(t), constant.integer(own, t)]
            return modulo(plus ? p + c : p * c, t)
          }
    const c = constant.real(own)
    const realPadding = plus ? a.realPadding + c : a.realPadding * c
    const clean = plus ? a.clean && !constant.uniform : a.clean || !constant.uniform
    const slots = clean ? empty : { padding, realPadding, clean }
    return make({ operation, operands: [a], constant, length, spread: a.spread, ...bounds, ...scale, ...slots })
  }

  /** A number of the same unit. */
  const addPlain = (a: Node, constant: Constant, { least, greatest }: Bounds, length = a.length): Node =>
    withConstant(
      ...(['add-plain', a, constant] as const),
      { least: a.least + least, greatest: a.greatest + greatest },
      length,
      { unit: a.unit, multiple: a.multiple },
    )

  const multiplyPlain = (
    a: Node,
    constant: Constant,
    range: Bounds,
    unit = 1n,
    multiple = 1,
    length = a.length,
  ): Node => {
    const [least, greatest] = corners(a, range)
    const scale = { unit: a.unit * unit, multiple: a.multiple * multiple }
    return withConstant('multiply-plain', a, constant, { least, greatest }, length, scale)
  }

  /** The same integers, in another unit or of a range that is known better. */
  const restated = (a: Node, parts: Partial<Pick<Node, 'unit' | 'multiple' | 'least' | 'greatest'>>): Node => ({
    ...a,
    ...parts,
  })

  const total = (x: Node): Node => {
    const a = inSlots(x)
    if (a.length === 1) return a
    return make({
      ...{ operation: 'gather', operands: [a], length: 1, spread: true },
      ...{ least: a.length * a.least, greatest: a.length * a.greatest },
    })
  }

  const linear = (x: Node, transform: Transform): Node => {
    const a = inSlots(x)
    const sums = new Map<number, [number, number]>()
    for (const [to, , value] of transform.entries) {
      const bounds = sums.get(to) ?? [0, 0]
      const ends = [value * a.least, value * a.greatest]
      sums.set(to, [bounds[0] + Math.min(...ends), bounds[1] + Math.max(...ends)])
    }
    const all = [...sums.values()]
    return make({
      ...{ operation: 'linear', operands: [a], transform, length: transform.length },
      least: all.reduce((least, [low]) => Math.min(least, low), 0),
      greatest: all.reduce((greatest, [, high]) => Math.max(greatest, high), 0),
      ...empty,
    })
  }

  return { input, inSlots, combine, multiply, negate, addPlain, multiplyPlain, restated, total, linear }
}

export type Graph = ReturnType<typeof createGraph>
