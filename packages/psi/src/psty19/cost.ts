/** Exact cost, by following how long the chains of messages are at each end. */
import { bitTriplesCost, equalCost, lessCost, productCost, type BlockCost, type PairCost } from '@tallystick/ot'
import type { Cost } from '@tallystick/protocol'
import { orderBits, receiverVectors, senderVectors, tripleWords, type Blocks } from './blocks.ts'
import { neededSums, openedWords } from './finish.ts'
import {
  crossPairs,
  crossWidths,
  elementBytes,
  hintSize,
  ownSize,
  saltBytes,
  seedBytes,
  slotsOf,
  storesOf,
  tagBits,
  type Parameters,
} from './messages.ts'

/** Rounds on the longest chains that led to each end so far. */
class Chains {
  receiver: number
  sender: number
  constructor(both: number) {
    this.receiver = this.sender = both
  }
  exchange(times = 1): void {
    for (let i = 0; i < times; i++) {
      const [receiver, sender] = [this.receiver, this.sender]
      this.receiver = Math.max(receiver, sender + 1)
      this.sender = Math.max(sender, receiver + 1)
    }
  }
  toSender(): void {
    this.sender = Math.max(this.sender, this.receiver + 1)
  }
  toReceiver(): void {
    this.receiver = Math.max(this.receiver, this.sender + 1)
  }
}

/** Elements that are scaled together, in whole vectors of bits. */
const withheldElements = (parameters: Parameters): number => 128 * Math.ceil(neededSums(parameters) / 128)

const roundsOf = (blocks: Blocks, parameters: Parameters, vole: BlockCost, opening: PairCost): number => {
  const chains = new Chains(Math.max(vole.rounds, opening.rounds + 1))
  chains.toSender() // encoded
  chains.toReceiver() // hint
  chains.exchange(equalCost(1, tagBits(parameters, blocks.statistical)).rounds)
  scale(chains, receiverVectors(parameters), senderVectors(parameters))
  for (let i = crossPairs(parameters) * crossWidths(parameters).length; i > 0; i--) scale(chains, 0, 1)
  if (parameters.minimum > 0) {
    chains.exchange(lessCost(1, orderBits).rounds)
    scale(chains, 1, 1)
  }
  if (parameters.output === 'statistics') scale(chains, 1, 0)
  return Math.max(chains.receiver, chains.sender) + 1
}

/** Products with the receiver's and with the sender's vectors: corrections, then products, both ways at once. */
const scale = (chains: Chains, receivers: number, senders: number): void => {
  if (receivers > 0 && senders > 0) return chains.exchange(2)
  if (receivers > 0) {
    chains.toReceiver()
    chains.toSender()
  } else if (senders > 0) {
    chains.toSender()
    chains.toReceiver()
  }
}

export const costOf =
  (blocks: Blocks) =>
  (parameters: Parameters): Cost => {
    const vole = blocks.vole.cost({ n: ownSize(parameters), security: 'semi-honest' })
    const opening = blocks.transfers.cost()
    const triples = bitTriplesCost(32 * tripleWords(parameters, blocks))
    const slots = slotsOf(parameters)
    const products =
      productCost(slots * receiverVectors(parameters), 1).bytes +
      productCost(slots * senderVectors(parameters), 1).bytes +
      crossWidths(parameters).reduce((sum, width) => sum + crossPairs(parameters) * productCost(slots, width).bytes, 0)
    const widening = parameters.output === 'statistics' ? productCost(neededSums(parameters), 1).bytes : 0
    const minimum =
      parameters.minimum > 0 ? lessCost(1, orderBits).bytes + 2 * productCost(withheldElements(parameters), 1).bytes : 0
    const stores = storesOf(parameters)
    const opened = 4 * openedWords(parameters) * (parameters.to === 'both' ? 2 : 1)
    return {
      rounds: roundsOf(blocks, parameters, vole, opening),
      bytes:
        vole.bytes +
        opening.bytes +
        triples.bytes +
        saltBytes +
        elementBytes * (ownSize(parameters) + stores * hintSize(parameters)) +
        equalCost(slots, tagBits(parameters, blocks.statistical)).bytes +
        products +
        minimum +
        widening +
        opened,
      coins: {
        receiver: vole.coins.receiver + opening.coins + triples.coins + saltBytes + seedBytes,
        sender: vole.coins.sender + opening.coins + triples.coins + elementBytes + seedBytes * (1 + stores),
      },
      correlations: {},
    }
  }
