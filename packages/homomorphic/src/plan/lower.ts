/**
 * From a graph over whole vectors to instructions over ciphertexts: a vector lies in tiles of as many places as a
 * ciphertext has slots. What a value is (its level, its noise) and how two meet is the scheme's: `exact.ts` (BGV) and
 * `approximate.ts` (CKKS).
 */
import type { Constant, Node, Transform } from '../operators/graph.ts'
import type { PlainOperand, Step } from './instructions.ts'

/** A ciphertext that there will be. */
export interface Value {
  readonly id: number
  readonly level: number
  /** Components: 3 before relinearisation. */
  readonly size: number
}

/** Writes instructions; throws a {@link NoRoom} where the ring has none left. */
export interface Arithmetic<V extends Value> {
  readonly slots: number
  /** Of slots, which are rotated together: BGV 2, CKKS 1. */
  readonly rows: number
  input(node: Node): V
  combine(name: 'add' | 'subtract', a: V, b: V): V
  product(a: V, b: V): V
  negate(a: V): V
  addPlain(a: V, constant: Constant, tile: number): V
  multiplyPlain(a: V, constant: Constant, tile: number): V
  /** By a diagonal: like {@link multiplyPlain}, with slots moved. */
  diagonal(a: V, constant: Constant, shift: number, flipped: boolean): V
  rotate(a: V, steps: number, flipped: boolean): V
  /** `sum` is the total of the slots of `value` in each slot: what is known of it beyond sums of any values. */
  replicated(value: V, sum: V): V
  /** Two components, at the lowest level that holds it. */
  finished(a: V, node: Node): V
}

/** Thrown, and caught by the planner, where noise or magnitude outgrows a ring. */
export class NoRoom extends Error {}

export interface Tile<V> {
  readonly output: number
  readonly tile: number
  readonly value: V
}

export interface Lowered<V extends Value> {
  readonly steps: readonly Step[]
  /** Which input and tile a value is, in the order in which they are needed. */
  readonly inputs: readonly { readonly value: V; readonly name: string; readonly tile: number }[]
  readonly outputs: readonly Tile<V>[]
}

/** Tiles of one call: some megabytes of ciphertexts, and enough calls for several workers. */
const tilesOfGroup = 8

export const tilesOf = (length: number, slots: number): number => Math.ceil(length / slots)

/** Instructions that a lowering has written so far, and the group they belong to. */
export const createTape = () => {
  const steps: Step[] = []
  let [group, values] = [0, 0]
  return {
    steps,
    fresh: (): number => values++,
    begin: (): void => void group++,
    write(name: Step['name'], a: number, b = 0, plain?: PlainOperand): number {
      const out = values++
      steps.push({ name, out, a, b, plain, group })
      return out
    },
  }
}

export type Tape = ReturnType<typeof createTape>

/** Gathers by how many gathers stand below them: those of one depth pass over the tiles together. */
const gathersByDepth = (outputs: readonly Node[]): readonly (readonly Node[])[] => {
  const depths = new Map<Node, number>()
  const byDepth: Map<number, Node>[] = []
  const depthOf = (node: Node): number => {
    const known = depths.get(node)
    if (known !== undefined) return known
    const below = node.operands.reduce((most, operand) => Math.max(most, depthOf(operand)), 0)
    if (node.operation === 'gather') (byDepth[below] ??= new Map()).set(node.id, node)
    const depth = below + (node.operation === 'gather' ? 1 : 0)
    depths.set(node, depth)
    return depth
  }
  for (const node of outputs) depthOf(node)
  return byDepth.map((nodes) => [...nodes.values()])
}

