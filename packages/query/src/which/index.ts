/**
 * One question to several holders, each of which answers for itself: the asker learns its rows holder by holder. For
 * each holder it is `query/sealed-list` or `query/simplepir` as they stand, side by side in one job.
 *
 *     asker (ids x_1 … x_n)                                      holder j (key k_j, matrix D_j), for each j
 *     ------------------------------------------------------------------------------------------
 *     blinds of their own for each holder
 *                                 blinded: B_j
 *                                 ------------------------>      k_j · B_j
 *     ==================  checkpoint: all have signed all chain heads so far  ==================
 *                                 evaluated, proof
 *                                 <------------------------
 *     SimplePIR only              queries, answers
 *                                 <----------------------->
 *     opens the rows of all holders
 *
 * Security. Malicious, as the two protocols are; see there for assumptions and limits. Any number of holders may collude:
 * blinds and prepared units are drawn for each holder by itself, so what they pool is uniform, or hidden under LWE. The
 * asker with some holders learns of another one's list what it learns of it alone. No holder learns what another one
 * answered: a holder sends nothing to a holder, and the asker's frames depend on no answer. Answers of all are looked at
 * when the last one is here.
 *
 * Leakage, feedback, refusal, constant time: as in the two, holder by holder. The asker learns *which* holder has an id:
 * where it may only learn whether any has, it takes `query/quorum`.
 *
 * Cost. The sum over the holders; rounds are those of the slowest.
 */
import { defineProtocol, type Context, type Protocol, type Routine } from '@tallystick/protocol'
import type { Answers, Nothing } from '../answers.ts'
import {
  askBlinded,
  type Asked,
  checkIds,
  checkKey,
  evaluateBlinded,
  evaluationCost,
  sendOutputs,
  takeOutputs,
} from '../evaluation.ts'
import { maxQueries, fieldsOf, malformed, wholeIn } from '../parameters.ts'
import type { Items } from '../rfc9497/suite.ts'
import { checkList, type SealedList } from '../sealed/list.ts'
import { slotOverhead } from '../sealed/row.ts'
import { answersInList, listParameters, sealedListQuery, type ListParameters } from '../sealed-list/index.ts'
import { askerRole, byHolder, changed, forHolders, holderRoles, inPlaceOf, towards } from '../several.ts'
import { openAnswers, reserveUnits, retrieve } from '../simplepir/asker.ts'
import { checkTable, serveQueries } from '../simplepir/holder.ts'
import { simplePirQuery } from '../simplepir/index.ts'
import { parameters as pirParameters, retrievalBytes, roundsOf, type PirParameters } from '../simplepir/messages.ts'
import type { Matrix } from '../simplepir/matrix.ts'
import { preparedQuery } from '../simplepir/prepare.ts'
import { slotBytesOf } from '../simplepir/shape.ts'
import { whichMessages } from './messages.ts'

/** The table of one holder, as the protocol for one holder has it; `queries` stands once for all. */
export type HeldTable =
  | ({ readonly kind: 'sealed-list' } & Omit<ListParameters, 'queries'>)
  | ({ readonly kind: 'simplepir' } & Omit<PirParameters, 'queries'>)

/** Public parameters, as they stand in the signed terms. */
export interface WhichParameters {
  readonly queries: number
  readonly holders: Readonly<Record<string, HeldTable>>
}

type Asking = ({ readonly kind: 'sealed-list' } & ListParameters) | ({ readonly kind: 'simplepir' } & PirParameters)

/** What each holder is asked, as the protocols for one holder have it. */
const asking = ({ queries, holders }: WhichParameters): readonly (readonly [role: string, table: Asking])[] =>
  Object.entries(holders).map(([role, table]) => [role, { ...table, queries }])

export interface WhichAskerInput {
  readonly ids: Items
  /** By holder: its list, or its stash. */
  readonly sealed: Readonly<Record<string, Uint8Array>>
}

export interface WhichHolderInput {
  readonly secretKey: Uint8Array
  /** No block for a list. */
  readonly matrix: Matrix
}

export type WhichInputs = Record<string, WhichAskerInput | WhichHolderInput>

/** What the asker learns: its answers, holder by holder. */
export interface AnswersByHolder {
  readonly kind: 'answers-by-holder'
  readonly holders: Readonly<Record<string, Answers>>
}

export type WhichOutputs = Record<string, AnswersByHolder | Nothing>
export type WhichQuery = Protocol<string, any, WhichParameters, WhichInputs, WhichOutputs>

/** The correlation of prepared units for the table of one holder. */
export const preparedFor = (role: string): string => `${preparedQuery}/${role}`

const tableIn = (id: string, queries: number, value: unknown, role: string): HeldTable => {
  if (typeof value !== 'object' || value === null) throw malformed(id, `expected holders.${role} to be an object`)
  const { kind, ...rest } = value as { readonly kind?: unknown }
  if (Object.hasOwn(rest, 'queries')) throw malformed(id, `expected queries once, found it for ${role} too`)
  if (kind === 'sealed-list') {
    const { queries: _, ...table } = listParameters({ ...rest, queries })
    return { kind, ...table }
  }
  if (kind === 'simplepir') {
    const { queries: _, ...table } = pirParameters({ ...rest, queries })
    return { kind, ...table }
  }
  throw malformed(id, `expected the kind of ${role} to be sealed-list or simplepir`)
}

const parserFor =
  (id: string, roles: readonly string[]) =>
  (value: unknown): WhichParameters => {
    const fields = fieldsOf(id, value, ['queries', 'holders'])
    const queries = wholeIn(id, fields, 'queries', 1, maxQueries)
    return {
      queries,
      holders: byHolder(id, roles, fields['holders'], (table, role) => tableIn(id, queries, table, role)),
    }
  }

