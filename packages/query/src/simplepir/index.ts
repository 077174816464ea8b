/**
 * A query against a large list: the verifiable OPRF of RFC 9497 gives the asker column and key of its row, and SimplePIR
 * (Henzinger, Hong, Corrigan-Gibbs, Meiklejohn and Vaikuntanathan, USENIX Security 2023, ia.cr/2022/949, figure 2) gives
 * it the column without the holder learning which.
 *
 *     asker (ids x_1 … x_n; prepared b_i = A s_i + e_i, h_i = H s_i; stash)       holder (key k, matrix D)
 *     -----------------------------------------------------------------------------------------------
 *     n prepared units burned
 *     B_i = r_i · H(x_i)               blinded: B
 *                                      ---------------------->      E_i = k · B_i
 *     ==================  checkpoint: both have signed all chain heads so far  ======================
 *                                      evaluated: E, proof
 *     y_i = Hash(x_i, E_i / r_i)       <----------------------
 *     c_i, tag_i, key_i from y_i
 *     q_i = b_i + Δ·u_(c_i)            queries: q, frame by frame
 *                                      ---------------------->      a_i = D·q_i, rounded to 16 bits
 *                                      answers: a
 *     column c_i from a_i and h_i      <----------------------
 *     looks for tag_i there and in the stash, opens the row
 *
 * Hint H = (D - 128)·A, stash and the seed of A come to the asker beforehand, once a version of the table, by deltas
 * where it changes (update.ts); their digest is in the terms.
 *
 * Security. Holder corrupt, malicious: q is indistinguishable from random under LWE (n = 1024, q = 2^32, σ = 16, up to
 * 2^17 samples a secret: 2^133 for up to 2^18, shape.ts), with the sampler within 2^-101 of the exact distribution over a
 * query; B is uniform. So it learns nothing of ids or answers, as long as it gets no feedback: see below. It cannot use
 * another key (proof). It can answer wrongly, for all or for columns of its choice: correctness is semi-honest; replay
 * of its evidence shows whether it answered from the matrix that the terms name.
 * Asker corrupt, malicious: of the n columns that it retrieves it sees sealed rows, whose ids and values stay hidden
 * without their outputs; it opens at most n rows for n evaluations, of ids of its choice. One-more gap CDH, random
 * oracles, ChaCha20 a pseudorandom function. Guessable ids: the quota of the grant and the audit are the control.
 * Feedback. A row that does not open (status `spoiled`: the holder spoiled a column, or a 2^-64 coincidence of tags)
 * ends like one that is absent: no frame, retry or record shows it. All queries are sent before any answer is looked at,
 * and column and stash are each opened at one slot whatever is found, so that the close does not leave sooner or later
 * but for the few microseconds by which a library's decryption and its refusal differ. An asker that tells the holder, or asks again because of it, gives away that it asked there.
 *
 * Leakage. The asker learns the shape of the table, its stash, of every slot of the columns that it retrieves the version
 * of its last change (whether it holds a row, by its place only: rows take the first free slot), and by deltas how many
 * slots changed, where, and which of them keep their row (update.ts). The holder learns the number of ids, which stands in the terms.
 *
 * Refusal. As in `query/sealed-list`.
 *
 * Correctness. A decoded column has a wrong byte with probability below 2^-70 (shape.ts); a wrong or foreign row is
 * never returned but with the probability of a forgery, about 2^-100.
 *
 * Cost. 4 rounds, and 2 more for every 4 frames of queries beyond the first 4 (a frame is at most 64 queries or 4 MiB);
 * 64 + n (64 + 4·columns + 2·lines) bytes; n passes over the matrix, batched by frames.
 *
 * Memory. Frames of queries are bounded; the asker holds its units (4·(columns + lines) bytes an id) and all answers.
 *
 * Constant time. Scans, the prepared part and the making of a query, in the content of everything; the number of slots
 * compared and opened. Not: BigInt arithmetic on blinds, the search in the asker's own stash, and whether a slot opens
 * (a few microseconds on the asker's machine).
 */
import { fromHex } from '@tallystick/core'
import { defineProtocol, referenceEngine } from '@tallystick/protocol'
import { answersOf } from '../answers.ts'
import { evaluationCost, type Role } from '../evaluation.ts'
import { computing, runLocally } from '../local.ts'
import { evaluate } from '../rfc9497/suite.ts'
import { readList } from '../sealed/list.ts'
import { outputBytes, rowKeys } from '../sealed/row.ts'
import { answerFrom, asker } from './asker.ts'
import { columnOf } from './build.ts'
import { holder } from './holder.ts'
import { readColumn } from './matrix.ts'
import {
  id,
  messages,
  parameters,
  retrievalBytes,
  roundsOf,
  type PirInputs,
  type PirOutputs,
  type PirParameters,
} from './messages.ts'
import { preparedQuery } from './prepare.ts'
import { linesOf, slotBytesOf } from './shape.ts'

/** Looks the rows up in the clear. */
const ideal = (parameters: PirParameters, { asker, holder }: PirInputs): PirOutputs => {
  const stash = readList(asker.stash, slotBytesOf(parameters))
  const outputs = runLocally(evaluate(computing, asker.ids, holder.secretKey), referenceEngine)
  const answers = Array.from({ length: parameters.queries }, (_, i) => {
    const keys = rowKeys(outputs.subarray(outputBytes * i, outputBytes * (i + 1)), fromHex(parameters.salt))
    const column = readColumn(holder.matrix, parameters, columnOf(parameters, keys), 0, linesOf(parameters))
    return answerFrom(keys, parameters, column, stash)
  })
  return { asker: answersOf(answers), holder: { kind: 'none' } }
}

export const simplePirQuery = defineProtocol<Role, typeof messages, PirParameters, PirInputs, PirOutputs>({
  id,
  version: 1,
  roles: ['asker', 'holder'],
  receivers: ['asker'],
  messages,
  security: {
    adversary: 'malicious',
    corruptions: 1,
    computational: 125,
    statistical: 100,
    assumptions: [
      'LWE with n = 1024, q = 2^32, σ = 16 and a public matrix from a seed by ChaCha20, up to 2^17 samples a secret',
      'one-more gap computational Diffie-Hellman in ristretto255 (RFC 9497), its hashes random oracles',
      'ChaCha20 is a pseudorandom function, ChaCha20-Poly1305 an authenticated encryption',
      'privacy only, and without feedback: that answers are right is semi-honest, for replay to show',
    ],
    refusal:
      'The asker has its answers once it has received them and may refuse to sign the close. The holder keeps the ' +
      'checkpoint that both signed before, with the number of evaluations asked for.',
  },
  leakage: {
    asker:
      'the shape of the table, its stash, the version of the last change of every slot retrieved, and by its deltas ' +
      'how many slots changed, where, and which of them keep their row',
    holder: 'the number of ids (it stands in the terms)',
  },
  parameters,
  cost: (parameters) => {
    const { bytes, coins } = evaluationCost(parameters)
    return {
      rounds: roundsOf(parameters),
      bytes: bytes + retrievalBytes(parameters),
      coins,
      correlations: { [preparedQuery]: parameters.queries },
    }
  },
  ideal,
  parties: { asker, holder },
})
