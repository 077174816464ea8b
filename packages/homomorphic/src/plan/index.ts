/**
 * Plans: from a program to a ring, instructions and keys. All rings at 128 bits of security that have room for the
 * worst-case noise are compared by the seconds that they would take; where there is none, the program is refused before
 * anything is encrypted, with what to change.
 */
import { TallyError } from '@tallystick/core'
import { elaborate, fermatModulus, type Elaborated, type Mode, type Output } from '../operators/elaborate.ts'
import type { Program } from '../operators/expression.ts'
import { refuse } from '../operators/graph.ts'
import { largestModulus, type Ring } from '../parameters.ts'
import { exactArithmetic, type ExactValue } from './exact.ts'
import { callsOf, wavesOf, type Call, type Step } from './instructions.ts'
import { createTape, lower, NoRoom, tilesOf, type Lowered, type Value } from './lower.ts'
import { exactRings, plainModuli } from './rings.ts'
import { secondsOf } from './seconds.ts'

export interface PlanOptions {
  /**
   * Whoever holds the key is not whoever encrypts: columns come under a public key, and results are masked and flooded so
   * that the holder of the key learns the outputs and nothing else.
   */
  readonly parties?: boolean
}

export interface PlannedInput {
  readonly id: number
  readonly name: string
  readonly tile: number
}

export interface PlannedOutput {
  readonly id: number
  /** Place in `outputs`. */
  readonly output: number
  readonly tile: number
  readonly level: number
  readonly flood: number
}

export interface Plan {
  readonly program: Program
  readonly scheme: 'bgv'
  /** Of each plain modulus: the program runs in all of them, and the Chinese remainder theorem joins the results. */
  readonly rings: readonly Ring[]
  readonly slots: number
  /** Galois elements that keys are needed for; 0 is relinearisation. */
  readonly targets: Uint32Array
  /** Calls of the kernel; those of one wave need nothing of each other. */
  readonly waves: readonly (readonly Call[])[]
  /** In the order in which they are needed. */
  readonly inputs: readonly PlannedInput[]
  readonly tiles: readonly PlannedOutput[]
  readonly outputs: readonly Output[]
  readonly parties: boolean
  /** Bits of room that the fullest result has left, by the worst-case bound. */
  readonly roomBits: number
  /** Of one core. */
  readonly seconds: number
}

interface Candidate {
  readonly rings: readonly Ring[]
  readonly lowered: Lowered<ExactValue>
  readonly targets: ReadonlySet<number>
  readonly roomBits: number
  readonly seconds: number
  readonly elaborated: Elaborated
}

const coefficientsOf = ({ outputs }: Elaborated, degree: number, planes: number): number =>
  outputs.reduce((sum, { node }) => sum + tilesOf(node.length, degree) * degree * planes, 0)

const attempt = (
  elaborated: Elaborated,
  rings: readonly Ring[],
  aligned: boolean,
  parties: boolean,
): Candidate | undefined => {
  const tape = createTape()
  const { degree } = rings[0]!
  const options = {
    ...{ aligned, freshUnderPublicKey: parties },
    floodedCoefficients: parties ? coefficientsOf(elaborated, degree, rings.length) : 0,
  }
  const on = exactArithmetic(rings, tape, options)
  try {
    const nodes = elaborated.outputs.map(({ node }) => node)
    const lowered = lower(nodes, on, tape)
    const seconds =
      rings.length * secondsOf(lowered.steps, levelsOf(lowered, tape.steps, rings[0]!.data.length), degree)
    return { rings, lowered, targets: on.targets, roomBits: on.room(), seconds, elaborated }
  } catch (error) {
    if (error instanceof NoRoom) return undefined
    throw error
  }
}

/** Level of each value, by following the steps: a step drops one where it says so. */
const levelsOf = (lowered: Lowered<Value>, steps: readonly Step[], top: number): ReadonlyMap<number, number> => {
  const levels = new Map<number, number>(lowered.inputs.map(({ value }) => [value.id, top]))
  for (const { name, out, a } of steps) levels.set(out, (levels.get(a) ?? top) - (name === 'rescale' ? 1 : 0))
  return levels
}

