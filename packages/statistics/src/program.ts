/**
 * The figures of a plan over tables, computed on shares of them.
 *
 *     every owner      sums over its own data in clear; shares of them, and of rows where a figure needs rows
 *     who computes     the program: products, comparisons, roots, inverses of shared numbers
 *     helper, if any   deals triples for it, and gets nothing but contributions to keys
 *     ==============   checkpoint   ==============
 *     to the receivers of the terms: the figures, and nothing else
 *
 * - `statistics/rep3`: p0, p1, p2 compute, under replicated secret sharing (Araki et al. 2016, ia.cr/2016/768;
 *   `@tallystick/mpc`), and may have tables themselves; `statistics/rep3/owners-k` with k owners beside them.
 *   Security: semi-honest, one of the three may be corrupt; two together know everything.
 * - `statistics/semi2k`: two owners compute, p0 and p1, on additive shares with triples of a helper (Beaver 1991; `semi2k` of
 *   `@tallystick/mpc`). Security: semi-honest, one owner may be corrupt, or the helper. **The helper and one owner together, or
 *   the helper and whoever reads what the owners send each other, know everything.**
 * - `statistics/semi2k-bgv`: the same two and nobody else; products over both rings from BGV ciphertexts, bits from oblivious
 *   transfers (`semi2k` of `@tallystick/mpc`). Security: semi-honest, one owner may be corrupt; ring learning with errors.
 *
 * Both: AES-128 as a pseudorandom function. What a receiver learns is the figures: whatever follows from them it may
 * conclude, also about single rows where a figure is about few. With two owners that is more than with three: what is not
 * one's own is the other's, so that a sum over both less one's own sum is the sum of the other.
 * Leakage: row counts stand in the terms. In vertical tables all that learn figures learn whether the ids of all owners are
 * the same. Nothing is opened before the checkpoint.
 * Low bits: approximate figures are opened with some bits more than are kept, whose truncation is random (algebra.ts).
 * Under both a truncation gives the floor, or one unit more with the probability of the fraction, for magnitudes below
 * 2^62 (2^126), which is what plans are bounded by (bounds.ts): the errors of figures are the same.
 * Cost: exact, from the parameters (`explain.ts`). Constant time: as the backend's; an owner's work on its own rows is not.
 */
import {
  integersOfWords,
  wordsOfIntegers,
  programProtocol,
  semi2kProgram,
  type Arithmetic,
  type Backend,
  type Inputs,
  type InputSpec,
  type Outputs,
  type Program,
  type ProgramProtocol,
  type Semi2kProtocol,
} from '@tallystick/mpc'
import { TallyError, type Json } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import { outputFigure } from './catalogue.ts'
import { requireOneCut } from './cuts.ts'
import { decodeTable, type Rows, type Table } from './columns.ts'
import type { Figure, Opened, Rounding } from './figure.ts'
import { parseParameters } from './parameters.ts'
import { computingOf, mostOwners, ownerRoles, receiversOf, type Parameters } from './plan.ts'
import { coinBytes, drawNoise, lengthOf } from './privacy/index.ts'
import { idWords } from './ids.ts'
import { scopeOf, type Scope } from './scope.ts'
import { needsOf, type Needs } from './needs.ts'
import { alignment, encodeInputs, givenOf, specsOf } from './shares.ts'

/** What the receivers get: opened vectors by figure, whole numbers in decimal, and whether the ids fitted. */
export interface Output {
  readonly aligned: boolean
  /** By name of the output, then in the order of the figure. */
  readonly opened: Readonly<Record<string, readonly (readonly bigint[])[]>>
}

interface Prepared {
  readonly scope: Scope
  readonly figures: readonly Figure[]
  readonly needs: Needs
}

/** A problem with a figure, with its name. */
const ofFigure = <T>(name: string, make: () => T): T => {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof TallyError)) throw error
    const { code, blame, message, remedy } = error
    throw new TallyError(code, blame, `figure "${name}": ${message}`, {
      ...(remedy !== undefined && { remedy }),
      cause: error,
    })
  }
}

export const prepare = (parameters: Parameters): Prepared => {
  const scope = scopeOf(parameters)
  const figures = parameters.outputs.map((output) => ofFigure(output.name, () => outputFigure(scope, output)))
  return { scope, figures, needs: needsOf(scope, figures) }
}

const sensitivitiesOf = ({ noise }: Figure) => noise!.map(({ sensitivity }) => sensitivity)

/** What each computing party adds to a figure. */
const noisySpecs = (parameters: Parameters, figures: readonly Figure[]): readonly InputSpec[] =>
  parameters.outputs.flatMap(({ privacy }, f) =>
    privacy === undefined
      ? []
      : computingOf(parameters).map((owner) => ({
          ...{ name: `${owner}/noise/${f}`, owner, ring: 128 as const },
          length: lengthOf(sensitivitiesOf(figures[f]!)),
        })),
  )

