/**
 * Plans: from a program to a ring, instructions and keys. All rings at 128 bits of security that have room for the
 * worst-case noise are compared by the seconds that they would take; where there is none, the program is refused before
 * anything is encrypted, with what to change.
 */
import { TallyError } from '@tallystick/core'
import { fermatModulus, type Mode } from '../operators/arithmetic.ts'
import { elaborate, type Elaborated, type Output } from '../operators/elaborate.ts'
import type { Program } from '../operators/expression.ts'
import { refuse } from '../operators/graph.ts'
import { largestModulus, type Ring } from '../parameters.ts'
import { approximateArithmetic, type ApproximateOptions, type ApproximateValue } from './approximate.ts'
import { exactArithmetic } from './exact.ts'
import { callsOf, wavesOf, type Call, type Step } from './instructions.ts'
import { createTape, lower, NoRoom, tilesOf, type Lowered, type Value } from './lower.ts'
import { approximateRing, exactRings, plainModuli } from './rings.ts'
import { secondsOf } from './seconds.ts'

export interface PlanOptions {
  /**
   * The greatest error that any number of the outputs may have. Real arithmetic (CKKS) is considered then too, and its
   * error bounded; without, results are exact. An approximate result tells its noise, and with it of the key (Li,
   * Micciancio, ia.cr/2020/1533): only the holder of the key may see it, as it comes, unless it is flooded.
   */
  readonly precision?: number
  /**
   * How many answers under one key its holder hands on to others, 0 unless told. Where they are approximate, `decrypt`
   * floods them (ia.cr/2011/613), and gives no more than these. Between parties it is one, which is always flooded.
   */
  readonly releases?: number
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
  /** 1 where exact. */
  readonly scale: number
}

export interface Plan {
  readonly program: Program
  readonly scheme: 'bgv' | 'ckks'
  /** Of inputs; 1 where exact. */
  readonly scale: number
  /** No number of an output is further off, by name; 0 where exact. */
  readonly errors: Readonly<Record<string, number>>
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
  /** Approximate answers that are flooded when they are decrypted; 0 where they are for the holder of the key alone. */
  readonly releases: number
  /** Bits of room that the fullest result has left, by the worst-case bound. */
  readonly roomBits: number
  /** Of one core at who computes. */
  readonly seconds: number
}

interface Candidate {
  readonly rings: readonly Ring[]
  readonly lowered: Lowered<Value>
  readonly scale: number
  readonly tiles: readonly PlannedOutput[]
  readonly errors: Readonly<Record<string, number>>
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
    const tiles = lowered.outputs.map(({ value: { id, level, flood }, output, tile }): PlannedOutput => {
      return { id, output, tile, level, flood, scale: 1 }
    })
    const errors = Object.fromEntries(elaborated.outputs.map(({ name }) => [name, 0]))
    const found = { rings, lowered, tiles, errors, scale: 1, targets: on.targets, roomBits: on.room(), elaborated }
    return { ...found, seconds: rings.length * secondsIn(lowered, rings[0]!, on.targets.size) }
  } catch (error) {
    if (error instanceof NoRoom) return undefined
    throw error
  }
}

const secondsIn = (lowered: Lowered<Value>, { degree, data, moduli, plainModulus }: Ring, targets: number): number =>
  secondsOf(lowered.steps, levelsOf(lowered, lowered.steps, data.length), {
    ...{ degree, exact: plainModulus > 0n, inputs: lowered.inputs.length * data.length },
    keys: targets * data.length * moduli.length,
  })

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

/** Of each output the largest error of its numbers, in the units of the program. */
const errorsOf = ({ outputs }: Elaborated, lowered: Lowered<ApproximateValue>, slots: number) => {
  const errors: Record<string, number> = {}
  for (const { output, value } of lowered.outputs) {
    const { name, node, finish } = outputs[output]!
    // A total is the sum of all slots: their number times the constant coefficient. The slope of the logistic function is
    // at most 1/4.
    const own = node.spread ? slots * value.coefficients : value.error
    const rounding = 2 ** -44 * (node.spread ? slots : 1) * (value.most + value.error)
    const multiple = Math.abs(node.multiple) * (finish === 'logistic' ? 0.25 : 1)
    errors[name] = Math.max(errors[name] ?? 0, multiple * (own + rounding))
  }
  return errors
}

const approximately = (
  elaborated: Elaborated,
  ring: Ring,
  scaleBits: number,
  precision: number,
  options: ApproximateOptions,
): Candidate | undefined => {
  const tape = createTape()
  const scale = 2 ** (options.width * scaleBits)
  const on = approximateArithmetic(ring, scale, tape, options)
  try {
    const nodes = elaborated.outputs.map(({ node }) => node)
    const lowered = lower(nodes, on, tape, options.flooded > 0)
    const errors = errorsOf(elaborated, lowered, on.slots)
    if (!Object.values(errors).every((error) => error <= precision)) return undefined
    const tiles = lowered.outputs.map(({ value, output, tile }): PlannedOutput => {
      return { id: value.id, output, tile, level: value.level, flood: value.flood, scale: on.scaleOf(value) }
    })
    const found = { rings: [ring], lowered, tiles, errors, scale, targets: on.targets, roomBits: 0, elaborated }
    return { ...found, seconds: secondsIn(lowered, ring, on.targets.size) }
  } catch (error) {
    if (error instanceof NoRoom) return undefined
    throw error
  }
}

