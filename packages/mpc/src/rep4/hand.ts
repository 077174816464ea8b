/**
 * Joint message passing (Fantastic Four, protocol of section 2.3): what two parties know goes to a third from one of them,
 * and the other one sends its digest, in the same round. With one corrupt party, either what comes is right or the digests
 * differ, and the receiver ends before it uses the value.
 */
import { digestWords } from '@tallystick/kernels'
import type { Routine } from '@tallystick/protocol'
import type { Words } from '../backend.ts'
import { transfer, vector, type Incoming, type Outgoing, type VectorMessage } from '../rep3/transfer.ts'
import { computing, type Ctx, type Party } from './party.ts'
import { unverified, verified, type Unverified } from './unverified.ts'

export interface Handing {
  readonly sender: number
  readonly checker: number
  readonly receiver: number
  readonly words: number
  /** At sender and checker. */
  readonly value: Words | undefined
}

export interface Names {
  readonly vector: VectorMessage
  readonly digest: 'vouch' | 'resultVouch'
}
const inRun: Names = { vector: 'product', digest: 'vouch' }
const digestOf = (party: Pick<Party, 'work'>, words: Words): Routine<Uint8Array> =>
  party.work.compute(digestWords, { words })

/** What came from the sender, which only a digest opens. */
export interface Received {
  readonly job: Handing
  readonly value: Unverified<Words>
  readonly found: Uint8Array
}

/** Sends values and digests; what this party received, unread. One round. Senders send one value a receiver. */
export function* pass(party: Party, jobs: readonly Handing[], names: Names = inRun): Routine<readonly Received[]> {
  const { index } = party
  const ctx = party.ctx as unknown as Ctx
  for (const { checker, receiver, value } of jobs) {
    if (index === checker) yield* ctx.send(names.digest, yield* digestOf(party, value!), computing[receiver]!)
  }
  const outgoing: Outgoing[] = []
  const incoming: Incoming[] = []
  for (const { sender, receiver, words, value } of jobs) {
    if (index === sender) outgoing.push(vector(computing[receiver]!, value!))
    if (index === receiver) incoming.push({ from: computing[sender]!, words })
  }
  const largest = jobs.reduce((most, { words }) => Math.max(most, words), 0)
  const received = yield* transfer(party, names.vector, largest, outgoing, incoming)
  const mine = jobs.filter(({ receiver }) => receiver === index)
  const results: Received[] = []
  for (const [i, job] of mine.entries()) {
    const words = received[i]!
    results.push({ job, value: unverified(words), found: yield* digestOf(party, words) })
  }
  return results
}

/** Takes the digests, and opens what they vouch for. @throws TallyError peer/misbehaved */
export function* check(
  party: Party,
  received: readonly Received[],
  names: Names = inRun,
): Routine<ReadonlyMap<Handing, Words>> {
  const ctx = party.ctx as unknown as Ctx
  const values = new Map<Handing, Words>()
  for (const { job, value, found } of received) {
    const [sender, checker] = [computing[job.sender]!, computing[job.checker]!]
    const vouched = yield* ctx.receive(names.digest, checker)
    const what = `a message "${names.vector}"`
    values.set(job, verified(value, { found, vouched, bits: party.digestBits, sender, checker, what }))
  }
  return values
}

/** Both. */
export function* hand(
  party: Party,
  jobs: readonly Handing[],
  names: Names = inRun,
): Routine<ReadonlyMap<Handing, Words>> {
  return yield* check(party, yield* pass(party, jobs, names), names)
}
