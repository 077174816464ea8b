/**
 * A program over shares as a protocol: three computing parties p0, p1, p2 and any owners besides, each of whom brings
 * vectors, or receives outputs, or both. One program text serves the run, the count of its cost, and the ideal
 * functionality.
 *
 *     owner                       p0, p1, p2
 *     ------------------------------------------------------------------------------
 *     seed, share                 key, key (one contribution a pair and side)
 *         ------------------>     seed, share, if they bring vectors themselves
 *                                 the program: product, deal, masked, reshare, permuted, reveal …
 *     =============  checkpoint: all have signed all chain heads so far  ===========
 *         <------------------     result, to each receiver
 *
 * Security. As `rep3` (Araki et al., CCS 2016, ia.cr/2016/768): semi-honest, one corrupt party of the three, together
 * with any owners and receivers that do not compute; AES-128 a pseudorandom function. An active party can add errors
 * that only the audit by replay finds. Two computing parties together hold everything: no auditor gets two.
 * Leakage. Sizes, and what the program's statement names: `reveal`, `revealBits` and `order` open values in mid-run, and
 * so do all operators built on them (`sort`, `top`, `permute`, `partition`, `radixSort`, `groupBy`). A program that calls
 * them and states no leakage is refused, by its cost as by its run.
 * Openings in mid-run come before the checkpoint: no head was signed or compared when they leave. An active party that
 * adds an error to a product or a share before such an opening reads from it bits that depend on the secrets of others
 * (comparisons that no longer are those of a random permutation), and can then abort with no signature given. What it
 * sent accuses it only if somebody kept the evidence of that attempt. Terms of a program that states a leakage may
 * therefore allow one attempt only. Outputs, and programs without these calls, are not affected.
 * Refusal. A receiver may learn the outputs and withhold what the next receiver lacks, or refuse to sign the close.
 * Cost. Counted from the text: exact, or a bound where the program sorts by opened comparisons.
 * Constant time. But for the memory accesses of a shuffle, see `rep3/shuffle.ts`.
 */
import { TallyError } from '@tallystick/core'
import { digestWords } from '@tallystick/kernels'
import {
  defineProtocol,
  type Context,
  type Cost,
  type Party as Role,
  type Protocol,
  type Routine,
} from '@tallystick/protocol'
import type { Arithmetic, Backend, Shared, Words } from './backend.ts'
import { clear, clearShare, clearWords } from './clear.ts'
import { count } from './counting.ts'
import { isStated } from './leakage.ts'
import { rep3 } from './rep3/backend.ts'
import { give, sharesByName, take, type InputSpec } from './rep3/inputs.ts'
import { messages, type Messages } from './rep3/messages.ts'
import { openTo, receiveOutputs, wordsOfShape } from './rep3/outputs.ts'
import { agreeKeys, computing, partyOf, type Components, type Ctx, type Index } from './rep3/party.ts'
import { concatWords, limbsOf } from './words.ts'

/** Shared inputs by name. */
export type Inputs = Readonly<Record<string, Arithmetic>>
/** What the receivers learn, by name; the order of the names is that of the frames. */
export type Outputs = Readonly<Record<string, Shared>>
/** Vectors by name: what an owner brings, and what a receiver gets (bits as planes). */
export type Vectors = Readonly<Record<string, Words>>

export interface Program<P, In, Out> {
  /** `family/name`. */
  readonly id: string
  readonly version: number
  /** Roles that bring or receive data without computing. */
  readonly owners?: readonly string[]
  /** Checks what the terms say; throws TallyError terms/malformed for anything that this program cannot run. */
  readonly parameters: (value: unknown) => P
  /** Which vectors there are, whose, how long: from public parameters alone. Names are unique. */
  readonly inputs: (parameters: P) => readonly InputSpec[]
  /** Who learns the outputs. */
  readonly receivers: (parameters: P) => readonly string[]
  /** Whether a receiver learns the output of this name; each learns all unless told. */
  readonly learns?: (parameters: P, receiver: string, name: string) => boolean
  /** Bytes of private coins that a role draws for `encode`; none unless told. */
  readonly coins?: (parameters: P, role: string) => number
  /** Words of which `encode` wants the SHA-256: the engine's is ten times as fast as what a text can do. */
  readonly digested?: (parameters: P, role: string, input: In) => Words | undefined
  /**
   * What a role brings, as words; the work that it can do on its own data in clear belongs here. The digest of `digested` is
   * left out where there is no engine.
   */
  readonly encode: (parameters: P, role: string, input: In, coins?: Uint8Array, digest?: Uint8Array) => Vectors
  /** The text: no branch on anything but parameters and lengths. */
  readonly compute: (backend: Backend, parameters: P, inputs: Inputs) => Routine<Outputs>
  /** What a receiver makes of the opened vectors: public work in clear. */
  readonly decode: (parameters: P, opened: Vectors) => Out
  /** What roles gain that learn no output; undefined unless told. */
  readonly nothing?: Out
  /**
   * What each computing party learns beyond its output: "nothing" unless told, so a program that calls `reveal`,
   * `revealBits` or `order`, itself or by an operator, is refused without it (api/misuse).
   */
  readonly leakage?: string
  /** Where the sharing in clear is not the ideal (a truncation that rounds at random): what stands in its place. */
  readonly ideal?: (parameters: P, inputs: Readonly<Record<string, In>>) => Out
}