const computes = (parameters: Parameters, role: string): boolean =>
  (computingOf(parameters) as readonly string[]).includes(role)

const noiseOf = (parameters: Parameters, figures: readonly Figure[], role: string, coins: Uint8Array | undefined) =>
  Object.fromEntries(
    parameters.outputs.flatMap(({ privacy }, f) => {
      if (privacy === undefined || !computes(parameters, role)) return []
      const sensitivities = sensitivitiesOf(figures[f]!)
      // The ideal functionality in clear draws none.
      const none = new Float64Array(lengthOf(sensitivities))
      const noise = coins === undefined ? none : drawNoise(coins, f, privacy, sensitivities)
      return [[`${role}/noise/${f}`, wordsOfIntegers(128, noise)]]
    }),
  )

/** The figure with the noise of all who compute added to its vectors. */
const withNoise = (
  backend: Backend,
  parameters: Parameters,
  inputs: Inputs,
  f: number,
  vectors: readonly Arithmetic[],
): readonly Arithmetic[] => {
  const noises = computingOf(parameters).flatMap(
    (role) => inputs[`${role}/noise/${f}`] ?? [],
  ) as readonly Arithmetic<128>[]
  const [first, ...others] = noises
  if (first === undefined) return vectors
  const all = others.reduce((sum, noise) => backend.add(sum, noise), first)
  let at = 0
  return vectors.map((vector) => backend.add(vector as Arithmetic<128>, backend.slice(all, at, (at += vector.length))))
}

const ringOfName = (name: string): 64 | 128 => (name.endsWith('/64') ? 64 : 128)

/** Names in order: figure, vector, ring. */
const vectorName = (figure: number, vector: number, { ring }: Arithmetic): string => `${figure}/${vector}/${ring}`

function* compute(backend: Backend, parameters: Parameters, inputs: Inputs): Routine<Outputs> {
  const { scope, figures, needs } = prepare(parameters)
  const [opened, aligned] = yield* backend.join(
    function* (branch) {
      const given = yield* givenOf(branch, scope, needs, inputs)
      const vectors = yield* branch.join(...figures.map((figure) => (part: Backend) => figure.open(part, given)))
      return vectors.map((each, f) => withNoise(branch, parameters, inputs, f, each))
    },
    (branch) => alignment(branch, scope, inputs),
  )
  const named = opened.flatMap((vectors, f) => vectors.map((vector, v) => [vectorName(f, v, vector), vector] as const))
  if (aligned === undefined) return Object.fromEntries(named)
  // Zeros instead of figures of rows that do not belong together.
  const narrow = backend.low(aligned)
  const kept = yield* backend.join(
    ...named.map(([, vector]) => (branch: Backend): Routine<Arithmetic> => {
      if (vector.ring === 64) return branch.multiply(vector as Arithmetic<64>, narrow)
      return branch.multiply(vector as Arithmetic<128>, aligned)
    }),
  )
  return Object.fromEntries([['aligned/128', aligned], ...named.map(([name], i) => [name, kept[i]!] as const)])
}

const halfUp = (value: bigint, bits: bigint): bigint => {
  if (bits <= 0n) return value
  const magnitude = value < 0n ? -value : value
  const rounded = ((magnitude + (1n << (bits - 1n))) >> bits) << bits
  return value < 0n ? -rounded : rounded
}

const bitLength = (value: bigint): number => (value < 0n ? -value : value).toString(2).length

/** Rounds symmetrically; the units stay. */
const roundOpened = (values: Opened, rounding: Rounding | undefined): Opened => {
  if (rounding === undefined) return values
  return values.map((value) =>
    halfUp(value, BigInt('drop' in rounding ? rounding.drop : bitLength(value) - rounding.keep)),
  )
}

/** The figure of an output of the program, by its name. */
const figureIndex = (name: string): number => Number(name.split('/')[0])

/** What the program is for. */
interface Kind {
  readonly id: string
  readonly version: number
  /** Beside those who compute. */
  readonly owners: number
  /** Where triples come from, if two compute. */
  readonly triples?: 'helper' | 'bgv'
}

const dealingOf = ({ helper, triples }: Pick<Parameters, 'helper' | 'triples'>) =>
  helper === true ? 'helper' : triples

