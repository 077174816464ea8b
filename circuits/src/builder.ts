/**
 * Builds circuits from typed wires. XOR and NOT are free under garbling and secret sharing, AND is not, so a wire is a node
 * and a sign: a NOT flips the sign and costs no node, and XOR carries signs through. Constants are folded, a gate that was
 * built before is used again (both inputs in one order, signs moved out of XORs), x ⊕ (x ⊕ y) is y, and what no output
 * needs is left out.
 */
import { AND, EQ, EQW, INV, misuse, sum, XOR, type Circuit } from './circuit.ts'

declare const wire: unique symbol
/** One bit of one builder. */
export type Wire = number & { readonly [wire]: true }
/** Bits of a value, least significant first. */
export type Word = readonly Wire[]

export const zero = 0 as Wire
export const one = 1 as Wire

export interface Builder {
  /** The next input value, of `width` bits. */
  input(width: number): Word
  xor(a: Wire, b: Wire): Wire
  and(a: Wire, b: Wire): Wire
  not(a: Wire): Wire
  or(a: Wire, b: Wire): Wire
  /** `a` where the choice is 1, else `b`; one AND gate. */
  mux(choice: Wire, a: Wire, b: Wire): Wire
  /** The next output value. */
  output(word: Word): void
  /** AND gates on the longest path to a wire, so that a library can choose where to spend depth. */
  depth(a: Wire): number
  build(): Circuit
}

const most = 2 ** 26
const CONSTANT = 255
const INPUT = 254

const nodeOf = (literal: number): number => literal >>> 1
const signOf = (literal: number): number => literal & 1

export const createBuilder = (): Builder => {
  const kinds: number[] = [CONSTANT]
  const left: number[] = [0]
  const right: number[] = [0]
  const depths: number[] = [0]
  const widths: number[] = []
  const outputs: Word[] = []
  const built = [new Map<number, number>(), new Map<number, number>()]

  const check = (literal: Wire): void => {
    if (!Number.isInteger(literal) || literal < 0 || nodeOf(literal) >= kinds.length) {
      throw misuse(`expected a wire of this builder, found ${String(literal)}`)
    }
  }
  const append = (kind: number, a: number, b: number, depth: number): number => {
    if (kinds.length >= most) throw misuse(`expected a circuit of at most ${most} gates`)
    kinds.push(kind)
    left.push(a)
    right.push(b)
    depths.push(depth)
    return 2 * (kinds.length - 1)
  }
  const gate = (kind: typeof XOR | typeof AND, a: number, b: number): number => {
    const [low, high] = a < b ? [a, b] : [b, a]
    const key = low * 2 * most + high
    const before = built[kind]!.get(key)
    if (before !== undefined) return before
    const depth = Math.max(depths[nodeOf(low)]!, depths[nodeOf(high)]!) + (kind === AND ? 1 : 0)
    const literal = append(kind, low, high, depth)
    built[kind]!.set(key, literal)
    return literal
  }
  /** `a` is an XOR one of whose inputs is `b`: the other one. Both without signs. */
  const cancelled = (a: number, b: number): number | undefined => {
    const node = nodeOf(a)
    if (kinds[node] !== XOR) return undefined
    if (left[node] === b) return right[node]
    return right[node] === b ? left[node] : undefined
  }
  const xor = (a: Wire, b: Wire): Wire => {
    check(a)
    check(b)
    const sign = signOf(a) ^ signOf(b)
    const [x, y] = [a - signOf(a), b - signOf(b)]
    if (x === y) return sign as Wire
    if (x === 0) return (y + sign) as Wire
    if (y === 0) return (x + sign) as Wire
    return ((cancelled(x, y) ?? cancelled(y, x) ?? gate(XOR, x, y)) ^ sign) as Wire
  }
  const and = (a: Wire, b: Wire): Wire => {
    check(a)
    check(b)
    if (a === zero || b === zero || (a ^ b) === 1) return zero
    if (a === one || a === b) return b
    if (b === one) return a
    return gate(AND, a, b) as Wire
  }
  const not = (a: Wire): Wire => {
    check(a)
    return (a ^ 1) as Wire
  }
  return {
    input(width) {
      if (!Number.isInteger(width) || width < 1 || width > most) throw misuse(`expected a width, found ${width}`)
      if (kinds.length > 1 + sum(widths)) throw misuse('expected all inputs before the first gate')
      widths.push(width)
      return Array.from({ length: width }, () => append(INPUT, 0, 0, 0) as Wire)
    },
    xor,
    and,
    not,
    or: (a, b) => not(and(not(a), not(b))),
    mux: (choice, a, b) => xor(and(choice, xor(a, b)), b),
    output(word) {
      if (word.length === 0) throw misuse('expected an output of at least one bit')
      word.forEach(check)
      outputs.push(word)
    },
    depth(a) {
      check(a)
      return depths[nodeOf(a)]!
    },
    build: () => emit({ kinds, left, right, widths, outputs }),
  }
}

