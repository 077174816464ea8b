/**
 * A Boolean circuit in the shape of Bristol Fashion (N. Smart, "Bristol Fashion" MPC circuits): wires are numbered, the
 * first carry the inputs, the last the outputs, and gates stand in an order in which they can be evaluated. MAND gates are
 * held as the AND gates that they are short for.
 */
import { TallyError } from '@tallystick/core'

/** What a gate computes; the place in this list is its code in {@link Circuit.kinds}. */
export const gateNames = ['XOR', 'AND', 'INV', 'EQ', 'EQW'] as const
export type GateName = (typeof gateNames)[number]

export const XOR = 0
export const AND = 1
export const INV = 2
/** The constant that `left` is: 0 or 1. */
export const EQ = 3
/** A copy of `left`. */
export const EQW = 4

export interface Circuit {
  /** Wires of each input value, least significant first where the value is a number. */
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  readonly wires: number
  /** One entry a gate, in an order of evaluation. */
  readonly kinds: Uint8Array
  readonly left: Uint32Array
  /** 0 for gates with one operand. */
  readonly right: Uint32Array
  readonly out: Uint32Array
}

export interface Statistics {
  readonly gates: number
  readonly wires: number
  /** Gates that cost something under garbling and secret sharing; the others are free. */
  readonly and: number
  readonly xor: number
  readonly inv: number
  /** The most AND gates on any path: rounds under secret sharing. */
  readonly andDepth: number
}

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0)

/** For each wire the most AND gates on a path to it. */
export const andDepths = (circuit: Circuit): Uint32Array => {
  const { kinds, left, right, out } = circuit
  const depths = new Uint32Array(circuit.wires)
  for (let gate = 0; gate < kinds.length; gate++) {
    const kind = kinds[gate]!
    if (kind === EQ) continue
    const [a, b] = [depths[left[gate]!]!, kind === XOR || kind === AND ? depths[right[gate]!]! : 0]
    depths[out[gate]!] = Math.max(a, b) + (kind === AND ? 1 : 0)
  }
  return depths
}

export const statistics = (circuit: Circuit): Statistics => {
  const counts = gateNames.map(() => 0)
  for (const kind of circuit.kinds) counts[kind]!++
  return {
    gates: circuit.kinds.length,
    wires: circuit.wires,
    and: counts[AND]!,
    xor: counts[XOR]!,
    inv: counts[INV]!,
    andDepth: andDepths(circuit).reduce((most, depth) => Math.max(most, depth), 0),
  }
}

/** What a caller of the builder or the library did wrong. */
export const misuse = (message: string): TallyError =>
  new TallyError('api/misuse', 'self', message, { remedy: 'correct the text that builds or evaluates the circuit' })