const isComputing = (role: string): boolean => (computing as readonly string[]).includes(role)

/** Who brings something, in one order for all. */
export const ownersOf = (specs: readonly InputSpec[]): readonly string[] =>
  [...new Set(specs.map(({ owner }) => owner))].sort()

/** One vector of all that a role brings, in the order of the specs: a copy. */
export const ownWords = (specs: readonly InputSpec[], vectors: Vectors): Words =>
  concatWords(
    specs.map(({ name, ring, length }) => {
      const words = vectors[name]
      if (words?.length === limbsOf(ring) * length) return words
      const found = words === undefined ? 'nothing' : `${words.length} words`
      const message = `"${name}": expected ${length} elements of ${ring} bits, found ${found}`
      throw new TallyError('input/malformed', 'self', message)
    }),
  )

/** Keys and inputs, all in one round; the shares by name. */
function* begin(ctx: Ctx, index: Index, specs: readonly InputSpec[], own: Words) {
  const owners = ownersOf(specs)
  const steps = owners.map((owner) => ctx.narrow(`inputs/${owner}`))
  const role = computing[index]
  const specsOf = (owner: string) => specs.filter((spec) => spec.owner === owner)
  const setup = ctx.narrow('setup')
  const [keys, ...components] = yield* ctx.join(
    () => agreeKeys(setup, index),
    ...owners.map((owner, i) => (): Routine<Components> => {
      const mine = specsOf(owner)
      return owner === role ? give(steps[i]!, mine, own) : take(steps[i]!, index, owner, mine)
    }),
  )
  const entries = owners.flatMap((owner, i) => sharesByName(specsOf(owner), components[i]!))
  return { keys, inputs: Object.fromEntries(entries) as Inputs }
}

/** Vectors by name. */
export const named = (names: readonly string[], values: readonly Words[]): Vectors =>
  Object.fromEntries(names.map((name, i) => [name, values[i]!]))

/** What a trusted third party would return. */
export const idealOf = <P, In, Out>(
  program: Program<P, In, Out>,
  parameters: P,
  inputs: Readonly<Record<string, In>>,
  receiver?: string,
): Out => {
  if (program.ideal !== undefined) return program.ideal(parameters, inputs)
  const specs = program.inputs(parameters)
  const vectors = Object.fromEntries(
    ownersOf(specs).map((owner) => [owner, program.encode(parameters, owner, inputs[owner]!)]),
  )
  const shares = specs.map(({ name, owner, ring }) => [name, clearShare(ring, vectors[owner]![name]!)] as const)
  const outputs = clear(program.compute, parameters, Object.fromEntries(shares))
  return program.decode(
    parameters,
    Object.fromEntries(
      Object.entries(outputs)
        .filter(([name]) => receiver === undefined || learnsOf(program, parameters)(receiver, name))
        .map(([name, value]) => [name, clearWords(value)]),
    ),
  )
}

/** The same by role: each receiver what it learns, all others what the program has for those that learn nothing. */
export const idealByRole = <P, In, Out>(
  program: Program<P, In, Out>,
  roles: readonly string[],
  parameters: P,
  inputs: Readonly<Record<string, In>>,
): Readonly<Record<string, Out | undefined>> => {
  const receivers = program.receivers(parameters)
  const common = program.learns === undefined ? idealOf(program, parameters, inputs) : undefined
  const outputOf = (role: string): Out => common ?? idealOf(program, parameters, inputs, role)
  return Object.fromEntries(roles.map((role) => [role, receivers.includes(role) ? outputOf(role) : program.nothing]))
}

/** Whether a receiver learns an output. */
export const learnsOf =
  <P, In, Out>({ learns }: Program<P, In, Out>, parameters: P) =>
  (receiver: string, name: string): boolean =>
    learns === undefined || learns(parameters, receiver, name)

