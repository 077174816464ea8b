/**
 * A circuit in the order in which interactive protocols and bulk kernels run it: layer d holds the free gates that need d
 * rounds of AND gates, and then all AND gates that need no more. Wires become slots that are used again once a wire has been
 * read for the last time, so that memory follows the width of a circuit and not its length. Copies (EQW) take nothing.
 */
import { AND, andDepths, EQ, EQW, sum, XOR, type Circuit } from './circuit.ts'

export interface Layer {
  /** Four numbers a gate, in an order of evaluation: kind (XOR, INV or EQ), left slot (or constant), right slot, slot. */
  readonly free: Int32Array
  /** Three numbers a gate, independent of each other: left slot, right slot, slot (never one that the layer reads). */
  readonly and: Int32Array
}

export interface Schedule {
  readonly slots: number
  /** The slot of each input wire. */
  readonly inputs: Int32Array
  /** The slot of each output wire; two may be one. */
  readonly outputs: Int32Array
  /** The last one has no AND gates. */
  readonly layers: readonly Layer[]
  readonly and: number
}

/** Rounds: layers with AND gates in them. */
export const roundsOf = ({ layers }: Schedule): number => layers.length - 1

const hasTwo = (kind: number): boolean => kind === XOR || kind === AND

/** For each wire the wire that it copies, itself for most. */
const sources = ({ wires, kinds, left, out }: Circuit): Uint32Array => {
  const source = Uint32Array.from({ length: wires }, (_, wire) => wire)
  kinds.forEach((kind, gate) => {
    if (kind === EQW) source[out[gate]!] = source[left[gate]!]!
  })
  return source
}

/** Gates by layer, in the order that they had: free ones first. */
const layered = (circuit: Circuit): { free: number[][]; and: number[][] } => {
  const depths = andDepths(circuit)
  const most = depths.reduce((a, b) => Math.max(a, b), 0)
  const [free, and] = [0, 1].map(() => Array.from({ length: most + 1 }, (): number[] => [])) as [number[][], number[][]]
  circuit.kinds.forEach((kind, gate) => {
    const depth = depths[circuit.out[gate]!]!
    if (kind === AND) and[depth - 1]!.push(gate)
    else if (kind !== EQW) free[depth]!.push(gate)
  })
  return { free, and }
}

export const scheduleOf = (circuit: Circuit): Schedule => {
  const { kinds, left, right, out, wires } = circuit
  const source = sources(circuit)
  const { free, and } = layered(circuit)
  const order = free.flatMap((gates, depth) => [...gates, ...and[depth]!])
  /** The place in the order after which a source is not read any more; outputs are read at the end. */
  const lastRead = new Int32Array(wires).fill(-1)
  order.forEach((gate, place) => {
    if (kinds[gate] === EQ) return
    lastRead[source[left[gate]!]!] = place
    if (hasTwo(kinds[gate]!)) lastRead[source[right[gate]!]!] = place
  })
  for (let wire = wires - sum(circuit.outputs); wire < wires; wire++) lastRead[source[wire]!] = order.length

  const slotOf = new Int32Array(wires).fill(-1)
  const idle: number[] = []
  let slots = 0
  const take = (wire: number): number => (slotOf[wire] = idle.pop() ?? slots++)
  const inputs = Int32Array.from({ length: sum(circuit.inputs) }, (_, wire) => take(wire))
  const release = (wire: number, place: number): void => {
    if (lastRead[wire] !== place || slotOf[wire]! < 0) return
    lastRead[wire] = -2
    idle.push(slotOf[wire]!)
  }
  const operands = (gate: number): readonly number[] =>
    kinds[gate] === EQ ? [] : [source[left[gate]!]!, ...(hasTwo(kinds[gate]!) ? [source[right[gate]!]!] : [])]
  let place = 0
  const layers = free.map((gates, depth): Layer => {
    const freeCode = gates.flatMap((gate) => {
      const [a, b] = operands(gate)
      const slotsRead = [a === undefined ? left[gate]! : slotOf[a]!, b === undefined ? 0 : slotOf[b]!]
      for (const wire of operands(gate)) release(wire, place)
      const slot = take(out[gate]!)
      if (lastRead[out[gate]!] === -1) idle.push(slot)
      place++
      return [kinds[gate]!, ...slotsRead, slot]
    })
    const first = place
    const gatesAnd = and[depth]!
    const reads = gatesAnd.map((gate) => operands(gate).map((wire) => slotOf[wire]!))
    const andCode = gatesAnd.flatMap((gate, i) => {
      place++
      return [...reads[i]!, take(out[gate]!)]
    })
    gatesAnd.forEach((gate, i) => {
      for (const wire of operands(gate)) release(wire, first + i)
      if (lastRead[out[gate]!] === -1) idle.push(slotOf[out[gate]!]!)
    })
    return { free: Int32Array.from(freeCode), and: Int32Array.from(andCode) }
  })
  const outputs = Int32Array.from({ length: sum(circuit.outputs) }, (_, i) => {
    return slotOf[source[wires - sum(circuit.outputs) + i]!]!
  })
  return { slots, inputs, outputs, layers, and: sum(and.map((gates) => gates.length)) }
}