interface Graph {
  readonly kinds: readonly number[]
  readonly left: readonly number[]
  readonly right: readonly number[]
  readonly widths: readonly number[]
  readonly outputs: readonly Word[]
}

const isGate = (kind: number): boolean => kind === XOR || kind === AND

/** The nodes that outputs need. */
const reachable = ({ kinds, left, right, outputs }: Graph): Uint8Array => {
  const needed = new Uint8Array(kinds.length)
  for (const literal of outputs.flat()) needed[nodeOf(literal)] = 1
  for (let node = kinds.length - 1; node >= 0; node--) {
    if (needed[node] === 0 || !isGate(kinds[node]!)) continue
    needed[nodeOf(left[node]!)] = 1
    needed[nodeOf(right[node]!)] = 1
  }
  return needed
}

/** Numbers the wires: inputs first, outputs last, signs of operands as INV gates. */
const emit = (graph: Graph): Circuit => {
  const { kinds, left, right, widths, outputs } = graph
  if (outputs.length === 0) throw misuse('expected at least one output')
  const needed = reachable(graph)
  const inputBits = sum(widths)
  const asked = outputs.flat()
  /** Of each gate that is an output as it stands: which, so that it needs no copy. */
  const place = new Map<number, number>()
  asked.forEach((literal, i) => {
    const node = nodeOf(literal)
    if (signOf(literal) === 0 && isGate(kinds[node]!) && !place.has(node)) place.set(node, i)
  })
  const gates: [kind: number, a: number, b: number, out: number][] = []
  /** Wires by literal; an output's is negative until the number of the others is known. */
  const wires = new Map<number, number>()
  for (let i = 0; i < inputBits; i++) wires.set(2 * (i + 1), i)
  let next = inputBits
  const fresh = (): number => next++
  const wireOf = (literal: number): number => {
    const known = wires.get(literal)
    if (known !== undefined) return known
    const out = fresh()
    gates.push([INV, wires.get(literal - 1)!, 0, out])
    wires.set(literal, out)
    return out
  }
  for (let node = 1; node < kinds.length; node++) {
    if (needed[node] === 0 || !isGate(kinds[node]!)) continue
    const [a, b] = [wireOf(left[node]!), wireOf(right[node]!)]
    const at = place.get(node)
    const out = at === undefined ? fresh() : -1 - at
    gates.push([kinds[node]!, a, b, out])
    wires.set(2 * node, out)
  }
  asked.forEach((literal, i) => {
    const [node, sign] = [nodeOf(literal), signOf(literal)]
    if (sign === 0 && place.get(node) === i) return
    if (node === 0) gates.push([EQ, sign, 0, -1 - i])
    else gates.push([sign === 0 ? EQW : INV, wires.get(2 * node)!, 0, -1 - i])
  })
  const final = (number: number): number => (number < 0 ? next - 1 - number : number)
  return {
    inputs: [...widths],
    outputs: outputs.map((word) => word.length),
    wires: next + asked.length,
    kinds: Uint8Array.from(gates, ([kind]) => kind),
    left: Uint32Array.from(gates, ([, a]) => final(a)),
    right: Uint32Array.from(gates, ([, , b]) => final(b)),
    out: Uint32Array.from(gates, ([, , , out]) => final(out)),
  }
}

/** Puts a circuit into a builder: the words of its outputs. */
export const insert = (builder: Builder, circuit: Circuit, inputs: readonly Word[]): readonly Word[] => {
  const found = inputs.map((word) => word.length).join(' ')
  const expected = circuit.inputs.join(' ')
  if (found !== expected) throw misuse(`expected inputs of ${expected} bits, found ${found}`)
  const wires: Wire[] = inputs.flat()
  circuit.kinds.forEach((kind, gate) => {
    const [a, b] = [circuit.left[gate]!, circuit.right[gate]!]
    const result =
      kind === XOR
        ? builder.xor(wires[a]!, wires[b]!)
        : kind === AND
          ? builder.and(wires[a]!, wires[b]!)
          : kind === INV
            ? builder.not(wires[a]!)
            : kind === EQ
              ? (a as Wire)
              : wires[a]!
    wires[circuit.out[gate]!] = result
  })
  let at = circuit.wires - sum(circuit.outputs)
  return circuit.outputs.map((width) => wires.slice(at, (at += width)))
}

/** The same function with constants folded and common gates shared: for circuits that others wrote. */
export const simplify = (circuit: Circuit): Circuit => {
  const builder = createBuilder()
  const inputs = circuit.inputs.map((width) => builder.input(width))
  for (const word of insert(builder, circuit, inputs)) builder.output(word)
  return builder.build()
}
