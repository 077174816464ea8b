/**
 * Sums and products over the field of p = 2^61 - 1 between n parties, t < n/2 of them corrupt: A. Shamir, "How to share a
 * secret" (CACM 1979); products by M. Ben-Or, S. Goldwasser, A. Wigderson (STOC 1988), section 3, in the form of R. Gennaro,
 * M. Rabin, T. Rabin, "Simplified VSS and fast-track multiparty computations" (PODC 1998), figure 2: everybody multiplies its
 * points, shares the result by a polynomial of degree t, and the weighed sum of these is one of degree t through the product.
 *
 *     p(i)                                                          every other p(j)
 *     ---------------------------------------------------------------------------------------
 *     key  <---------------------------------------------------->   key (one contribution a side)
 *     share: f(j + 1), f(0) = x, f of degree t          ---------->  to n - 1 - t of them; t have it from keys
 *     for each product:
 *     reshare: g(j + 1), g(0) = x_i y_i, g of degree t  ---------->  likewise;  z_j = sum of L_i g_i(j + 1)
 *     ================  checkpoint: all have signed all chain heads so far  ================
 *     result: z_i                                       ---------->  to each receiver
 *
 * What there is: sums, products, dot and matrix products. What there is not: comparisons, truncation and bits, which cost
 * some 3 kB each over a prime field. They go to a committee: three of the parties under `rep3`, to whom the owners share the
 * columns that are to be compared, and whose outputs are aggregates. Shares are not carried over from one to the other:
 * elements modulo p are no elements modulo 2^64.
 *
 * **Sums and products of 2^60 or more in magnitude wrap around unseen**: nothing here knows how large values are, so whoever
 * writes a program bounds them from what its terms allow.
 *
 * Security. Semi-honest, any t together learn nothing but their outputs. Keys: AES-128 a pseudorandom function; elements from
 * streams are 2^-61 from uniform, so a run of 2^20 of them is 2^-41 from what is simulated. More than t parties together
 * hold everything. An active party can add errors unseen: only the audit by replay finds that.
 * Leakage. Sizes. Refusal. A receiver may learn the outputs and withhold what the next receiver lacks, or refuse to sign.
 * Cost. A product, or a dot product of any length: one round, 8 (n - 1 - t) bytes from each of 2t + 1 parties: 8 of three,
 * 16 of five. An input likewise. Exact. Constant time: all of it.
 */
import { field61Dots, field61Multiply } from '@tallystick/kernels'
import { TallyError } from '@tallystick/core'
import { defineProtocol, type Cost, type Protocol, type Routine } from '@tallystick/protocol'
import type { Shape, Words } from '../backend.ts'
import { transfer, vector } from '../rep3/transfer.ts'
import { field61Combine } from '@tallystick/kernels'
import { concatWords } from '../words.ts'
import { addField, elementsOfStream, lagrange, negateField, subtractField } from './field.ts'
import { agreeKeys, computingOf, keyCoins, messages, partyOf, thresholdOf } from './party.ts'
import type { Ctx, Messages, Party, Setting } from './party.ts'
import { reduceDegree, resharersOf, shareAll } from './share.ts'

export { fieldOfIntegers, integersOfField, prime61 } from './field.ts'
export type { Setting as ShamirSetting } from './party.ts'

/** A shared vector of elements, two limbs of 32 bits each. Opaque. */
export interface FieldVector {
  readonly length: number
}
interface Held extends FieldVector {
  readonly part: Words
}

/** What a program over the field calls: as `Backend`, without what compares or truncates. */
export interface FieldBackend {
  constant(values: Words): FieldVector
  /** Equal lengths; or one side has one element. */
  add(x: FieldVector, y: FieldVector): FieldVector
  subtract(x: FieldVector, y: FieldVector): FieldVector
  negate(x: FieldVector): FieldVector
  /** Sums of consecutive runs of `every` elements. */
  sum(x: FieldVector, every: number): FieldVector
  concat(...parts: readonly FieldVector[]): FieldVector
  slice(x: FieldVector, from: number, to: number): FieldVector
  gather(x: FieldVector, index: Uint32Array): FieldVector
  /** x · public elements; no message, as the rest above. */
  scale(x: FieldVector, factors: Words): Routine<FieldVector>
  /** Element by element; one round. */
  multiply(x: FieldVector, y: FieldVector): Routine<FieldVector>
  /** One round, and as much as one product for each element of the result. */
  matrixProduct(x: FieldVector, y: FieldVector, shape: Shape): Routine<FieldVector>
}

