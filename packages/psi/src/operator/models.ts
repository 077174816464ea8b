/**
 * What the planner knows of each set protocol: what it can do, the parameters that it takes, and the computing that a
 * party does, in units whose prices are measured on the machine at hand. Bytes and rounds are the protocol's own `cost`.
 */
import type { ListTerms } from '../ra18/messages.ts'

export type Role = 'receiver' | 'sender'

export interface Request {
  /** Distinct rows by role, as they will stand in the terms. */
  readonly sizes: Readonly<Record<Role, number>>
  readonly output: 'intersection' | 'cardinality'
  readonly to: 'receiver' | 'both'
  /** Two unless told. */
  readonly parties?: number
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
  output === 'cardinality' ? 'it shows the receiver which rows are common' : undefined
const lpn = ({ policy }: Request): string | undefined =>
  policy?.lpn === false ? 'it rests on learning parity with noise' : undefined

const first = (...reasons: readonly (string | undefined)[]): string | undefined =>
  reasons.find((reason) => reason !== undefined)

const sized = ({ sizes, output, to }: Request) => ({ sizes, output, to })
const largest = ({ sizes }: Request): number => Math.max(sizes.receiver, sizes.sender)

/** Fixed seconds and microseconds a row of the larger set, of one party, measured by `simulate` at 2^10 to 2^18 rows. */
const linear =
  (fixed: number, row: number) =>
  (request: Request, { symmetric }: Rates): number =>
    symmetric * (fixed + 1e-6 * row * largest(request))

export const models: Readonly<Record<string, Model>> = {
  'psi/ecdh': {
    refuses: (request) => first(twoParties(request), anyAdversary(request)),
    parameters: (request) => ({ ...sized(request), chunkRows: 4096 }),
    seconds: ({ sizes }, { hashScale, scale }) =>
      1e-6 *
      Math.max(sizes.receiver * hashScale + sizes.sender * scale, sizes.sender * hashScale + sizes.receiver * scale),
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
        sizes: { receiver: sizes.receiver, sender: 1 },
        list,
        output: 'intersection',
        to: 'receiver',
        chunkRows: 4096,
      },
    }),
    // Blinding and unblinding, and BigInt arithmetic on the blinds.
    seconds: ({ sizes }, { oprf }) => 1e-6 * sizes.receiver * (2 * oprf + 12),
  },
}
