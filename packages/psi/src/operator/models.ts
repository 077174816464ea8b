/**
 * What the planner knows of each set protocol: what it can do, the parameters that it takes, and the computing that a
 * party does, in units whose prices are measured on the machine at hand. Bytes and rounds are the protocol's own `cost`.
 */
import { limbBits, type SumValues } from '../ikn19/messages.ts'
import { leaderRole, leastParties, mostParties, rolesOf } from '../kmprt17/messages.ts'
import type { ListTerms } from '../ra18/messages.ts'

/** What is asked of two lists, or of three and more. */
export type SetOutput =
  | 'intersection'
  | 'cardinality'
  | 'sum'
  | 'statistics'
  /** Of two: the sender's ids that the receiver lacks; of three and more: each id of any list once. */
  | 'union'
  /** Of three and more: the leader's rows on any, on enough, or on none of the other lists. */
  | 'in-any'
  | 'at-least'
  | 'difference'

export interface Request {
  /** Distinct rows by role, as they will stand in the terms: of receiver and sender, or of leader and members. */
  readonly sizes: Readonly<Record<string, number>>
  readonly output: SetOutput
  /** The receiver (the leader of many), or all. */
  readonly to: 'receiver' | 'both'
  /** Two unless told. */
  readonly parties?: number
  /** Of a union: no id of the sender, or of any of many lists, is longer. */
  readonly idBytes?: number | undefined
  /** Of `at-least`: on how many of the other lists. */
  readonly threshold?: number | undefined
  /** Of a sum or statistics: the receiver's values, and the sender's. */
  readonly values?: SumValues | undefined
  readonly senderValues?: SumValues | undefined
  /** Rows below which a protocol that can withhold its result does so. */
  readonly minimum?: number | undefined
  /** The sender's list, where it was prepared for `psi/ra18`: then `sizes.sender` is the length of the list. */
  readonly list?: ListTerms | undefined
  readonly policy?: Policy | undefined
}

export interface Policy {
  /** The weakest adversary that the protocol must withstand; semi-honest unless told. */
  readonly adversary?: 'semi-honest' | 'malicious'
  /** False where learning parity with noise (the silent VOLE) is not to be relied on. */
  readonly lpn?: boolean
  /** The network between the parties; 1,000 Mbit/s and 1 ms a round trip unless told. */
  readonly network?: { readonly megabits: number; readonly milliseconds: number }
}

/** Microseconds of this machine, or, for `symmetric`, how many times slower than the reference machine it is. */
export interface Rates {
  /** Hash to curve25519 and multiply, a row. */
  readonly hashScale: number
  /** Multiply on curve25519, a row. */
  readonly scale: number
  /** Hash to ristretto255 and multiply, a row. */
  readonly oprf: number
  /** Of the bulk work in hashes, codes and tables; 1 is the machine that the constants below come from. */
  readonly symmetric: number
}

/** One core of an AMD EPYC (zen 3) under Node 24; `docs/psi-operator.md` says how the constants were measured. */
export const referenceRates: Rates = { hashScale: 28, scale: 21.5, oprf: 38, symmetric: 1 }

export interface Model {
  /** Why the protocol cannot do this, in words; undefined where it can. */
  readonly refuses: (request: Request) => string | undefined
  readonly parameters: (request: Request) => unknown
  /** Seconds of computing of the party that computes longer. */
  readonly seconds: (request: Request, rates: Rates) => number
}

const twoParties = ({ parties = 2 }: Request): string | undefined =>
  parties === 2 ? undefined : `it is for 2 parties, not ${parties}`
const anyAdversary = ({ policy }: Request): string | undefined =>
  policy?.adversary === 'malicious' ? 'it is secure against semi-honest parties only' : undefined
const noCardinality = ({ output }: Request): string | undefined =>
  output === 'cardinality' ? 'it shows the receiver which rows are common' : noSum({ output })
const noSum = ({ output }: Pick<Request, 'output'>): string | undefined => {
  if (output === 'sum' || output === 'statistics') return 'it adds nothing up'
  if (output === 'union') return 'it tells a party about its own rows only'
  return output === 'intersection' || output === 'cardinality'
    ? undefined
    : 'of two lists it gives what is common; the rest of the own list follows (tally psi run --complement)'
}
const lpn = ({ policy }: Request): string | undefined =>
  policy?.lpn === false ? 'it rests on learning parity with noise' : undefined

const first = (...reasons: readonly (string | undefined)[]): string | undefined =>
  reasons.find((reason) => reason !== undefined)

const sized = ({ sizes, output, to }: Request) => ({ sizes, output, to })
export const largest = ({ sizes }: Request): number => Math.max(...Object.values(sizes))
const rowsOf = ({ sizes }: Request, role: string): number => sizes[role] ?? 0

