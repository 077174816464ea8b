/**
 * One question to several holders of whose answers the asker learns one bit, or a number: whether any of them has an id,
 * whether at least t have it, or how many. Quorum membership after Chandran, Dasgupta, Gupta, Obbattu, Sekar and Shah,
 * "Efficient Linear Multiparty PSI and Extensions to Circuit/Quorum PSI" (CCS 2021, ia.cr/2021/172): a weak private set
 * membership test of each id with each holder (equal values at both ends where the holder has the id, independent ones
 * where not), equality under shares, a count under shares, a comparison with t.
 *
 * What differs from the paper, and why. (1) Its membership test programs the holder's whole set anew in each run. Here it is
 * the Diffie-Hellman test of equality (Huberman, Franklin and Hogg, EC 1999; Meadows, S&P 1986) against the cells of a
 * table of k_j H(y) that the holder made once and the asker has: linear ahead of time, constant online, as in the first
 * construction of Lepoint, Patel, Raykova, Seth and Trieu, "Private Join and Compute from PIR with Default" (Asiacrypt
 * 2021, ia.cr/2020/1011). (2) Its shares are among all parties, with an honest majority. Here they are between the asker
 * and the first holder, the partner, by two-party GMW (Goldreich, Micali and Wigderson, STOC 1987; triples of
 * @tallystick/ot). The blocks are published, each with its proof; putting them together is ours, and argued below.
 *
 *     asker (ids x_i; cells of tables D_j)             holder-1 (key k_1)                 holder j > 1 (key k_j)
 *     ------------------------------------------------------------------------------------------------------
 *     ρ_i <- [1, l)
 *     B_i = ρ_i · H(x_i)          blinded: B, the same to all holders
 *                                 ---------------------------------------------------->
 *            base transfers, AND triples (@tallystick/ot)
 *            <------------------------------->
 *                                                                             words: h(k_j · B_i)
 *                                                      <-----------------------------
 *     s_ijc = h(ρ_i · D_j[c-th cell of x_i])           w_ij = h(k_j · B_i)
 *            gmwMasked: GMW of b_ij = OR over c = 1..3 of [s_ijc = w_ij], and of the bit or number over j
 *            <------------------------------->
 *     ===================  checkpoint: all have signed all chain heads so far  =====================
 *            answers: the shares of holder-1
 *            <--------------------------------
 *     the bit or number of each id
 *
 * A holder whose list has changed since its table was made has a second, small table of the ids that came or went, under a
 * key of its own (changes.ts): the asker has words of both, the holder sends words under both keys, and b_ij is the sum
 * of the two tests.
 *
 * Security. Who may collude: THE ASKER AND HOLDER-1 MUST NOT: together they see which holders have each id that was asked (w_ij
 * beside s_ijc), though nothing of ids that were not asked. Any set of holders, holder-1 among them, may collude: they see
 * uniform B_i and what GMW shows one end. The asker may collude with any holders but holder-1: they learn the outcome and
 * what they know themselves. Choose as holder-1 a party that has nothing to gain from the asker: a regulator's list, say.
 *
 * SEMI-HONEST. Nothing is promised against a party that deviates. In particular an asker that puts random values in the
 * place of all cells but one holder's learns from "any" whether *that* holder has the id. Nothing prevents it; a replay of its
 * evidence finds it, since its committed rows are its ids and the openings of their cells in Merkle trees over the tables,
 * whose roots stand in the terms (tree.ts): covert, as elsewhere. Holders of the asker's own making, with empty lists, and
 * questions to subsets of the holders would turn "any" into "which" as well: the protocol does not see it, so a grant names
 * all other holders and who may be holder-1 (`tally query grant --with --holder-1`). A holder can answer wrongly, and so spoil the
 * outcome, but learns nothing by it unless the asker tells.
 *
 * Why. To the asker a table is a vector of random elements (decisional Diffie-Hellman, H a random oracle), so it cannot
 * test ids by itself, however guessable: each id needs an evaluation that only comes as w_ij, to holder-1. To holders
 * B_i is uniform; w_ij is a digest of k_j B_i, which anybody makes from k_j G and a random exponent, whatever x_i. For an id
 * that holder j lacks, s_ijc and w_ij come from elements without relation: equal with probability 2^-wordBits each, together below 2^-40 a
 * run. So the pairs are what the membership test of the paper gives, and its argument for the rest applies, with GMW
 * between the two that hold them. 125 bits for the group and the base transfers, 121 for the extension.
 *
 * Leakage. Of each table the number of rows, of a table of changes a power of two above it; all parties know who else is asked, and the question. Not: which holder has
 * an id, unless the outcome implies it (all of them have it, or none has).
 *
 * Cost, for n ids and m holders, each with one table. n (32 m + 8 (m - 1)) bytes and 3 m n tests of 40 + log2(3 m n) bits: an AND gate a bit,
 * 8.5 bytes each. Online work: the asker 1 + 3 m scalar multiplications an id, a holder one. The rounds of base transfers
 * and triples, then log2 of the bits and of the holders. A holder with changes counts twice in all but the 32 bytes. Once a
 * build: 41 bytes a row to download.
 *
 * Refusal. The asker has the outcome from `answers` on and may refuse to sign the close; the holders keep the checkpoint.
 *
 * Constant time. Group operations as the kernels' engine says, GMW in the values. Not: BigInt arithmetic on blinds, which
 * cells an id has and whether two of them are one (the asker's own machine).
 */
