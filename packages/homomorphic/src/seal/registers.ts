/**
 * Registers of a program as ciphertexts of SEAL, each for as long as it is needed: an input is loaded by the first
 * instruction that reads it, what no later one reads is computed on in place or given back, and an output leaves with the last
 * instruction that touches it. A batch goes through SEAL's heap a few ciphertexts at a time, most of them still in the cache.
 */
import { TallyError } from '@tallystick/core'
import type { Instruction, RingCiphertext, RlweEvaluateInput } from '@tallystick/kernels'
import type { Ciphertext, MainModule, SEALContext } from 'node-seal/allows'
import { ciphertextInPlace, ciphertextPieces, readCiphertext, type Scratch } from './format.ts'

/** Ciphertexts in this buffer have `headroomBytes` before their residues that may be written to. */
export interface Roomy {
  readonly arena?: ArrayBuffer
}

export interface Loader {
  readonly context: SEALContext
  /** parms_id by the number of primes left. */
  readonly identity: (level: number) => Uint8Array
}

/** @throws TallyError api/misuse */
export const misuse = (message: string): never => {
  throw new TallyError('api/misuse', 'self', `rlwe/evaluate on SEAL: ${message}`)
}

export const takesPlain = ([name]: Instruction): boolean => name === 'add-plain' || name === 'multiply-plain'

/** The second register that an instruction reads. */
const otherOf = ([name, , , second]: Instruction): number | undefined =>
  name === 'add' || name === 'subtract' || name === 'multiply' ? second : undefined

type Text = Pick<RlweEvaluateInput, 'program' | 'outputs'>

/** By instruction, whether what it reads is read by none after it. */
const deathsOf = ({ program, outputs }: Text) => {
  const needed = new Set(outputs)
  const deaths: { first: boolean; second: boolean }[] = []
  for (const instruction of program.toReversed()) {
    const [, out, first] = instruction
    const second = otherOf(instruction)
    needed.delete(out)
    deaths.push({ first: !needed.has(first), second: second !== undefined && !needed.has(second) })
    needed.add(first)
    if (second !== undefined) needed.add(second)
  }
  return deaths.toReversed()
}

const lastTouches = ({ program }: Text): ReadonlyMap<number, number> => {
  const last = new Map<number, number>()
  for (const [i, instruction] of program.entries()) {
    const second = otherOf(instruction)
    for (const register of [instruction[1], instruction[2], ...(second === undefined ? [] : [second])]) {
      last.set(register, i)
    }
  }
  return last
}

export const createRegisters = (
  seal: MainModule,
  { context, identity }: Loader,
  input: RlweEvaluateInput & Roomy,
  scratch: Scratch,
) => {
  const waiting: (RingCiphertext | undefined)[] = [...input.inputs]
  const values: (Ciphertext | undefined)[] = []
  const saved = new Map<number, RingCiphertext>()
  const [deaths, last, outputs] = [deathsOf(input), lastTouches(input), new Set(input.outputs)]
  /** What is begun and in no register: nothing in SEAL's heap may be left behind. */
  let begun: Ciphertext | undefined

  const begin = (): Ciphertext => (begun = new seal.Ciphertext())
  const load = ({ level, size, scale, correction, residues }: RingCiphertext): Ciphertext => {
    const out = begin()
    const value = { identity: identity(level), degree: input.degree, level, size, scale, correction, residues }
    const roomy = input.arena !== undefined && residues.buffer === input.arena
    out.loadFromArray(context, roomy ? ciphertextInPlace(value) : scratch(ciphertextPieces(value)))
    return out
  }
  const at = (register: number): Ciphertext => {
    const known = values[register]
    if (known !== undefined) return known
    const loaded = load(waiting[register] ?? misuse(`register ${register} is empty`))
    values[register] = loaded
    begun = undefined
    return loaded
  }
  const drop = (register: number): void => {
    values[register]?.delete()
    values[register] = undefined
    waiting[register] = undefined
  }
  const save = (register: number): RingCiphertext => {
    const { degree: _, ...value } = readCiphertext(at(register).saveToArray(seal.ComprModeType.none) as Uint8Array)
    saved.set(register, value)
    drop(register)
    return value
  }

  return {
    /** Runs instruction `i`: `work` changes `target`, which is the first operand or a copy of it. */
    step(i: number, instruction: Instruction, work: (target: Ciphertext, other: Ciphertext | undefined) => void): void {
      const [, out, first] = instruction
      const second = otherOf(instruction)
      const a = at(first)
      const b = second === undefined ? undefined : at(second)
      const ends = deaths[i]!
      const inPlace = ends.first && b !== a
      const target = inPlace ? a : begin()
      if (!inPlace) target.assign(a)
      work(target, b)
      if (inPlace) values[first] = undefined
      begun = undefined
      if (ends.first && first !== out) drop(first)
      if (ends.second && second !== out && second !== undefined) drop(second)
      drop(out)
      values[out] = target
      if (outputs.has(out) && last.get(out) === i) save(out)
    },
    outputs: (): readonly RingCiphertext[] => input.outputs.map((register) => saved.get(register) ?? save(register)),
    release(): void {
      begun?.delete()
      for (const value of values) value?.delete()
    },
  }
}