/** Declared values as a column of `psi/psty19`. */
const circuitColumns = (values: SumValues | undefined) =>
  values === undefined ? [] : [{ column: values.column, decimals: values.decimals }]

const valueBits = (values: SumValues | undefined): number =>
  values === undefined ? 1 : (values.bits ?? limbBits * values.limbs)

const circuitParameters = ({ sizes, output, to, values, senderValues, minimum }: Request) => {
  const shape = { sizes, output, to, minimum: minimum ?? 0 }
  if (output === 'cardinality') return shape
  const columns = { receiver: circuitColumns(values), sender: circuitColumns(senderValues) }
  return { ...shape, columns, bits: Math.max(valueBits(values), valueBits(senderValues)) }
}

/** Fixed seconds and microseconds a row of the larger set, of one party, measured by `simulate` at 2^10 to 2^18 rows. */
const linear =
  (fixed: number, row: number) =>
  (request: Request, { symmetric }: Rates): number =>
    symmetric * (fixed + 1e-6 * row * largest(request))

/** Of the leader, measured with 2 and with 4 members of as many rows each (`bench psi-parties`). */
const kmprt17Model = (parties: number): Model => ({
  refuses: (request) =>
    first(
      request.parties === parties ? undefined : `it is for ${parties} parties, not ${request.parties ?? 2}`,
      request.output === 'intersection' ? undefined : 'it shows the leader which of its rows all hold',
      lpn(request),
      anyAdversary(request),
      request.to === 'both' ? 'it gives an output to the leader only' : undefined,
    ),
  parameters: ({ sizes }) => ({ sizes, output: 'intersection', to: leaderRole }),
  seconds: (request, { symmetric }) =>
    symmetric * (0.1 * parties + 1e-6 * (0.9 + 0.85 * (parties - 1)) * largest(request)),
})

/** On how many of the other lists a row must be, or, for the difference, must not be. */
const thresholdOf = ({ output, threshold }: Request): number | undefined => (output === 'at-least' ? threshold : 1)

const cdgoss21Model = (parties: number): Model => ({
  refuses: (request) =>
    first(
      request.parties === parties ? undefined : `it is for ${parties} parties, not ${request.parties ?? 2}`,
      ['in-any', 'at-least', 'difference'].includes(request.output)
        ? undefined
        : 'it tells which rows of the leader are on some of the other lists',
      thresholdOf(request) === undefined ? 'it needs to know on how many lists (--threshold)' : undefined,
      lpn(request),
      anyAdversary(request),
      request.to === 'both' ? 'it gives an output to the leader only' : undefined,
    ),
  parameters: (request) => ({
    ...{ sizes: request.sizes, output: request.output === 'difference' ? 'fewer' : 'at-least' },
    ...{ threshold: thresholdOf(request), to: leaderRole },
  }),
  // Gates go with the leader's rows, stores with the members'.
  seconds: (request, { symmetric }) =>
    symmetric * (0.2 * parties + 1e-6 * (parties - 1) * (30 * rowsOf(request, leaderRole) + 5 * largest(request))),
})

/** Of each computing party, measured with 3 lists (`bench psi-parties`): comparisons of a sort of all rows. */
const ba12Model = (parties: number): Model => ({
  refuses: (request) =>
    first(
      request.parties === parties ? undefined : `it is for ${parties} parties, not ${request.parties ?? 2}`,
      request.output === 'union' ? undefined : 'it gives unions',
      anyAdversary(request),
    ),
  parameters: ({ sizes, to, idBytes }) => ({
    ...{ sizes, output: 'union', to: to === 'both' ? 'all' : unionRolesFor(parties)[0] },
    ...(idBytes === undefined ? {} : { idBytes }),
  }),
  seconds({ sizes }, { symmetric }) {
    const rows = Object.values(sizes).reduce((sum, size) => sum + size, 0)
    return symmetric * (0.2 + 2.1e-6 * rows * Math.log2(Math.max(2, rows)))
  },
})

/** Those of `mpc/ba12-n`, a layer beside this one: three that compute, and owners. */
const unionRolesFor = (parties: number): readonly string[] =>
  Array.from({ length: parties }, (_, i) => (i < 3 ? `p${i}` : `owner-${i - 2}`))

/** Numbers of parties of the protocols for many. */
const counts = Array.from({ length: mostParties - leastParties + 1 }, (_, i) => leastParties + i)

/** The roles of a set operation, the one that learns first. */
export const rolesFor = (parties: number, output: SetOutput): readonly string[] => {
  if (parties === 2) return ['receiver', 'sender']
  return output === 'union' ? unionRolesFor(parties) : rolesOf(parties)
}