/** What a role brings, with the coins that it draws for it and the digest that it asks for. */
export function* encoded<P, In, Out>(
  program: Program<P, In, Out>,
  ctx: Context<Messages, string>,
  parameters: P,
  input: In,
): Routine<Vectors> {
  const bytes = program.coins?.(parameters, ctx.role) ?? 0
  const words = program.digested?.(parameters, ctx.role, input)
  if (bytes === 0 && words === undefined) return program.encode(parameters, ctx.role, input)
  const step = ctx.narrow('encode')
  const coins = bytes === 0 ? undefined : step.rng.bytes(bytes)
  const digest = words === undefined ? undefined : yield* step.compute(digestWords, { words })
  return program.encode(parameters, ctx.role, input, coins, digest)
}

export type ProgramProtocol<P, In, Out> = Protocol<
  string,
  Messages,
  P,
  Readonly<Record<string, In>>,
  Readonly<Record<string, Out | undefined>>
>

/**
 * The protocol of a program under `rep3` (Araki et al. 2016, ia.cr/2016/768): semi-honest, one corrupt party of the
 * three; owners that do not compute may be corrupt with it and add nothing to what it sees but their own data.
 */
export const programProtocol = <P, In, Out>(program: Program<P, In, Out>): ProgramProtocol<P, In, Out> => {
  const roles = [...computing, ...(program.owners ?? [])]
  const stranger = (program.owners ?? []).find((role) => isComputing(role))
  if (stranger !== undefined) throw new TallyError('api/misuse', 'self', `${stranger} computes: it is an owner anyway`)

  function* compute(ctx: Context<Messages, string>, parameters: P, input: In): Routine<Out | undefined> {
    const index = (computing as readonly string[]).indexOf(ctx.role) as Index
    const specs = program.inputs(parameters)
    const mine = specs.filter(({ owner }) => owner === ctx.role)
    const own = mine.length === 0 ? new Uint32Array(0) : ownWords(mine, yield* encoded(program, ctx, parameters, input))
    const { keys, inputs } = yield* begin(ctx, index, specs, own)
    const party = partyOf(ctx, index, keys, 'main')
    const outputs = yield* program.compute(rep3(party, isStated(program.leakage)), parameters, inputs)
    yield* ctx.checkpoint()
    const learns = learnsOf(program, parameters)
    const names = Object.keys(outputs)
    const wanted = (receiver: string, i: number): boolean => learns(receiver, names[i]!)
    const opened = yield* openTo(party, program.receivers(parameters), Object.values(outputs), wanted)
    const mineOf = names.filter((name) => learns(ctx.role, name))
    return opened === undefined ? program.nothing : program.decode(parameters, named(mineOf, opened))
  }

  function* own(ctx: Context<Messages, string>, parameters: P, input: In): Routine<Out | undefined> {
    const mine = program.inputs(parameters).filter(({ owner }) => owner === ctx.role)
    if (mine.length > 0) {
      yield* give(
        ctx.narrow(`inputs/${ctx.role}`),
        mine,
        ownWords(mine, yield* encoded(program, ctx, parameters, input)),
      )
    }
    yield* ctx.checkpoint()
    if (!program.receivers(parameters).includes(ctx.role)) return program.nothing
    const { outputs } = count(program, parameters)
    const learns = learnsOf(program, parameters)
    const mineOf = outputs.filter(([name]) => learns(ctx.role, name))
    const largest = outputs.reduce((sum, [, shape]) => sum + wordsOfShape(shape), 0)
    const opened = yield* receiveOutputs(
      ctx,
      mineOf.map(([, shape]) => shape),
      largest,
    )
    return program.decode(
      parameters,
      named(
        mineOf.map(([name]) => name),
        opened,
      ),
    )
  }

  const party: Role<Messages, string, P, In, Out | undefined> = (ctx, parameters, input) =>
    isComputing(ctx.role) ? compute(ctx, parameters, input) : own(ctx, parameters, input)

  return defineProtocol<string, Messages, P, Readonly<Record<string, In>>, Readonly<Record<string, Out | undefined>>>({
    id: program.id,
    version: program.version,
    roles,
    messages,
    security: {
      adversary: 'semi-honest',
      corruptions: 1,
      computational: 128,
      statistical: 128,
      assumptions: ['AES-128 is a pseudorandom function', 'at most one of p0, p1, p2 is corrupt'],
      refusal: 'A receiver may learn the outputs and then withhold what another receiver lacks, or refuse to sign.',
    },
    leakage: Object.fromEntries(
      roles.map((role) => [role, isComputing(role) ? (program.leakage ?? 'nothing') : 'nothing']),
    ),
    ...(isStated(program.leakage) && { attempts: 1 }),
    parameters: program.parameters,
    cost: (parameters): Cost => count(program, parameters).cost,
    ideal: (parameters, inputs) => idealByRole(program, roles, parameters, inputs),
    parties: Object.fromEntries(roles.map((role) => [role, party])),
  })
}