import { equalBytes } from '@tallystick/core'
import { oprfBlind } from '@tallystick/kernels'
import { bitTriplesCost, openTransfers, type PairCost, transfersCost, vectorWords } from '@tallystick/ot'
import { defineProtocol, referenceEngine, type Cost, type Protocol } from '@tallystick/protocol'
import type { Nothing } from '../answers.ts'
import { computing, runLocally } from '../local.ts'
import { scalarCoins } from '../rfc9497/group.ts'
import { askerRole, forHolders, holderRoles } from '../several.ts'
import { askerOver } from './asker.ts'
import { answerBits, circuitCost, gateWords } from './circuit.ts'
import { holderOver } from './holder.ts'
import {
  elementBytes,
  messages,
  parserFor,
  partnerRole,
  questionOf,
  tablesOf,
  wordBytes,
  type QuorumAnswers,
  type QuorumAskerInput,
  type QuorumHolderInput,
  type QuorumInputs,
  type QuorumParameters,
} from './messages.ts'
import { candidates, membersTag } from './table.ts'

export type QuorumOutputs = Record<string, QuorumAnswers | Nothing>
export type QuorumQuery = Protocol<string, any, QuorumParameters, QuorumInputs, QuorumOutputs>

/** Looks the ids up with all keys in one hand. */
const idealOf = (parameters: QuorumParameters, inputs: QuorumInputs): QuorumOutputs => {
  const { queries, mode, threshold = 1, holders } = parameters
  const { ids, cells } = inputs[askerRole] as QuorumAskerInput
  const counts = new Uint8Array(queries)
  for (const [role, held] of Object.entries(holders)) {
    const { secretKey } = inputs[role] as QuorumHolderInput
    const has = new Uint8Array(queries)
    for (const [table] of tablesOf(held).entries()) {
      const scalars = secretKey.subarray(elementBytes * table, elementBytes * (table + 1))
      const points = runLocally(computing.compute(oprfBlind, { dst: membersTag, ...ids, scalars }), referenceEngine)
      for (let i = 0; i < queries; i++) {
        const own = points.subarray(elementBytes * i, elementBytes * (i + 1))
        const at = candidates * elementBytes * (table * queries + i)
        const found = Array.from({ length: candidates }, (_, k) => at + elementBytes * k).some((from) =>
          equalBytes(own, cells[role]!.subarray(from, from + elementBytes)),
        )
        if (found) has[i]! ^= 1
      }
    }
    has.forEach((one, i) => (counts[i]! += one))
  }
  const values = mode === 'count' ? counts : counts.map((count) => (count >= threshold ? 1 : 0))
  const none = Object.fromEntries(Object.keys(holders).map((role) => [role, { kind: 'none' } as const]))
  return { [askerRole]: { kind: 'quorum', values }, ...none }
}

/** Opens the transfers of asker and partner. */
export interface Opening {
  readonly open: typeof openTransfers
  readonly cost: () => PairCost
}

const costOf =
  ({ cost }: Opening) =>
  (parameters: QuorumParameters): Cost => {
    const { queries, holders } = parameters
    const question = questionOf(parameters)
    const transfers = cost()
    const triples = bitTriplesCost(32 * gateWords(question))
    const circuit = circuitCost(question)
    const roles = Object.keys(holders)
    const others = roles.slice(1)
    const tables = question.tables.length
    const sent = tables - tablesOf(holders[partnerRole]!).length
    return {
      rounds: Math.max(2, transfers.rounds + triples.rounds) + circuit.rounds + 1,
      bytes:
        queries * (elementBytes * roles.length + wordBytes * sent) +
        (transfers.bytes + triples.bytes + circuit.bytes) +
        4 * answerBits(question) * vectorWords(queries),
      coins: {
        [askerRole]: queries * (scalarCoins + candidates * wordBytes * tables) + transfers.coins + triples.coins,
        [partnerRole]: transfers.coins + triples.coins,
        ...Object.fromEntries(others.map((role) => [role, 0])),
      },
      correlations: {},
    }
  }

/** The protocol over transfers that are opened in some way; {@link quorumQueries} open them by base transfers. */
export const quorumOver = (opening: Opening, holders: number): QuorumQuery => {
  const roles = holderRoles(holders)
  const id = `query/quorum-${holders}`
  const known = 'who is asked, the question and the number of ids (they stand in the terms)'
  return defineProtocol<string, any, QuorumParameters, QuorumInputs, QuorumOutputs>({
    id,
    version: 1,
    roles: [askerRole, ...roles],
    receivers: [askerRole],
    messages,
    security: {
      adversary: 'semi-honest',
      corruptions: 1,
      computational: 121,
      statistical: 40,
      assumptions: [
        'THE ASKER AND holder-1 DO NOT COLLUDE: together they see which holders have each id that is asked',
        'any number of holders may collude with each other, and the asker with any holders but holder-1',
        'all follow the protocol: an asker that enters other cells than its tables have can ask one holder alone, ' +
          'which only a replay of its evidence finds',
        'decisional Diffie-Hellman in ristretto255, its hash a random oracle; keyed BLAKE3 a random oracle',
        'those of the semi-honest transfers of @tallystick/ot',
      ],
      refusal:
        'The asker has the outcome once it has the answers of holder-1 and may refuse to sign the close. The holders, ' +
        'who learn nothing in any case, keep the checkpoint with the number of ids asked for.',
    },
    leakage: {
      [askerRole]: `of each list the number of its rows; with holder-1, which holders have the ids that were asked`,
      ...Object.fromEntries(roles.map((role) => [role, known])),
    },
    parameters: parserFor(id, holders),
    cost: costOf(opening),
    ideal: idealOf,
    parties: Object.fromEntries([
      [askerRole, askerOver(opening.open)] as const,
      ...roles.map((role) => [role, holderOver(opening.open)] as const),
    ]),
  })
}

/** By number of holders, 2 to 10. */
export const quorumQueries: ReadonlyMap<number, QuorumQuery> = forHolders((holders) =>
  quorumOver({ open: openTransfers, cost: transfersCost }, holders),
)