/** `cleared`: slots of outputs hold nothing but outputs and what is public. */
export const lower = <V extends Value>(
  outputs: readonly Node[],
  on: Arithmetic<V>,
  tape: Tape,
  cleared = false,
): Lowered<V> => {
  const { slots } = on
  const values = new Map<string, V>()
  const inputs = new Map<string, { value: V; name: string; tile: number }>()
  const remember = (node: Node, tile: number, make: () => V): V => {
    const key = `${node.id}/${node.length === 1 ? 0 : tile}`
    const known = values.get(key)
    if (known !== undefined) return known
    const made = make()
    values.set(key, made)
    return made
  }
  const at = (node: Node, tile: number): V => remember(node, tile, () => perform(node, tile))

  const perform = (node: Node, tile: number): V => {
    const [first, second] = node.operands
    switch (node.operation) {
      case 'input': {
        const place = node.length === 1 ? 0 : tile
        const value = on.input(node)
        inputs.set(`${node.name}/${place}`, { value, name: node.name, tile: place })
        return value
      }
      case 'add':
      case 'subtract':
        return on.combine(node.operation, at(first!, tile), at(second!, tile))
      case 'multiply':
        return on.product(at(first!, tile), at(second!, tile))
      case 'negate':
        return on.negate(at(first!, tile))
      case 'add-plain':
        return on.addPlain(at(first!, tile), first!.spread ? once(node.constant!) : node.constant!, tile)
      case 'multiply-plain':
        return on.multiplyPlain(at(first!, tile), node.constant!, tile)
      case 'gather':
        return gather([node])[0]!
      case 'replicate':
        return replicate(at(first!, 0))
      default:
        return linear(node, tile)
    }
  }

  /** Of a total, whose slots are summed: a number is added to one of them. */
  const once = (constant: Constant): Constant => ({
    ...constant,
    key: `once ${constant.key}`,
    uniform: false,
    integer: (place, t) => (place === 0 ? constant.integer(0, t) : 0n),
    real: (place) => (place === 0 ? constant.real(0) : 0),
  })

  /** Places of a tile: 1, beyond: 0. */
  const inside = (length: number): Constant => ({
    key: `inside ${length}`,
    uniform: false,
    most: 1,
    integer: (place) => (place < length ? 1n : 0n),
    real: (place) => (place < length ? 1 : 0),
  })

  /** The last tile of a vector, empty slots of which count nothing. */
  const whole = (node: Node, tile: number): V => {
    const value = at(node, tile)
    const end = (tile + 1) * slots
    if (end <= node.length || node.clean) return value
    const { length, padding, realPadding } = node
    // Not public: masked. Otherwise what they hold is taken away.
    if (padding === undefined) return on.multiplyPlain(value, inside(length), tile)
    const away: Constant = {
      key: `padding of ${node.key}`,
      ...{ uniform: false, most: Math.abs(realPadding) },
      integer: (place, t) => (place < length ? 0n : -padding(t)),
      real: (place) => (place < length ? 0 : -realPadding),
    }
    return on.addPlain(value, away, tile)
  }

  /** Sums over the tiles of vectors of one length, tile by tile for all of them: what they share is computed once. */
  const gather = (nodes: readonly Node[]): readonly V[] => {
    const of = nodes.map(({ operands }) => operands[0]!)
    const tiles = tilesOf(of[0]!.length, slots)
    const partial: V[][] = nodes.map(() => [])
    for (let from = 0; from < tiles; from += tilesOfGroup) {
      tape.begin()
      const sums: (V | undefined)[] = nodes.map(() => undefined)
      for (let tile = from; tile < Math.min(tiles, from + tilesOfGroup); tile++) {
        of.forEach((node, i) => {
          const value = whole(node, tile)
          sums[i] = sums[i] === undefined ? value : on.combine('add', sums[i], value)
        })
      }
      sums.forEach((sum, i) => partial[i]!.push(sum!))
    }
    tape.begin()
    return partial.map((sums) => sums.reduce((sum, value) => on.combine('add', sum, value)))
  }

  /** The sum of all slots, in each: by doubling the distance (log₂ n rotations). */
  const replicate = (value: V): V => {
    tape.begin()
    let sum = value
    for (let steps = 1; steps < slots / on.rows; steps *= 2) sum = on.combine('add', sum, on.rotate(sum, steps, false))
    if (on.rows === 2) sum = on.combine('add', sum, on.rotate(sum, 0, true))
    return on.replicated(value, sum)
  }

  const linear = (node: Node, tile: number): V => {
    const parts = diagonalsOf(node.transform!, on, tile)
    const products = parts.map((part) => applyDiagonals(on, at(node.operands[0]!, part.tile), part))
    if (products.length > 0) return products.reduce((sum, value) => on.combine('add', sum, value))
    const value = at(node.operands[0]!, 0)
    return on.combine('subtract', value, value)
  }

  gathersByDepth(outputs).forEach((nodes) => {
    const byLength = Map.groupBy(nodes, ({ operands }) => operands[0]!.length)
    for (const group of byLength.values()) {
      gather(group).forEach((value, i) => values.set(`${group[i]!.id}/0`, value))
    }
  })
  const found = outputs.flatMap((node, output) => {
    const tiles = tilesOf(node.length, slots)
    return Array.from({ length: tiles }, (_, tile): Tile<V> => {
      if (tile % tilesOfGroup === 0) tape.begin()
      // A total that rotations have spread stands in every slot.
      const value = cleared && node.operation !== 'replicate' ? whole(node, tile) : at(node, tile)
      return { output, tile, value: on.finished(value, node) }
    })
  })
  return { steps: tape.steps, inputs: [...inputs.values()], outputs: found }
}