const held = (part: Words): FieldVector => {
  const value: Held = { length: part.length / 2, part }
  return value
}
const partOf = (x: FieldVector): Words => {
  if (!('part' in x)) throw new TallyError('api/misuse', 'self', 'expected a share of this backend')
  return (x as Held).part
}

const stretch = (x: Words, words: number): Words => {
  if (x.length === words) return x
  const out = new Uint32Array(words)
  for (let i = 0; i < words; i += 2) out.set(x, i)
  return out
}

const gatherField = (x: Words, index: Uint32Array): Words => {
  const out = new Uint32Array(2 * index.length)
  index.forEach((from, i) => {
    out[2 * i] = x[2 * from]!
    out[2 * i + 1] = x[2 * from + 1]!
  })
  return out
}

/** Columns of a matrix given row by row. */
const columnsOf = (y: Words, { inner, columns }: Shape): Words =>
  gatherField(
    y,
    Uint32Array.from({ length: inner * columns }, (_, i) => (i % inner) * columns + Math.floor(i / inner)),
  )

/** What is local, and how points of products become shares again: nothing to do in the clear. */
const backendOf = (party: Pick<Party, 'work'>, reduce: (product: Words) => Routine<Words>): FieldBackend => ({
  constant: held,
  add: (x, y) => held(addField(partOf(x), partOf(y))),
  subtract: (x, y) => held(subtractField(partOf(x), partOf(y))),
  negate: (x) => held(negateField(partOf(x))),
  sum(x, every) {
    const part = partOf(x)
    let sums = gatherField(
      part,
      Uint32Array.from({ length: x.length / every }, (_, i) => i * every),
    )
    for (let k = 1; k < every; k++) {
      sums = addField(
        sums,
        gatherField(
          part,
          Uint32Array.from({ length: x.length / every }, (_, i) => i * every + k),
        ),
      )
    }
    return held(sums)
  },
  concat: (...parts) => held(concatWords(parts.map(partOf))),
  slice: (x, from, to) => held(partOf(x).subarray(2 * from, 2 * to)),
  gather: (x, index) => held(gatherField(partOf(x), index)),
  *scale(x, factors) {
    const part = partOf(x)
    return held(yield* party.work.compute(field61Multiply, { x: part, y: stretch(factors, part.length) }))
  },
  *multiply(x, y) {
    const words = 2 * Math.max(x.length, y.length)
    const [a, b] = [stretch(partOf(x), words), stretch(partOf(y), words)]
    return held(yield* reduce(yield* party.work.compute(field61Multiply, { x: a, y: b })))
  },
  *matrixProduct(x, y, shape) {
    const { rows, inner, columns } = shape
    if (inner === 0 || x.length !== rows * inner || y.length !== inner * columns) {
      const found = `found ${x.length} and ${y.length} elements`
      throw new TallyError('api/misuse', 'self', `expected ${rows} × ${inner} times ${inner} × ${columns}, ${found}`)
    }
    const right = shape.transposed ? partOf(y) : columnsOf(partOf(y), shape)
    return held(yield* reduce(yield* party.work.compute(field61Dots, { x: partOf(x), y: right, inner })))
  },
})

export type FieldVectors = Readonly<Record<string, FieldVector>>

/** A program over the field; its owners and receivers are among p0 … p(n-1). See `Program`. */
export interface FieldProgram<P, In, Out> {
  readonly id: string
  readonly version: number
  readonly parameters: (value: unknown) => P
  readonly inputs: (
    parameters: P,
  ) => readonly { readonly name: string; readonly owner: string; readonly length: number }[]
  readonly receivers: (parameters: P) => readonly string[]
  /** Elements below p by name. */
  readonly encode: (parameters: P, role: string, input: In) => Readonly<Record<string, Words>>
  readonly compute: (backend: FieldBackend, parameters: P, inputs: FieldVectors) => Routine<FieldVectors>
  readonly decode: (parameters: P, opened: Readonly<Record<string, Words>>) => Out
}

