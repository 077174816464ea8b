/**
 * Instructions in single-assignment form, as a lowering writes them, and as the calls of the kernel that run them: a group
 * is a call, its values are given registers that are used again, and what later groups need comes back from it.
 */
import type { Instruction } from '@tallystick/kernels'
import type { Constant } from '../operators/graph.ts'

/** A plaintext operand, encoded when it is needed. */
export interface PlainOperand {
  readonly constant: Constant
  /** Of a constant that differs by place: the slots from tile · slots on. */
  readonly tile: number
  /** Slots stand as many steps to the right (they are rotated back later), in the other row where flipped. */
  readonly shift: number
  readonly flipped: boolean
  /** CKKS: the level and the scale that it is encoded for. */
  readonly level: number
  readonly scale: number
  readonly key: string
}

/** Names `out`, `a` and `b` are values, not registers. */
export interface Step {
  readonly name: Instruction[0]
  readonly out: number
  readonly a: number
  /** Another value, or a Galois element. */
  readonly b: number
  readonly plain: PlainOperand | undefined
  readonly group: number
}

export interface Call {
  /** Values that registers 0, 1, … hold at the start, and those that come back. */
  readonly inputs: readonly number[]
  readonly outputs: readonly number[]
  readonly program: readonly Instruction[]
  readonly registers: readonly number[]
  readonly plains: readonly PlainOperand[]
  readonly galois: boolean
}

const binary = new Set(['add', 'subtract', 'multiply'])
const usesOf = ({ name, a, b }: Step): readonly number[] => (binary.has(name) ? [a, b] : [a])

/** `kept`: values that are results. */
export const callsOf = (steps: readonly Step[], kept: readonly number[]): readonly Call[] => {
  const groups = new Map<number, Step[]>()
  for (const step of steps) groups.set(step.group, [...(groups.get(step.group) ?? []), step])
  const needed = new Map<number, Set<number>>()
  for (const step of steps) {
    for (const value of usesOf(step)) needed.set(value, (needed.get(value) ?? new Set()).add(step.group))
  }
  return [...groups].map(([group, own]) => {
    const beyond = (value: number): boolean =>
      kept.includes(value) || [...(needed.get(value) ?? [])].some((other) => other !== group)
    return callOf(own, beyond)
  })
}

const callOf = (steps: readonly Step[], beyond: (value: number) => boolean): Call => {
  const made = new Set(steps.map(({ out }) => out))
  const inputs = [...new Set(steps.flatMap(usesOf).filter((value) => !made.has(value)))]
  const lastUse = new Map<number, number>()
  steps.forEach((step, at) => usesOf(step).forEach((value) => lastUse.set(value, at)))
  const register = new Map(inputs.map((value, i) => [value, i]))
  const free: number[] = []
  let count = inputs.length
  const plains = new Map<string, number>()
  const operands: PlainOperand[] = []
  const plainOf = (operand: PlainOperand): number => {
    const known = plains.get(operand.key)
    if (known !== undefined) return known
    plains.set(operand.key, operands.length)
    return operands.push(operand) - 1
  }
  const program = steps.map((step, at): Instruction => {
    const { name, out, a, b, plain } = step
    const [first, second] = [register.get(a)!, binary.has(name) ? register.get(b)! : b]
    for (const value of new Set(usesOf(step))) {
      if (lastUse.get(value) === at && !beyond(value)) free.push(register.get(value)!)
    }
    const place = free.pop() ?? count++
    register.set(out, place)
    const third = plain === undefined ? second : plainOf(plain)
    const unary = plain === undefined && !binary.has(name) && name !== 'rotate'
    return (unary ? [name, place, first] : [name, place, first, third]) as Instruction
  })
  const outputs = [...made].filter(beyond)
  return {
    ...{ inputs, outputs, program, plains: operands, registers: outputs.map((value) => register.get(value)!) },
    galois: steps.some(({ name }) => name === 'rotate' || name === 'relinearise'),
  }
}

/** Calls that may be under way at once. */
const atOnce = 4

/** Calls in the order in which they run, those of one wave side by side; `given` are values that are there at the start. */
export const wavesOf = (calls: readonly Call[], given: ReadonlySet<number>): readonly (readonly Call[])[] => {
  const there = new Set(given)
  const waves: (readonly Call[])[] = []
  for (let waiting = [...calls]; waiting.length > 0;) {
    const wave = waiting.filter(({ inputs }) => inputs.every((id) => there.has(id))).slice(0, atOnce)
    for (const { outputs } of wave) for (const id of outputs) there.add(id)
    waves.push(wave)
    waiting = waiting.filter((call) => !wave.includes(call))
  }
  return waves
}