export const models: Readonly<Record<string, Model>> = {
  ...Object.fromEntries(counts.map((parties) => [`mpc/ba12-${parties}`, ba12Model(parties)])),
  ...Object.fromEntries(counts.map((parties) => [`psi/cdgoss21-${parties}`, cdgoss21Model(parties)])),
  ...Object.fromEntries(counts.map((parties) => [`psi/kmprt17-${parties}`, kmprt17Model(parties)])),
  'psi/czzdl24': {
    refuses: (request) =>
      first(
        twoParties(request),
        request.output === 'union' ? undefined : 'it gives unions',
        anyAdversary(request),
        request.to === 'both' ? 'it gives an output to the receiver only' : undefined,
      ),
    parameters: ({ sizes, idBytes }) => ({
      ...{ sizes, output: 'union', to: 'receiver', chunkRows: 4096 },
      ...(idBytes === undefined ? {} : { idBytes }),
    }),
    seconds(request, { hashScale, scale, symmetric }) {
      const [n, m] = [rowsOf(request, 'receiver'), rowsOf(request, 'sender')]
      const transfers = symmetric * (0.03 + 1.5e-6 * m)
      return transfers + 1e-6 * Math.max(n * hashScale + m * scale, m * hashScale + n * scale)
    },
  },
  'psi/ikn19': {
    refuses: (request) =>
      first(
        twoParties(request),
        request.output === 'sum' ? undefined : 'it gives the sum of one column over what is common',
        request.senderValues === undefined ? undefined : 'it adds up values of the receiver only',
        request.values === undefined ? 'the receiver declared no values (tally data declare --value)' : undefined,
        anyAdversary(request),
        request.to === 'both' ? undefined : 'both learn how many rows are common: only the sum is for one',
      ),
    parameters: ({ sizes, values, minimum }) => ({
      ...{ sizes, limbs: values!.limbs, output: 'sum', to: 'both', minimum: minimum ?? 0 },
      values: { column: values!.column, decimals: values!.decimals },
    }),
    seconds: (request, { hashScale, scale, oprf }) =>
      1e-6 *
      (rowsOf(request, 'receiver') * (hashScale + 2 * (request.values?.limbs ?? 1) * oprf) +
        rowsOf(request, 'sender') * scale),
  },
  'psi/psty19': {
    refuses: (request) =>
      first(
        twoParties(request),
        request.output === 'intersection' ? 'nobody learns which rows are common' : undefined,
        request.output !== 'cardinality' && request.values === undefined && request.senderValues === undefined
          ? 'nobody declared values (tally data declare --value)'
          : undefined,
        request.list === undefined ? undefined : 'it takes lists, not a prepared one',
        lpn(request),
        anyAdversary(request),
      ),
    parameters: circuitParameters,
    seconds: (request, { symmetric }) => {
      const columns = request.output === 'cardinality' ? 0 : 1
      const products = request.output === 'statistics' && request.values && request.senderValues ? 1 : 0
      const receiver = 18 + 2 * columns + 9 * products
      return symmetric * (0.35 + 1e-6 * (receiver * rowsOf(request, 'receiver') + 3 * rowsOf(request, 'sender')))
    },
  },
  'psi/ecdh': {
    refuses: (request) => first(twoParties(request), noSum(request), anyAdversary(request)),
    parameters: (request) => ({ ...sized(request), chunkRows: 4096 }),
    seconds(request, { hashScale, scale }) {
      const [n, m] = [rowsOf(request, 'receiver'), rowsOf(request, 'sender')]
      return 1e-6 * Math.max(n * hashScale + m * scale, m * hashScale + n * scale)
    },
  },
  'psi/rr22': {
    refuses: (request) => first(twoParties(request), noCardinality(request), lpn(request), anyAdversary(request)),
    parameters: sized,
    seconds: linear(0.07, 1.4),
  },
  'psi/rr22-malicious': {
    refuses: (request) =>
      first(
        twoParties(request),
        noCardinality(request),
        lpn(request),
        request.to === 'both' ? 'it gives an output to the receiver only' : undefined,
      ),
    parameters: sized,
    seconds: linear(0.08, 1.5),
  },
  'psi/kkrt16': {
    refuses: (request) => first(twoParties(request), noCardinality(request), anyAdversary(request)),
    parameters: sized,
    seconds: linear(0.1, 3.9),
  },
  'psi/ra18': {
    refuses: (request) =>
      first(
        twoParties(request),
        noCardinality(request),
        anyAdversary(request),
        request.to === 'both' ? 'it gives an output to the receiver only' : undefined,
        request.list === undefined ? "the sender's list is not prepared (tally list prepare)" : undefined,
      ),
    parameters: ({ sizes, list }) => ({
      ...{
        sizes: { receiver: sizes['receiver'], sender: 1 },
        list,
        output: 'intersection',
        to: 'receiver',
        chunkRows: 4096,
      },
    }),
    // Blinding and unblinding, and BigInt arithmetic on the blinds.
    seconds: (request, { oprf }) => 1e-6 * rowsOf(request, 'receiver') * (2 * oprf + 12),
  },
}