/** Runs a text where nothing waits: kernels by their references. */
const runLocal = <T>(routine: Routine<T>): T => {
  for (let next = routine.next(); ;) {
    if (next.done === true) return next.value
    if (next.value.kind !== 'compute')
      throw new TallyError('invariant/broken', 'self', `${next.value.kind} in the clear`)
    next = routine.next(next.value.kernel.run(next.value.input))
  }
}

/** A context that performs nothing but computations. */
const inClear = {
  work: {
    *compute(kernel: any, input: unknown): Routine<any> {
      return yield { kind: 'compute', step: kernel.name, kernel, input }
    },
  },
} as unknown as Pick<Party, 'work'>

const checkSetting = (setting: Setting): void => {
  const { parties } = setting
  const t = thresholdOf(setting)
  if (Number.isInteger(parties) && parties >= 3 && parties <= 64 && Number.isInteger(t) && t >= 1 && 2 * t < parties)
    return
  const message = `expected 3 to 64 parties and a threshold from 1 to below their half, found ${parties} and ${t}`
  throw new TallyError('api/misuse', 'self', message)
}

interface Spec {
  readonly name: string
  readonly owner: string
  readonly length: number
}

const wordsOf = (specs: readonly Spec[]): number => specs.reduce((sum, { length }) => sum + 2 * length, 0)

const ownWords = (specs: readonly Spec[], vectors: Readonly<Record<string, Words>>): Words =>
  concatWords(
    specs.map(({ name, length }) => {
      const words = vectors[name]
      // Elements as they are: below p.
      if (words?.length === 2 * length && words.every((word, i) => i % 2 === 0 || word < 2 ** 29)) {
        return elementsOfStream(words)
      }
      throw new TallyError('input/malformed', 'self', `"${name}": expected ${length} elements below 2^61 - 1`)
    }),
  )

const byName = (specs: readonly Spec[], owners: readonly number[], points: readonly Words[]): FieldVectors =>
  Object.fromEntries(
    owners.flatMap((owner, k) => {
      let at = 0
      return specs
        .filter((spec) => spec.owner === `p${owner}`)
        .map(({ name, length }) => {
          const from = at
          at += 2 * length
          return [name, held(points[k]!.subarray(from, at))] as const
        })
    }),
  )

const cut = (entries: readonly (readonly [string, FieldVector])[], all: Words): Readonly<Record<string, Words>> => {
  let at = 0
  return Object.fromEntries(
    entries.map(([name, { length }]) => {
      const from = at
      at += 2 * length
      return [name, all.subarray(from, at)] as const
    }),
  )
}

/** Sends points of the outputs to the receivers; the values at one of them. One round. */
function* openOutputs(
  party: Party,
  receivers: readonly string[],
  outputs: FieldVectors,
): Routine<Readonly<Record<string, Words>> | undefined> {
  const { setting, index } = party
  const roles = computingOf(setting)
  const entries = Object.entries(outputs)
  const own = concatWords(entries.map(([, value]) => partOf(value)))
  // t + 1 points are enough; 2t + 1 parties hold them alike, and the first send.
  const senders = openersOf(setting)
  const role = roles[index]!
  const outgoing = senders.includes(index) ? receivers.filter((to) => to !== role).map((to) => vector(to, own)) : []
  const receives = receivers.includes(role)
  const others = senders.filter((i) => i !== index)
  const incoming = receives ? others.map((i) => ({ from: roles[i]!, words: own.length })) : []
  const received = yield* transfer(party, 'result', own.length, outgoing, incoming)
  if (!receives) return undefined
  const points = senders.map((i) => (i === index ? own : elementsOfStream(received[others.indexOf(i)]!)))
  const factors = lagrange(
    senders.map((i) => i + 1),
    0,
  )
  return cut(entries, yield* party.work.compute(field61Combine, { vectors: concatWords(points), factors }))
}
const openersOf = (setting: Setting): readonly number[] => Array.from({ length: thresholdOf(setting) + 1 }, (_, i) => i)