function* askerOf(
  ctx: Context<any, any>,
  parameters: WhichParameters,
  { ids, sealed }: WhichAskerInput,
): Routine<AnswersByHolder> {
  const { queries } = parameters
  checkIds(ids, queries)
  const tables = asking(parameters)
  const lists = new Map<string, SealedList>()
  for (const [role, table] of tables) {
    const own = sealed[role]
    if (own === undefined) throw changed(`the terms name a table of ${role}, there are no rows of it here`)
    const [digest, width] =
      table.kind === 'sealed-list' ? [table.list, slotOverhead + table.valueBytes] : [table.stash, slotBytesOf(table)]
    lists.set(role, checkList(own, digest, width))
  }
  const units = new Map<string, Uint8Array>()
  for (const [role, table] of tables) {
    if (table.kind === 'simplepir') units.set(role, yield* reserveUnits(ctx, table, preparedFor(role)))
  }
  const asked = new Map<string, Asked>()
  for (const [role] of tables) {
    asked.set(role, yield* askBlinded(towards(ctx.narrow(role), role), { queries }, ids))
  }
  yield* ctx.checkpoint()
  const received = yield* ctx.join(
    ...tables.map(
      ([role, table]) =>
        function* (branch: Context<any, any>) {
          const wire = towards(branch, role)
          const outputs = yield* takeOutputs(wire, table, asked.get(role)!, role)
          if (table.kind === 'sealed-list') return { outputs, frames: [] }
          return { outputs, frames: yield* retrieve(wire, table, units.get(role)!, outputs, role) }
        },
    ),
  )
  // Looked at when all are here: nothing that leaves depends on an answer.
  const answers = tables.map(([role, table], i) => {
    const { outputs, frames } = received[i]!
    return table.kind === 'sealed-list'
      ? answersInList(table, outputs, lists.get(role)!)
      : openAnswers(table, units.get(role)!, outputs, frames, lists.get(role)!)
  })
  return { kind: 'answers-by-holder', holders: Object.fromEntries(tables.map(([role], i) => [role, answers[i]!])) }
}

function* holderOf(ctx: Context<any, any>, parameters: WhichParameters, input: WhichHolderInput): Routine<Nothing> {
  const [, table] = asking(parameters).find(([role]) => role === ctx.role)!
  if (table.kind === 'sealed-list') checkKey(input.secretKey, table.publicKey)
  else checkTable(table, input)
  const made = yield* evaluateBlinded(ctx.narrow(ctx.role), table, input.secretKey)
  yield* ctx.checkpoint()
  yield* inPlaceOf(ctx, Object.keys(parameters.holders), function* (branch) {
    yield* sendOutputs(branch, made)
    if (table.kind === 'simplepir') yield* serveQueries(branch, table, input.matrix)
  })
  return { kind: 'none' }
}

const idealOf = (parameters: WhichParameters, inputs: WhichInputs): WhichOutputs => {
  const { ids, sealed } = inputs[askerRole] as WhichAskerInput
  const answers = asking(parameters).map(([role, table]) => {
    const { secretKey, matrix } = inputs[role] as WhichHolderInput
    const own = sealed[role]!
    const { asker } =
      table.kind === 'sealed-list'
        ? sealedListQuery.ideal(table, { asker: { ids, list: own }, holder: { secretKey } })
        : simplePirQuery.ideal(table, { asker: { ids, stash: own }, holder: { secretKey, matrix } })
    return [role, asker] as const
  })
  const none = Object.fromEntries(Object.keys(parameters.holders).map((role) => [role, { kind: 'none' } as const]))
  return { [askerRole]: { kind: 'answers-by-holder', holders: Object.fromEntries(answers) }, ...none }
}

const costOf = (parameters: WhichParameters) => {
  const { queries } = parameters
  const tables = asking(parameters)
  const pir = tables.flatMap(([role, table]) => (table.kind === 'simplepir' ? [[role, table] as const] : []))
  const each = evaluationCost({ queries, publicKey: '0x' })
  return {
    rounds: Math.max(2, ...pir.map(([, table]) => roundsOf(table))),
    bytes: tables.length * each.bytes + pir.reduce((sum, [, table]) => sum + retrievalBytes(table), 0),
    coins: {
      [askerRole]: tables.length * each.coins.asker,
      ...Object.fromEntries(tables.map(([role]) => [role, each.coins.holder])),
    },
    correlations: Object.fromEntries(pir.map(([role]) => [preparedFor(role), queries])),
  }
}

const whichOf = (holders: number): WhichQuery => {
  const roles = holderRoles(holders)
  const id = `query/which-${holders}`
  return defineProtocol<string, any, WhichParameters, WhichInputs, WhichOutputs>({
    id,
    version: 1,
    roles: [askerRole, ...roles],
    receivers: [askerRole],
    messages: whichMessages,
    security: {
      ...simplePirQuery.security,
      corruptions: holders,
      assumptions: [
        'those of query/sealed-list and query/simplepir, holder by holder',
        'the asker learns which holder has an id, as its grants allow; any number of parties may collude',
      ],
    },
    leakage: {
      [askerRole]: `of each holder: ${simplePirQuery.leakage.asker}; of a list that is shipped whole: the number of its rows`,
      ...Object.fromEntries(roles.map((role) => [role, `${simplePirQuery.leakage.holder}, and who else is asked`])),
    },
    parameters: parserFor(id, roles),
    cost: costOf,
    ideal: idealOf,
    parties: Object.fromEntries([[askerRole, askerOf] as const, ...roles.map((role) => [role, holderOf] as const)]),
  })
}

/** By number of holders, 2 to 10. */
export const whichQueries: ReadonlyMap<number, WhichQuery> = forHolders(whichOf)