const programOf = ({ id, version, owners, triples }: Kind): Program<Parameters, Table, Output> => ({
  ...{ id, version },
  owners: ownerRoles(owners),
  parameters: (value) => {
    const parameters = parseParameters(value)
    const found = dealingOf(parameters)
    if (found !== triples) {
      const told = (source?: string): string => (source === undefined ? 'three' : `two (${source})`)
      const message = `expected parameters for ${told(triples)} parties that compute, found them for ${told(found)}`
      throw new TallyError('terms/malformed', 'self', message, {
        remedy: 'make the terms anew with "tally stats plan"',
      })
    }
    if ((parameters.owners ?? 0) !== owners) {
      const message = `expected parameters for ${owners} owners that do not compute, found ${parameters.owners ?? 0}`
      throw new TallyError('terms/malformed', 'self', message, {
        remedy: 'make the terms anew with "tally stats plan"',
      })
    }
    const { scope, needs } = prepare(parameters)
    requireOneCut(parameters)
    specsOf(scope, needs)
    return parameters
  },
  inputs: (parameters) => {
    const { scope, needs, figures } = prepare(parameters)
    return [...specsOf(scope, needs), ...noisySpecs(parameters, figures)]
  },
  coins: (parameters, role) =>
    computes(parameters, role) && parameters.outputs.some(({ privacy }) => privacy !== undefined) ? coinBytes : 0,
  receivers: receiversOf,
  learns: ({ outputs }, receiver, name) =>
    name.startsWith('aligned/') || (outputs[figureIndex(name)]!.to?.includes(receiver) ?? true),
  digested: (parameters, role, table) => idWords(scopeOf(parameters), role, table),
  encode: (parameters, role, table, coins, digest) => {
    const { scope, needs, figures } = prepare(parameters)
    return { ...encodeInputs(scope, needs, role, table, digest), ...noiseOf(parameters, figures, role, coins) }
  },
  compute,
  decode: (parameters, words) => {
    const { figures } = prepare(parameters)
    const numbers = Object.entries(words).map(
      ([name, vector]) => [name, integersOfWords(ringOfName(name), vector)] as const,
    )
    const aligned = numbers.find(([name]) => name === 'aligned/128')?.[1][0]
    const opened = parameters.outputs.flatMap(({ name, to }, f) => {
      const vectors = numbers.filter(([key]) => key.startsWith(`${f}/`))
      // Directed to others.
      if (vectors.length === 0 && to !== undefined) return []
      return [[name, vectors.map(([, values], v) => [...roundOpened(values, figures[f]!.rounding?.[v])])] as const]
    })
    return { aligned: aligned !== 0n, opened: Object.fromEntries(opened) }
  },
})

export type Statistics = ProgramProtocol<Parameters, Table, Output>

const protocols: readonly Statistics[] = Array.from({ length: mostOwners + 1 }, (_, owners) =>
  programProtocol(
    programOf({
      id: owners === 0 ? 'statistics/rep3' : `statistics/rep3/owners-${owners}`,
      version: 3,
      owners,
    }),
  ),
)

/** The three computing parties, with tables or without: `statistics/rep3`. */
export const statistics = protocols[0]!

/** With so many owners beside them, `owner-1` and on: `statistics/rep3/owners-k`. */
export const statisticsWith = (owners: number): Statistics => protocols[owners]!

export type StatisticsOfTwo = Semi2kProtocol<Parameters, Table, Output>

/** Two owners, who compute, and a helper that sees nothing: `statistics/semi2k`. */
export const statisticsOfTwo: StatisticsOfTwo = semi2kProgram(
  programOf({ id: 'statistics/semi2k', version: 2, owners: 0, triples: 'helper' }),
  { parties: 2, triples: 'helper' },
)

/** Two owners, who compute with nobody's help: `statistics/semi2k-bgv`. */
export const statisticsOfTwoAlone: StatisticsOfTwo = semi2kProgram(
  programOf({ id: 'statistics/semi2k-bgv', version: 1, owners: 0, triples: 'bgv' }),
  { parties: 2, triples: 'bgv' },
)

/** The protocol that parameters are for. */
export const statisticsFor = (parameters: Pick<Parameters, 'owners' | 'helper' | 'triples'>) => {
  if (dealingOf(parameters) === 'bgv') return statisticsOfTwoAlone
  return parameters.helper === true ? statisticsOfTwo : statisticsWith(parameters.owners ?? 0)
}

/** A party's committed rows as its table; nothing for a role without one. */
export const tableInput = (rows: Rows, role: string, parameters: unknown): Table => {
  const { tables, layout } = parseParameters(parameters)
  const schema = tables[role]
  return decodeTable(schema ?? { columns: [] }, rows, schema !== undefined && layout === 'vertical')
}

/** The figures in the units of the columns, from what was opened: public work in clear. By name of the output. */
export const summarise = (parameters: Parameters, { aligned, opened }: Output): Readonly<Record<string, Json>> => {
  const { figures } = prepare(parameters)
  return Object.fromEntries(
    parameters.outputs.flatMap(({ name }, f) => {
      const vectors = opened[name]
      return vectors === undefined ? [] : [[name, aligned ? figures[f]!.read(vectors) : null]]
    }),
  )
}