/** The fewest primes with room, for one way of splitting integers over plain moduli. */
const leastRing = (
  elaborated: Elaborated,
  degree: number,
  moduli: readonly bigint[],
  parties: boolean,
): Candidate | undefined => {
  for (let primes = 1; primes <= 18; primes++) {
    for (const aligned of [true, false]) {
      const rings = exactRings(degree, primes, moduli, aligned)
      const found = rings && attempt(elaborated, rings, aligned, parties)
      if (found) return found
    }
  }
  return undefined
}

const boundOf = ({ outputs }: Elaborated): number =>
  outputs.reduce((most, { node }) => Math.max(most, -2 * node.least, 2 * node.greatest), 0) * (1 + 2 ** -30) + 1

const tilesIn = ({ inputs }: Elaborated, degree: number): number =>
  Object.values(inputs).reduce((sum, node) => sum + tilesOf(node.length, degree), 0)

const exactCandidates = (program: Program, mode: Mode, parties: boolean): readonly Candidate[] => {
  const elaborated = elaborate(program, mode)
  const bound = boundOf(elaborated)
  const found: Candidate[] = []
  for (const degree of Object.keys(largestModulus).map(Number)) {
    const choices = mode.fermat ? [[fermatModulus]] : plainModuli(degree, bound, elaborated.apart)
    const fits = mode.fermat ? bound < 65_537 && elaborated.apart < 65_537 : true
    for (const moduli of fits ? choices : []) {
      const candidate = leastRing(elaborated, degree, moduli, parties)
      if (candidate !== undefined) found.push(candidate)
    }
    // A larger degree is worth it for many tiles only.
    if (found.length > 0 && tilesIn(elaborated, degree) <= Object.keys(program.inputs).length) break
  }
  return found
}

const mostCipherSeconds = 3600

/**
 * The cheapest plan that has room for a program.
 * @throws TallyError terms/malformed for what is no program; terms/unsupported where no ring has room for it
 */
export const planOf = (program: Program, { parties = false }: PlanOptions = {}): Plan => {
  const found: Candidate[] = []
  let refusal: unknown
  for (const fermat of [false, true]) {
    try {
      found.push(...exactCandidates(program, { exact: true, fermat }, parties))
    } catch (error) {
      if (!(error instanceof TallyError) || error.code !== 'terms/unsupported') throw error
      refusal ??= error
    }
  }
  const best = found.reduce<Candidate | undefined>(
    (least, candidate) => (least === undefined || candidate.seconds < least.seconds ? candidate : least),
    undefined,
  )
  if (best === undefined) throw refusal ?? tooDeep()
  if (best.seconds > mostCipherSeconds) throw tooLong(best.seconds)
  const { rings, lowered, elaborated } = best
  const results = lowered.outputs.map(({ value, output, tile }) => {
    const { id, level, flood } = value
    return { id, output, tile, level, flood }
  })
  const kept = new Set(results.map(({ id }) => id))
  const inputs = new Map(lowered.inputs.map(({ value, name, tile }) => [value.id, { id: value.id, name, tile }]))
  const waves = wavesOf(callsOf(lowered.steps, [...kept]), new Set(inputs.keys()))
  const order = [...waves.flat().flatMap((call) => call.inputs), ...kept]
  return {
    ...{ program, scheme: 'bgv', rings, slots: rings[0]!.degree, parties, waves },
    targets: Uint32Array.from([...best.targets].sort((a, b) => a - b)),
    inputs: [...new Set(order)].flatMap((id) => inputs.get(id) ?? []),
    tiles: results,
    outputs: elaborated.outputs,
    roomBits: best.roomBits,
    seconds: best.seconds,
  }
}

const tooDeep = (): TallyError =>
  refuse(
    'expected a program that a ring of degree 32768 has room for, found more products one after the other, or larger numbers',
    'multiply fewer ciphertexts by each other in a row, declare narrower ranges or fewer decimals, or split the program in two',
  )

const tooLong = (seconds: number): TallyError =>
  refuse(
    `expected at most an hour of one core, found ${Math.round(seconds)} seconds`,
    'declare fewer rows or narrower ranges',
  )