/** Diagonals of one tile's part of a matrix: all that stands `shift` columns away, in the same row of slots or the other. */
interface Diagonals {
  readonly tile: number
  readonly flipped: boolean
  /** shift -> value by slot of the result. */
  readonly by: ReadonlyMap<number, Constant>
}

const diagonalsOf = (
  transform: Transform,
  { slots, rows }: { readonly slots: number; readonly rows: number },
  tile: number,
): readonly Diagonals[] => {
  const half = slots / rows
  const parts = new Map<string, { tile: number; flipped: boolean; by: Map<number, Map<number, number>> }>()
  for (const [to, from, value] of transform.entries) {
    if (Math.floor(to / slots) !== tile) continue
    const [out, source] = [to % slots, from % slots]
    const flipped = out >= half !== source >= half
    const distance = ((source % half) - (out % half) + half) % half
    // Centred, so that the diagonals next to the main one stand together.
    const shift = distance >= half / 2 ? distance - half : distance
    const name = `${Math.floor(from / slots)}/${flipped}`
    const part = parts.get(name) ?? { tile: Math.floor(from / slots), flipped, by: new Map() }
    parts.set(name, part)
    const diagonal = part.by.get(shift) ?? new Map<number, number>()
    part.by.set(shift, diagonal)
    diagonal.set(out, (diagonal.get(out) ?? 0) + value)
  }
  return [...parts.entries()].map(([name, { by, ...part }]) => {
    const constants = [...by].map(([shift, entries]): readonly [number, Constant] => {
      const values = [...entries.values()]
      const most = values.reduce((all, x) => Math.max(all, Math.abs(x)), 0)
      const integer = (place: number, t: bigint): bigint => BigInt(entries.get(place) ?? 0) % t
      const key = `${transform.key}/${tile}/${name}/${shift}`
      return [shift, { key, uniform: false, most, integer, real: (place) => entries.get(place) ?? 0 }]
    })
    return { ...part, by: new Map(constants) }
  })
}

/**
 * Σ diagonal_k · rot_k(x) by baby steps and giant steps (Halevi and Shoup, ia.cr/2014/106 section 4 and ia.cr/2018/244): k =
 * g·b + j, Σ_g rot_(g·b)(Σ_j rot_(-g·b)(diagonal) · rot_j(x)). Baby steps are single steps one after the other and giant
 * steps a Horner scheme, so that two rotation keys are enough.
 */
const applyDiagonals = <V extends Value>(on: Arithmetic<V>, x: V, { flipped, by }: Diagonals): V => {
  const shifts = [...by.keys()].sort((a, b) => a - b)
  const start = flipped ? on.rotate(x, 0, true) : x
  const sum = (values: readonly V[]): V => values.reduce((all, value) => on.combine('add', all, value))
  if (shifts.length <= 3) {
    return sum(shifts.map((k) => on.diagonal(k === 0 ? start : on.rotate(start, k, false), by.get(k)!, 0, false)))
  }
  const [least, greatest] = [shifts[0]!, shifts.at(-1) ?? 0]
  const babies = Math.ceil(Math.sqrt(greatest - least + 1))
  const moved = least === 0 ? start : on.rotate(start, least, false)
  const baby: V[] = [moved]
  const babyAt = (j: number): V => (baby[j] ??= on.rotate(babyAt(j - 1), 1, false))
  let total: V | undefined
  for (let g = Math.floor((greatest - least) / babies); g >= 0; g--) {
    const inner: V[] = []
    for (let j = 0; j < babies; j++) {
      const diagonal = by.get(least + g * babies + j)
      if (diagonal !== undefined) inner.push(on.diagonal(babyAt(j), diagonal, g * babies, false))
    }
    if (total !== undefined) total = on.rotate(total, babies, false)
    if (inner.length > 0) total = total === undefined ? sum(inner) : on.combine('add', total, sum(inner))
  }
  return total!
}
