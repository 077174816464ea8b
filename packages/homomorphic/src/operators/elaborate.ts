/** What a program of `expression.ts` is, as a graph over whole vectors. */
import { createOperators, malformed, tenTo, type Mode, type Value } from './arithmetic.ts'
import type { Column, Expression, Operand, Program } from './expression.ts'
import { createGraph, type Graph, type Node } from './graph.ts'

/** What becomes of a number after decryption, in clear. */
export type Finish = 'none' | 'logistic'

export interface Output {
  readonly name: string
  readonly node: Node
  readonly finish: Finish
}

export interface Elaborated {
  readonly inputs: Readonly<Record<string, Node>>
  readonly outputs: readonly Output[]
  /** The plain modulus must exceed this, so that integers of a range stay apart. */
  readonly apart: number
}

type Operators = ReturnType<typeof createOperators>
type Argument = Value | readonly Argument[]

const single = (value: Argument | undefined): Value => {
  if (value === undefined) throw malformed('expected another operand')
  return value as Value
}

const integers = (value: Argument | undefined): readonly number[] => {
  if (Array.isArray(value) && value.every((x) => Number.isSafeInteger(x))) return value as number[]
  throw malformed('expected whole numbers')
}

const numberOf = (value: Argument | undefined): number => {
  if (typeof value === 'number') return value
  throw malformed('expected a number')
}

const lookedUp = (on: Operators, a: Node, table: readonly number[]): Node => {
  const places = a.greatest - a.least + 1
  if (table.length !== places)
    throw malformed(`expected a table of ${places} entries, one for each integer of the range`)
  const bounds = { least: Math.min(...table), greatest: Math.max(...table) }
  return on.mapped('table', a, (x) => table[x - a.least]!, bounds)
}

const apply = (on: Operators, name: string, args: readonly Argument[]): Node => {
  const [a, b, c] = args
  const first = (): Node => on.node(single(a))
  switch (name) {
    case 'add':
      return on.add(single(a), single(b))
    case 'subtract':
      return on.subtract(single(a), single(b))
    case 'multiply':
      return on.multiply(single(a), single(b))
    case 'negate':
      return on.negate(first())
    case 'divide':
      return on.dividedBy(first(), numberOf(b))
    case 'rotate':
      return on.rotate(first(), numberOf(b))
    case 'sum':
      return on.sum(first())
    case 'mean':
      return on.dividedBy(on.sum(first()), first().length)
    case 'covariance':
      return on.covariance(first(), on.node(single(b)))
    case 'linear-score':
      return on.linearScore((a as readonly Value[]).map(on.node), b as readonly Value[], single(c))
    case 'polynomial':
      return on.power(first(), (b as readonly number[]) ?? [])
    case 'matrix-vector':
      return on.matrixVector(a as readonly (readonly number[])[], on.node(single(b)))
    case 'matrix-product':
      return on.matrixProduct(first(), on.node(single(b)), integers(c))
    case 'equal':
      return on.equal(single(a), single(b))
    case 'less':
      return on.less(single(a), single(b))
    case 'between': {
      const [least, greatest] = [numberOf(b), numberOf(c)]
      return on.mapped(`in ${least} to ${greatest}`, first(), (x) => (x >= least && x <= greatest ? 1 : 0), on.bit)
    }
    case 'is-in': {
      const members = new Set(integers(b))
      return on.mapped('member', first(), (x) => (members.has(x) ? 1 : 0), on.bit)
    }
    case 'lookup':
      return lookedUp(on, first(), integers(b))
    default:
      throw malformed(`unknown operator ${name}`)
  }
}

/** The power of two that an approximate plan divides a column by. */
export const rangeMultiple = ({ range: [least, greatest] }: Column): number =>
  2 ** Math.ceil(Math.log2(Math.max(Math.abs(least), Math.abs(greatest), 2 ** -60)))

const inputNode = (graph: Graph, name: string, { length, range, decimals = 0 }: Column, exact: boolean): Node => {
  const [least, greatest] = range
  const counted = Number.isSafeInteger(length) && length >= 1 && length <= 100_000_000
  const digits = Number.isInteger(decimals) && decimals >= 0 && decimals <= 15
  if (!counted || !digits || !(Number.isFinite(least) && Number.isFinite(greatest) && least <= greatest)) {
    throw malformed(`expected of ${name} a length of 1 to 100,000,000, a range, and 0 to 15 decimals`)
  }
  if (!exact) {
    const multiple = rangeMultiple({ length, range })
    return graph.input(name, length, least / multiple, greatest / multiple, 1n, multiple)
  }
  const unit = tenTo(decimals)
  return graph.input(name, length, Math.round(least * Number(unit)), Math.round(greatest * Number(unit)), unit, 1)
}

/**
 * `inSlots`: totals are spread to every slot, where otherwise their receiver sums slots.
 * @throws TallyError terms/malformed for what is no program, terms/unsupported for what this mode cannot compute
 */
export const elaborate = (program: Program, mode: Mode, inSlots = false): Elaborated => {
  const graph = createGraph()
  let apart = 0
  const on = createOperators(graph, mode, (magnitude) => (apart = Math.max(apart, magnitude)))
  const inputs = Object.fromEntries(
    Object.entries(program.inputs).map(([name, column]) => [name, inputNode(graph, name, column, mode.exact)]),
  )
  const valueOf = (value: Operand): Argument => {
    if (typeof value === 'number') return value
    if (typeof value === 'string') return inputs[value] ?? raise(`there is no column ${value}`)
    if (Array.isArray(value)) return expressionOf(value as Expression)
    if (typeof value !== 'object' || value === null) throw malformed('expected an operand')
    if ('list' in value) return value.list.map(valueOf)
    return ((value as { numbers?: readonly number[] }).numbers ?? raise('expected numbers')).slice()
  }
  /** An expression that stands at several places is one object in a program that was not parsed. */
  const known = new Map<Expression, Node>()
  const expressionOf = (expression: Expression): Node => {
    if (typeof expression === 'string') return on.node(single(valueOf(expression)))
    const [name, ...operands] = expression
    const made = known.get(expression) ?? apply(on, name, operands.map(valueOf))
    known.set(expression, made)
    return made
  }
  const outputs = Object.entries(program.outputs).map(([name, expression]): Output => {
    const logistic = typeof expression !== 'string' && expression[0] === 'logistic'
    const inner = logistic ? (expression[1] as Expression) : expression
    const node = expressionOf(inner)
    return { name, node: inSlots ? graph.inSlots(node) : node, finish: logistic ? 'logistic' : 'none' }
  })
  if (outputs.length === 0) throw malformed('expected an output')
  return { inputs, outputs, apart }
}

const raise = (message: string): never => {
  throw malformed(message)
}
