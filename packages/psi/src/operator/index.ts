/**
 * The planner: which of the registered set protocols fits a request, why, and what it will cost. A pure function of public
 * values: both parties get the same answer from the same request and rates.
 *
 * The rule. What cannot do the request is out, with the reason. If the sender's list was prepared, `psi/ra18`. Under 20,000
 * rows `psi/ecdh`: it rests on one assumption that is 25 years older than the others, and takes a second at most. Above,
 * the one that is predicted to end first, which for balanced sets is `psi/rr22`.
 */
import { TallyError } from '@tallystick/core'
import type { AnyProtocol } from '@tallystick/protocol'
import { largest, models, referenceRates, type Rates, type Request } from './models.ts'

export { referenceRates, rolesFor, type Policy, type Rates, type Request, type SetOutput } from './models.ts'

export interface Prediction {
  /** From the first message of the protocol to the last, computing and network. */
  readonly seconds: number
  /** Payload of all messages of both parties. */
  readonly bytes: number
  readonly rounds: number
}

/** A protocol that was looked at. */
export interface Considered {
  readonly protocol: string
  /** Undefined where it is out. */
  readonly predicted: Prediction | undefined
  /** Why it is out. */
  readonly refused: string | undefined
}

export interface Choice {
  readonly protocol: string
  /** A sentence for a person. */
  readonly reason: string
  /** For the terms. */
  readonly parameters: unknown
  readonly predicted: Prediction
  readonly considered: readonly Considered[]
  /** What would make it much cheaper. */
  readonly advice: string | undefined
}

/** Rows of the larger set up to which the older assumption is worth the time. */
export const smallRows = 20_000
/** How many times longer one list must be to be worth preparing. */
export const unbalancedRatio = 100

/** CPU seconds a byte that passes TLS, journal and chain of hashes (docs/benchmarks.md). */
const transportSeconds = 4e-9

/**
 * What a run of a protocol will cost under a request.
 * @throws TallyError terms/malformed, terms/unsupported where its parameters do not hold the request
 */
export const predict = (protocol: AnyProtocol, request: Request, rates: Rates = referenceRates): Prediction => {
  const model = models[protocol.id]
  if (model === undefined) {
    throw new TallyError('terms/unsupported', 'self', `the planner knows no model of ${protocol.id}`)
  }
  const cost = protocol.cost(protocol.parameters(model.parameters(request)))
  // A bound where opened values decide: then what is expected.
  const { bytes, rounds } = cost.expected ?? cost
  const { megabits, milliseconds } = request.policy?.network ?? { megabits: 1000, milliseconds: 1 }
  const network = (8 * bytes) / (1e6 * megabits) + (rounds * milliseconds) / 1000
  return { bytes, rounds, seconds: model.seconds(request, rates) + transportSeconds * bytes + network }
}

const consider = (protocol: AnyProtocol, request: Request, rates: Rates): Considered => {
  const refused = models[protocol.id]!.refuses(request)
  if (refused !== undefined) return { protocol: protocol.id, predicted: undefined, refused }
  try {
    return { protocol: protocol.id, predicted: predict(protocol, request, rates), refused: undefined }
  } catch (error) {
    if (!(error instanceof TallyError) || error.area !== 'terms') throw error
    return { protocol: protocol.id, predicted: undefined, refused: error.message }
  }
}

const reasonFor = (protocol: string, request: Request, alone: boolean): string => {
  const { sizes, output, policy } = request
  if (alone) return `of the protocols that this version has, only ${protocol} can do it`
  if (protocol === 'psi/ra18') {
    return `the sender's list was prepared, so the cost is that of ${sizes['receiver']} queries, whatever its length`
  }
  const rows = largest(request)
  if (rows <= smallRows && protocol === 'psi/ecdh') {
    return `up to ${smallRows} rows the protocol with the fewest assumptions takes a second at most`
  }
  if (protocol === 'psi/psty19' && output === 'cardinality' && (request.minimum ?? 0) > 0) {
    return 'it compares with the minimum under shares, where others leave that to the software of the receiver'
  }
  if (protocol === 'psi/psty19') return 'it opens what is asked for and shows nobody which rows are common'
  if (output === 'cardinality') return 'it is the one that tells how many rows are common and not which'
  if (protocol === 'psi/kkrt16' && policy?.lpn === false) {
    return 'it is the fastest that does not rest on learning parity with noise'
  }
  return `for ${Object.values(sizes).join(' by ')} rows it is predicted to end first`
}

const adviceFor = ({ sizes, output, to, list, policy }: Request, protocols: Protocols): string | undefined => {
  const [receiver, sender] = [sizes['receiver'] ?? 0, sizes['sender'] ?? 0]
  const long = sender >= unbalancedRatio * Math.max(1, receiver)
  const fits = output === 'intersection' && to === 'receiver' && policy?.adversary !== 'malicious'
  if (list !== undefined || !long || !fits || !Object.hasOwn(protocols, 'psi/ra18')) return undefined
  const times = Math.floor(sender / Math.max(1, receiver))
  return `the sender's list is ${times} times as long: if it prepares it once (tally list prepare), each job costs its queries only`
}

/** Taken where they are asked for by name or nothing else can do it: one costs more, one tells another size to others. */
const onlyIfNamed: readonly string[] = ['psi/rr22-malicious', 'psi/ikn19']

const isForMany = (id: string): boolean => /-\d+$/.test(id)

export type Protocols = Readonly<Record<string, AnyProtocol>>

/** The set protocols among those registered that the planner can price. */
export const plannable = (protocols: Protocols): readonly string[] =>
  Object.keys(models).filter((id) => Object.hasOwn(protocols, id))

/**
 * @param protocols those that are registered, by id
 * @throws TallyError terms/unsupported where none of them can do it, with the reason of each
 */
export const choose = (request: Request, protocols: Protocols, rates: Rates = referenceRates): Choice => {
  // Of the protocols for many only those for so many are worth a word.
  const { parties = 2 } = request
  const considered = plannable(protocols)
    .filter((id) => !isForMany(id) || id.endsWith(`-${parties}`) || Object.keys(protocols).length === 1)
    .map((id) => consider(protocols[id]!, request, rates))
  const possible = considered.flatMap(({ protocol, predicted }) =>
    predicted === undefined ? [] : [{ protocol, predicted }],
  )
  const rows = largest(request)
  const fastest = possible.toSorted((a, b) => a.predicted.seconds - b.predicted.seconds)
  const keepsMinimum = request.output === 'cardinality' && (request.minimum ?? 0) > 0
  const preferred = [
    keepsMinimum ? possible.find(({ protocol }) => protocol === 'psi/psty19') : undefined,
    possible.find(({ protocol }) => protocol === 'psi/ra18'),
    rows <= smallRows ? possible.find(({ protocol }) => protocol === 'psi/ecdh') : undefined,
    fastest.find(({ protocol }) => !onlyIfNamed.includes(protocol)),
    fastest[0],
  ]
  const chosen = preferred.find((one) => one !== undefined)
  if (chosen === undefined) {
    const reasons = considered.map(({ protocol, refused }) => `${protocol}: ${refused}`).join('; ')
    throw new TallyError('terms/unsupported', 'self', `no set protocol of this version can do it (${reasons})`, {
      remedy: 'ask for less: another output, another receiver, or a policy that allows more',
    })
  }
  const { protocol, predicted } = chosen
  return {
    protocol,
    predicted,
    reason: reasonFor(protocol, request, possible.length === 1),
    parameters: models[protocol]!.parameters(request),
    considered,
    advice: adviceFor(request, protocols),
  }
}
