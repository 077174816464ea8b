/** The protocols that can be run and replayed, and how the committed rows of a party become its input. */
import {
  evaluateInput,
  evaluateOf,
  lookup,
  lookupInput,
  scoring,
  scoringInput,
  statisticsInput,
  statisticsOf,
} from '@tallystick/homomorphic'
import {
  ba12,
  circuitInputOf,
  rep3Circuit,
  semi2kCircuit,
  semi2kCircuitTransfers,
  zre15,
  type CircuitParameters,
} from '@tallystick/mpc'
import type { AnyProtocol } from '@tallystick/protocol'
import {
  cdgoss21,
  circuitInput,
  czzdl24,
  ecdh,
  ikn19,
  kkrt16,
  kmprt17,
  psty19,
  ra18,
  rr22,
  rr22Malicious,
  sumInput,
} from '@tallystick/psi'
import {
  isMatrix,
  isQuorumCells,
  isWhichMatrix,
  listInput,
  matrixOutside,
  type Outside,
  pirInput,
  quorumInput,
  quorumQueries,
  sealedListQuery,
  simplePirQuery,
  whichInput,
  whichOutside,
  whichQueries,
} from '@tallystick/query'
import { mostOwners, ownerRoles, statistics, statisticsOfTwo, statisticsWith, tableInput } from '@tallystick/statistics'
import type { Rows } from './dataset.ts'
import type { Sha256 } from './merkle.ts'

export type { Outside } from '@tallystick/query'

export interface Program {
  readonly protocol: AnyProtocol
  /** From the rows whose root the party committed to; the same text turns them to input in a run and in a replay. */
  readonly input: (rows: Rows, role: string, parameters: unknown, outside?: readonly Uint8Array[]) => unknown
  /** What the program of a role reads beside its committed rows, which bind it by a digest ({@link bound}). */
  readonly outside?: (role: string, parameters: unknown) => Outside | undefined
  /** Whether the committed rows are what the parameters name by a digest; asked in a replay. */
  readonly bound?: (rows: Rows, role: string, parameters: unknown, sha256: Sha256) => boolean
}

/** By id of the protocol. */
export type Programs = Readonly<Record<string, Program>>

const programOf = (protocol: AnyProtocol, input: Program['input']): Programs => ({ [protocol.id]: { protocol, input } })

/** Sets: a row is an id. */
const sets: Program['input'] = (rows) => rows

/** Of the sender of `psi/ra18` the one row is its key: its list is bound by the digest in the parameters. */
const queriesOrKey = sets

/** Circuits: a row is the bytes of an instance in hex. */
const circuits: Program['input'] = (rows, role, parameters) =>
  circuitInputOf(rows, role, parameters as CircuitParameters)

export const programs: Programs = {
  ...programOf(sealedListQuery, listInput),
  [simplePirQuery.id]: { protocol: simplePirQuery, input: pirInput, bound: isMatrix, outside: matrixOutside },
  ...Object.fromEntries(
    [...whichQueries.values()].map((protocol) => [
      protocol.id,
      { protocol, input: whichInput, bound: isWhichMatrix, outside: whichOutside },
    ]),
  ),
  ...Object.fromEntries(
    [...quorumQueries.values()].map((protocol) => [
      protocol.id,
      { protocol, input: quorumInput, bound: isQuorumCells },
    ]),
  ),
  ...programOf(ecdh, sets),
  ...programOf(kkrt16, sets),
  ...programOf(rr22, sets),
  ...programOf(rr22Malicious, sets),
  ...programOf(ra18, queriesOrKey),
  ...programOf(czzdl24, sets),
  ...programOf(ikn19, sumInput),
  ...programOf(psty19, circuitInput),
  ...Object.assign({}, ...[...kmprt17.values(), ...cdgoss21.values()].map((protocol) => programOf(protocol, sets))),
  ...Object.assign({}, ...[...ba12.values()].map((protocol) => programOf(protocol, sets))),
  ...programOf(statistics, tableInput),
  ...programOf(statisticsOfTwo, tableInput),
  ...Object.assign({}, ...ownerRoles(mostOwners).map((_, i) => programOf(statisticsWith(i + 1), tableInput))),
  ...programOf(rep3Circuit, circuits),
  ...programOf(semi2kCircuit, circuits),
  ...programOf(semi2kCircuitTransfers, circuits),
  ...programOf(zre15, circuits),
  ...programOf(scoring, scoringInput),
  ...programOf(lookup, lookupInput),
  ...Object.assign(
    {},
    ...[1, 2, 3, 4].flatMap((owners) => [
      programOf(statisticsOf(owners) as AnyProtocol, statisticsInput),
      programOf(evaluateOf(owners) as AnyProtocol, evaluateInput),
    ]),
  ),
}
