/**
 * Private set union of two parties: Chen, Zhang, Zhang, Dong and Liu (PKC 2024, ia.cr/2022/652): their multi-query reverse
 * private membership test from a commutative weak PRF (Diffie-Hellman on curve25519 here), followed by one oblivious
 * transfer a row, as their framework makes the union of it (after Kolesnikov, Rosulek, Trieu, Wang, ia.cr/2019/776).
 *
 *     receiver (their server: rows Y)                            sender (their client: rows X)
 *     ------------------------------------------------------------------------------------------
 *     a <- [1, l)                                                b <- [1, l)
 *                          receiverMasked: 8a H(Y)
 *                          -------------------------------->     Z = 8b 8a H(Y)
 *                          senderMasked: 8b H(X), shuffled
 *     E = 8a 8b H(X)       <--------------------------------
 *                          random transfers, one a row of X (ot/src/extension)
 *     c, key_c             <------------------------------->     key_0, key_1
 *     ======================  checkpoint: both have signed all chain heads so far  =============
 *                          receiverDoubled: Z, shuffled
 *     w = [row of E not    <--------------------------------
 *     in Z], row by row
 *                          turned: d = w + c
 *                          -------------------------------->
 *                          masked: x + PRG(key_(1 + d)), x padded to idBytes
 *     x where w = 1        <--------------------------------
 *
 * Security. Semi-honest, one corrupt party, under decisional Diffie-Hellman in the prime-order subgroup of curve25519, H a random
 * oracle (steps and hash of psi/ecdh under fresh scalars), and what the transfers rest on (SoftSpokenOT, see @tallystick/ot).
 * The sender sees pseudorandom elements and choice bits under one-time masks: nothing. The receiver sees of each row of X, in a
 * random order, whether it has it, and the rows that it lacks. Nothing is promised against a party that deviates: a receiver
 * that enters a short list gets nearly all of X, which is what a union is; agree on a minimum size of the sets.
 *
 * Leakage. Both sizes, which stand in the terms, and the longest id that the sender may have (`idBytes`). **A union gives
 * the receiver every id of the sender that it lacks, in plain**, and how many are common; never which. The sender learns nothing.
 *
 * Refusal. The receiver knows from `receiverDoubled` how many are common, from `masked` on all, and may refuse to sign the close. The
 * sender may keep back `masked`. Each time the other keeps the checkpoint that both signed before.
 *
 * Cost. 32 (2n + m) bytes, 16 ceil((1 + idBytes) / 16) a row of X, a bit a row, and the transfers (4 bytes a row and
 * about 12 kB). Two scalar multiplications a row of either set for each party, as psi/ecdh.
 *
 * Constant time. Multiplications, transfers and pads as the kernels' engines say. Not constant-time: one BigInt reduction of
 * each scalar, random orders, ids in their order, and all that follows from which rows the receiver lacks.
 */
import { correlatedCost, randomReceive, randomSend, type BlockCost, type TransferOptions } from '@tallystick/ot'
import type { RandomSent } from '@tallystick/ot'
import { defineProtocol, type Context, type Protocol, type Routine } from '@tallystick/protocol'
import { orderCoins, scalarCoins } from '../ecdh/coins.ts'
import type { Items } from '../ecdh/messages.ts'
import {
  blockBytes,
  elementBytes,
  messages,
  parseParameters,
  widthOf,
  type Outcome,
  type Parameters,
  type Role,
} from './messages.ts'
import { receiverOver } from './receiver.ts'
import { senderOver } from './sender.ts'

export { defaultIdBytes, maxIdBytes, type Outcome, type Parameters } from './messages.ts'

/** Random transfers from the sender to the receiver. */
export interface Transfer {
  readonly send: (ctx: Context<any, any>, peer: string, options: TransferOptions) => Routine<RandomSent>
  readonly receive: (
    ctx: Context<any, any>,
    peer: string,
    options: TransferOptions,
    choices: Uint8Array,
  ) => Routine<Uint8Array>
  readonly cost: (options: TransferOptions) => BlockCost
}

const rowsOf = ({ bytes, offsets }: Items): Uint8Array[] =>
  Array.from({ length: offsets.length - 1 }, (_, row) => bytes.subarray(offsets[row], offsets[row + 1]))

const plain = (inputs: Record<Role, Items>): Record<Role, Outcome> => {
  const known = new Set(rowsOf(inputs.receiver).map((row) => row.join()))
  const others = rowsOf(inputs.sender).filter((row) => !known.has(row.join()))
  // Keys of two digits a byte and commas compare as the bytes do.
  const key = (row: Uint8Array): string => Array.from(row, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const sorted = others.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
  const offsets = new Uint32Array(sorted.length + 1)
  sorted.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.length))
  const bytes = Uint8Array.from(sorted.flatMap((row) => [...row]))
  return { receiver: { kind: 'union', others: { bytes, offsets } }, sender: { kind: 'none' } }
}

export type Czzdl24 = Protocol<Role, any, Parameters, Record<Role, Items>, Record<Role, Outcome>>

/** The protocol over transfers; {@link czzdl24} is over the extension. */
export const czzdl24Over = (transfer: Transfer, more: Record<string, unknown> = {}): Czzdl24 =>
  defineProtocol<Role, any, Parameters, Record<Role, Items>, Record<Role, Outcome>>({
    id: 'psi/czzdl24',
    version: 1,
    roles: ['receiver', 'sender'],
    messages: { ...messages, ...more },
    security: {
      adversary: 'semi-honest',
      corruptions: 1,
      computational: 121,
      statistical: 128,
      assumptions: [
        'decisional Diffie-Hellman in the prime-order subgroup of curve25519',
        'curve25519_XMD:SHA-512_ELL2_RO_ (RFC 9380) is a random oracle',
        'those of the transfers: see @tallystick/ot',
      ],
      refusal:
        'The receiver knows how many rows are common from its doubly masked rows on and all from the ids on, and may ' +
        'refuse to sign the close; the sender may send no ids. The other keeps the checkpoint that both signed before.',
    },
    leakage: {
      receiver: 'the number of rows of the sender and a bound on the length of its ids (they stand in the terms)',
      sender: 'the number of rows of the receiver (it stands in the terms)',
    },
    parameters: parseParameters,
    cost(parameters) {
      const { sizes } = parameters
      const transfers = transfer.cost({ n: sizes.sender, security: 'semi-honest' })
      return {
        rounds: Math.max(1, transfers.rounds) + 3,
        bytes:
          elementBytes * (2 * sizes.receiver + sizes.sender) +
          transfers.bytes +
          Math.ceil(sizes.sender / 8) +
          widthOf(parameters) * sizes.sender,
        coins: {
          receiver: scalarCoins + blockBytes * Math.ceil(sizes.sender / 128) + transfers.coins.receiver,
          sender: scalarCoins + orderCoins * (sizes.sender + sizes.receiver) + transfers.coins.sender,
        },
        correlations: {},
      }
    },
    ideal: (_, inputs) => plain(inputs),
    parties: { receiver: receiverOver(transfer), sender: senderOver(transfer) },
  })

export const czzdl24 = czzdl24Over({ send: randomSend, receive: randomReceive, cost: correlatedCost })