/** The smallest rings of CKKS that keep the precision: fewest primes, then the widest scale for them. */
const approximateCandidates = (
  program: Program,
  precision: number,
  parties: boolean,
  releases: number,
): readonly Candidate[] => {
  const elaborated = elaborate(program, { exact: false, fermat: false }, releases > 0)
  const found: Candidate[] = []
  const ciphertexts = (degree: number): number =>
    elaborated.outputs.reduce((sum, { node }) => sum + tilesOf(node.length, degree / 2), 0)
  for (const degree of Object.keys(largestModulus).map(Number)) {
    for (let primes = 1; primes <= 18; primes++) {
      const widest = Math.min(49, primes === 1 ? 45 : Math.floor((largestModulus[degree]! - 100) / (primes - 1)))
      const ring = widest < 34 ? undefined : approximateRing(degree, primes, widest)
      // A narrower scale leaves more of the first prime for large results.
      const scales = [widest, 45, 40, 36].filter((bits, i) => bits <= widest && (i === 0 || bits < widest))
      const flooded = releases * ciphertexts(degree)
      const fit = scales.flatMap((bits) => {
        const own = bits === widest ? ring : approximateRing(degree, primes, bits)
        if (own === undefined) return []
        const widths = flooded > 0 ? [2, 3] : [1]
        return widths.flatMap(
          (width) => approximately(elaborated, own, bits, precision, { width, parties, flooded }) ?? [],
        )
      })
      if (fit[0] === undefined) continue
      found.push(fit[0])
      break
    }
  }
  return found
}

const mostCipherSeconds = 3600

/** Results are as precise as columns that say how many decimals they have. */
const isExact = ({ inputs }: Program): boolean => Object.values(inputs).every(({ decimals }) => decimals !== undefined)

const candidatesFor = (program: Program, options: PlanOptions) => {
  const { parties = false, precision } = options
  const found: Candidate[] = []
  let refusal: unknown
  const consider = (candidates: () => readonly Candidate[]): void => {
    try {
      found.push(...candidates())
    } catch (error) {
      if (!(error instanceof TallyError) || error.code !== 'terms/unsupported') throw error
      refusal ??= error
    }
  }
  if (precision === undefined || isExact(program)) {
    for (const fermat of [false, true]) consider(() => exactCandidates(program, { exact: true, fermat }, parties))
  }
  if (precision !== undefined) {
    consider(() => approximateCandidates(program, precision, parties, releasesOf(options)))
  }
  return { found, refusal }
}

const releasesOf = ({ parties = false, releases = 0 }: PlanOptions): number => {
  if (!Number.isSafeInteger(releases) || releases < 0) {
    throw new TallyError('api/misuse', 'self', 'expected a whole number of releases')
  }
  return parties ? 1 : releases
}

/**
 * The cheapest plan that has room for a program.
 * @throws TallyError terms/malformed for what is no program; terms/unsupported where no ring has room for it
 */
export const planOf = (program: Program, options: PlanOptions = {}): Plan => {
  const { found, refusal } = candidatesFor(program, options)
  const best = found.reduce<Candidate | undefined>(
    (least, candidate) => (least === undefined || candidate.seconds < least.seconds ? candidate : least),
    undefined,
  )
  if (best === undefined) throw refusal ?? tooDeep(options)
  if (best.seconds > mostCipherSeconds) throw tooLong(best.seconds)
  const { rings, lowered, elaborated, tiles, scale, errors } = best
  const kept = new Set(tiles.map(({ id }) => id))
  const inputs = new Map(lowered.inputs.map(({ value, name, tile }) => [value.id, { id: value.id, name, tile }]))
  const waves = wavesOf(callsOf(lowered.steps, [...kept]), new Set(inputs.keys()))
  const order = [...waves.flat().flatMap((call) => call.inputs), ...kept]
  return {
    ...{ program, rings, scale, errors, waves, tiles, parties: options.parties ?? false },
    ...(scale === 1
      ? { scheme: 'bgv' as const, slots: rings[0]!.degree }
      : { scheme: 'ckks' as const, slots: rings[0]!.degree / 2 }),
    releases: scale === 1 ? 0 : releasesOf(options),
    targets: Uint32Array.from([...best.targets].sort((a, b) => a - b)),
    inputs: [...new Set(order)].flatMap((id) => inputs.get(id) ?? []),
    outputs: elaborated.outputs,
    roomBits: best.roomBits,
    seconds: best.seconds,
  }
}

const tooDeep = (options: PlanOptions): TallyError => {
  const { precision } = options
  const flooded = precision !== undefined && releasesOf(options) > 0
  return refuse(
    `expected a program that a ring of degree 32768 has room for, found more products one after the other${precision === undefined ? '' : ', more precision'} or larger numbers${flooded ? ', with the noise that hides the key from whoever sees the results' : ''}`,
    'multiply fewer ciphertexts by each other in a row, declare narrower ranges, fewer decimals or less precision, or split the program in two',
  )
}

const tooLong = (seconds: number): TallyError =>
  refuse(
    `expected at most an hour of one core, found ${Math.round(seconds)} seconds`,
    'declare fewer rows or narrower ranges',
  )