/** Exact: keys, inputs, a round and words for each product, outputs. */
const costOf = <P>(program: FieldProgram<P, any, any>, setting: Setting, parameters: P): Cost => {
  const { parties } = setting
  const each = parties - 1 - thresholdOf(setting)
  const specs = program.inputs(parameters)
  let [rounds, words] = [1, 8 * parties * (parties - 1)]
  if (specs.length > 0) rounds++
  words += each * wordsOf(specs)
  // oxlint-disable-next-line require-yield -- nothing is sent
  const counted = backendOf(inClear, function* (product) {
    rounds++
    words += each * resharersOf(setting).length * product.length
    return product
  })
  const inputs = Object.fromEntries(specs.map(({ name, length }) => [name, held(new Uint32Array(2 * length))]))
  const outputs = Object.values(runLocal(program.compute(counted, parameters, inputs)))
  const size = outputs.reduce((sum, { length }) => sum + 2 * length, 0)
  const senders = openersOf(setting)
  for (const to of program.receivers(parameters)) {
    words += size * senders.filter((i) => `p${i}` !== to).length
  }
  return {
    rounds: rounds + (program.receivers(parameters).length > 0 && size > 0 ? 1 : 0),
    bytes: 4 * words,
    coins: Object.fromEntries(computingOf(setting).map((role) => [role, keyCoins(setting)])),
    correlations: {},
  }
}

export type ShamirProtocol<In, Out, P> = Protocol<
  string,
  Messages,
  P,
  Readonly<Record<string, In>>,
  Readonly<Record<string, Out | undefined>>
>

export const shamirProgram = <P, In, Out>(
  program: FieldProgram<P, In, Out>,
  setting: Setting,
): ShamirProtocol<In, Out, P> => {
  checkSetting(setting)
  const roles = computingOf(setting)

  function* run(ctx: Ctx, parameters: P, input: In): Routine<Out | undefined> {
    const index = roles.indexOf(ctx.role)
    const specs = program.inputs(parameters)
    const keys = yield* agreeKeys(ctx, setting, index)
    const owners = roles.flatMap((role, i) => (specs.some(({ owner }) => owner === role) ? [i] : []))
    const mine = specs.filter(({ owner }) => owner === ctx.role)
    const own = mine.length === 0 ? undefined : ownWords(mine, program.encode(parameters, ctx.role, input))
    const giving = partyOf(ctx.narrow('inputs'), setting, index, keys, 'inputs')
    const sizes = owners.map((owner) => ({ owner, words: wordsOf(specs.filter((spec) => spec.owner === `p${owner}`)) }))
    const points = yield* shareAll(giving, 'share', sizes, own)
    const party = partyOf(ctx.narrow('main'), setting, index, keys, 'main')
    const backend = backendOf(party, (product) => reduceDegree(party, product))
    const outputs = yield* program.compute(backend, parameters, byName(specs, owners, points))
    yield* ctx.checkpoint()
    const opened = yield* openOutputs(party, program.receivers(parameters), outputs)
    return opened === undefined ? undefined : program.decode(parameters, opened)
  }

  return defineProtocol<string, Messages, P, Readonly<Record<string, In>>, Readonly<Record<string, Out | undefined>>>({
    id: program.id,
    version: program.version,
    roles,
    messages,
    security: {
      adversary: 'semi-honest',
      corruptions: thresholdOf(setting),
      computational: 128,
      statistical: 41,
      assumptions: ['AES-128 is a pseudorandom function', `at most ${thresholdOf(setting)} of the parties are corrupt`],
      refusal: 'A receiver may learn the outputs and then withhold what another receiver lacks, or refuse to sign.',
    },
    leakage: Object.fromEntries(roles.map((role) => [role, 'nothing'])),
    parameters: program.parameters,
    cost: (parameters) => costOf(program, setting, parameters),
    ideal(parameters, inputs) {
      const specs = program.inputs(parameters)
      const shares = specs.map(({ name, owner, length }) => {
        const vectors = program.encode(parameters, owner, inputs[owner]!)
        return [name, held(ownWords([{ name, owner, length }], vectors))] as const
      })
      // oxlint-disable-next-line require-yield -- in the clear nothing is reduced
      const clear = backendOf(inClear, function* (product) {
        return product
      })
      const outputs = runLocal(program.compute(clear, parameters, Object.fromEntries(shares)))
      const opened = Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, partOf(value)]))
      const output = program.decode(parameters, opened)
      const receivers = program.receivers(parameters)
      return Object.fromEntries(roles.map((role) => [role, receivers.includes(role) ? output : undefined]))
    },
    parties: Object.fromEntries(roles.map((role) => [role, run])),
  })
}
