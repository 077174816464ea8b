/**
 * A query against a small list: the asker has the whole list of sealed rows, and opens what it is allowed to open by one
 * round of the verifiable OPRF. Freedman, Ishai, Pinkas and Reingold, "Keyword Search and Oblivious Pseudorandom
 * Functions" (TCC 2005), with the OPRF of RFC 9497.
 *
 *     asker (ids x_1 … x_n, sealed list)                         holder (key k)
 *     -----------------------------------------------------------------------------
 *     r_i <- [1, l)
 *     B_i = r_i · H(x_i)          blinded: B
 *                                 ------------------------>      E_i = k · B_i
 *     ===========  checkpoint: both have signed all chain heads so far  ===========
 *                                 evaluated: E, proof
 *     y_i = Hash(x_i, E_i/r_i)    <------------------------
 *     looks for the tag of y_i in its list, opens the row
 *
 * The list comes to the asker beforehand, by whatever way; the terms name its digest, and this side checks it.
 *
 * Security. Holder corrupt, malicious: it learns nothing of the ids or the answers, unconditionally but for what the
 * asker shows afterwards; what it can do is answer "absent" for rows it left out of the list, alike for everybody who
 * has this list. It cannot use another key than that of the terms: the proof fails and the run ends, whatever the ids.
 * Asker corrupt, malicious: it opens at most n rows for n evaluations, all under ids of its choice: ids are guessable,
 * so the quota of the grant and the audit are the real control. One-more gap CDH, random oracles, ChaCha20 a
 * pseudorandom function, ChaCha20-Poly1305 an authenticated encryption; about 125 bits.
 * Feedback. A row that does not open (status `spoiled`) ends like one that is absent: no frame, retry or record shows
 * it. An asker that tells the holder, or behaves otherwise afterwards, gives away whether it met a row that was spoiled.
 *
 * Leakage. The asker learns the number of rows, and by successive lists which tags come and go; the holder learns the
 * number of ids, which stands in the terms.
 *
 * Refusal. After `evaluated` the asker has its answers and may refuse to sign the close: the holder keeps the
 * checkpoint, which proves that so many evaluations were asked for.
 *
 * Cost. 2 rounds, 64 n + 64 bytes; 2 n scalar multiplications and a combination of 2 n for the asker, n and a
 * combination of n for the holder.
 *
 * Constant time. As the kernels' engine says for the group. Not: BigInt arithmetic on blinds, and the search in the
 * asker's own list (its memory access follows the tag).
 */
import { fromHex, type Hex } from '@tallystick/core'
import { defineProtocol, referenceEngine } from '@tallystick/protocol'
import { answersOf, type Answers, type Nothing } from '../answers.ts'
import {
  askOutputs,
  checkIds,
  checkKey,
  evaluationCost,
  evaluationMessages,
  serveOutputs,
  type Role,
} from '../evaluation.ts'
import { computing, runLocally } from '../local.ts'
import { fieldsOf, hexIn, maxQueries, wholeIn } from '../parameters.ts'
import { evaluate, type Items } from '../rfc9497/suite.ts'
import { answerInList, checkList, readList, type SealedList } from '../sealed/list.ts'
import { maxValueBytes, outputBytes, rowKeys, saltBytes, slotOverhead } from '../sealed/row.ts'

/** Public parameters, as they stand in the signed terms. */
export interface ListParameters {
  readonly queries: number
  readonly publicKey: Hex
  /** Of the table: 12 bytes. */
  readonly salt: Hex
  readonly valueBytes: number
  /** Sealed rows of the list, and their digest. */
  readonly rows: number
  readonly list: Hex
}

export interface ListInputs extends Record<Role, unknown> {
  readonly asker: {
    readonly ids: Items
    /** Sealed rows as {@link sealedList} writes them. */
    readonly list: Uint8Array
  }
  readonly holder: { readonly secretKey: Uint8Array }
}

export interface QueryOutputs extends Record<Role, unknown> {
  readonly asker: Answers
  readonly holder: Nothing
}

const id = 'query/sealed-list'
export const maxListRows = 2 ** 24

export const listParameters = (value: unknown): ListParameters => {
  const fields = fieldsOf(id, value, ['queries', 'publicKey', 'salt', 'valueBytes', 'rows', 'list'])
  return {
    queries: wholeIn(id, fields, 'queries', 1, maxQueries),
    publicKey: hexIn(id, fields, 'publicKey', 32),
    salt: hexIn(id, fields, 'salt', saltBytes),
    valueBytes: wholeIn(id, fields, 'valueBytes', 0, maxValueBytes),
    rows: wholeIn(id, fields, 'rows', 0, maxListRows),
    list: hexIn(id, fields, 'list', 32),
  }
}

/** The rows of the list that outputs open. */
export const answersInList = ({ queries, salt }: ListParameters, outputs: Uint8Array, list: SealedList): Answers =>
  answersOf(
    Array.from({ length: queries }, (_, i) =>
      answerInList(rowKeys(outputs.subarray(outputBytes * i, outputBytes * (i + 1)), fromHex(salt)), list),
    ),
  )

export const sealedListQuery = defineProtocol<
  Role,
  typeof evaluationMessages,
  ListParameters,
  ListInputs,
  QueryOutputs
>({
  id,
  version: 1,
  roles: ['asker', 'holder'],
  receivers: ['asker'],
  messages: evaluationMessages,
  security: {
    adversary: 'malicious',
    corruptions: 1,
    computational: 125,
    statistical: 128,
    assumptions: [
      'one-more gap computational Diffie-Hellman in ristretto255 (RFC 9497), its hashes random oracles',
      'ChaCha20 is a pseudorandom function, ChaCha20-Poly1305 an authenticated encryption',
      'privacy of the asker and of the rows; that the list holds what the holder says is for replay to show',
    ],
    refusal:
      'The asker has its answers once it has received the evaluations and may refuse to sign the close. The holder ' +
      'keeps the checkpoint that both signed before, with the number of evaluations asked for.',
  },
  leakage: {
    asker: 'the number of rows of the list, and which sealed rows come and go from one list to the next',
    holder: 'the number of ids (it stands in the terms)',
  },
  parameters: listParameters,
  cost: (parameters) => ({ rounds: 2, ...evaluationCost(parameters), correlations: {} }),
  ideal: (parameters, { asker, holder }) => ({
    asker: answersInList(
      parameters,
      runLocally(evaluate(computing, asker.ids, holder.secretKey), referenceEngine),
      readList(asker.list, slotOverhead + parameters.valueBytes),
    ),
    holder: { kind: 'none' },
  }),
  parties: {
    *asker(ctx, parameters, { ids, list }) {
      checkIds(ids, parameters.queries)
      const sealed = checkList(list, parameters.list, slotOverhead + parameters.valueBytes)
      return answersInList(parameters, yield* askOutputs(ctx, parameters, ids), sealed)
    },
    *holder(ctx, parameters, { secretKey }) {
      checkKey(secretKey, parameters.publicKey)
      yield* serveOutputs(ctx, parameters, secretKey)
      return { kind: 'none' }
    },
  },
})
