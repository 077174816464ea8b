/**
 * Inputs and outputs. An owner p(i) takes the components i + 1 and i + 2 from keys and sends the rest, component i + 3, to
 * the two others who hold it; these compare digests before they use it (Fantastic Four, section 2.4). A receiver gets the
 * component that it lacks from one party and its digest from another.
 */
import { digestWords } from '@tallystick/kernels'
import { equalBytes, TallyError } from '@tallystick/core'
import type { Routine } from '@tallystick/protocol'
import type { Arithmetic, Shared, Words } from '../backend.ts'
import { trimPlanes } from '../bits-words.ts'
import { minusMask, wordsOfSpecs, type InputSpec } from '../rep3/inputs.ts'
import { expandPlace } from '../rep3/multiply.ts'
import { combine, cut, plus, shapeOf } from '../rep3/outputs.ts'
import { transfer, vector } from '../rep3/transfer.ts'
import { concatWords, limbsOf } from '../words.ts'
import { hand, type Handing } from './hand.ts'
import { openBits, openParts } from './local.ts'
import { arithmetic, computing, indices, wire, type Ctx, type Parts, type Party } from './party.ts'

/** The component that an owner sends, and to whom. */
export const sentBy = (owner: number) => ({
  component: (owner + 3) % 4,
  to: [(owner + 1) % 4, (owner + 2) % 4] as const,
})

/** The components of an owner's inputs; `own` at the owner. Two rounds. */
export function* shareInput(
  party: Party,
  step: Ctx,
  owner: number,
  specs: readonly InputSpec[],
  own: Words | undefined,
): Routine<Parts> {
  const words = wordsOfSpecs(specs)
  const { index } = party
  const { component, to } = sentBy(owner)
  const masks: (Words | undefined)[] = []
  for (const m of [(owner + 1) % 4, (owner + 2) % 4]) {
    const place = party.stream(m, words)
    masks[m] = place && (yield* expandPlace(party, place, words))
  }
  const outer = { ctx: wire(step), count: () => 0 }
  let rest: Words | undefined
  if (index === owner) {
    rest = masks.reduce<Words>((left, mask) => (mask === undefined ? left : minusMask(specs, left, mask)), own!)
    const outgoing = to.map((k) => vector(computing[k]!, rest!))
    yield* transfer(outer, 'share', words, outgoing, [])
  }
  const [other] = to.filter((k) => k !== index)
  if (index !== owner && index !== component) {
    const [received] = yield* transfer(outer, 'share', words, [], [{ from: computing[owner]!, words }])
    const digest = yield* party.work.compute(digestWords, { words: received! })
    yield* step.send('vouch', digest, computing[other!]!)
    if (!equalBytes(yield* step.receive('vouch', computing[other!]!), digest)) {
      const peer = computing[owner]!
      const message = `what ${peer} shared is not what ${computing[other!]!} says it got: one of the two is corrupt`
      throw new TallyError('peer/misbehaved', { peer }, message, { remedy: 'keep the journal and have both audited' })
    }
    rest = received
  }
  return indices.map((m) => {
    if (m === index) return undefined
    return (m === component ? rest : masks[m]) ?? new Uint32Array(words)
  })
}

/** The vectors of an owner by name. */
export const sharesByName = (specs: readonly InputSpec[], parts: Parts): readonly (readonly [string, Arithmetic])[] => {
  let at = 0
  return specs.map(({ name, ring, length }) => {
    const from = at
    at += limbsOf(ring) * length
    return [
      name,
      arithmetic(
        ring,
        parts.map((part) => part?.subarray(from, at)),
      ),
    ]
  })
}

const partsOf = (value: Shared): Parts =>
  value.kind === 'arithmetic'
    ? openParts(value).parts
    : openBits(value).parts.map((part) => part && trimPlanes(part, value.length))

/** After the checkpoint: the values where this party is a receiver. One round. */
export function* openOutputs(
  party: Party,
  receivers: readonly string[],
  values: readonly Shared[],
): Routine<readonly Words[] | undefined> {
  const { index } = party
  const shapes = values.map(shapeOf)
  const all = values.map(partsOf)
  const parts = indices.map((m) => (m === index ? undefined : concatWords(all.map((value) => value[m]!))))
  const words = parts[(index + 1) % 4]!.length
  const jobs = indices
    .filter((receiver) => receivers.includes(computing[receiver]))
    .map((receiver): Handing => {
      const [sender, checker] = [(receiver + 1) % 4, (receiver + 2) % 4]
      const knows = index === sender || index === checker
      return { sender, checker, receiver, words, value: knows ? parts[receiver] : undefined }
    })
  const received = yield* hand(party, jobs, { vector: 'result', digest: 'resultVouch' })
  const [missing] = received.values()
  if (missing === undefined) return undefined
  const sum = parts.reduce<Words>(
    (total, part) => (part === undefined ? total : combine(shapes, plus, total, part)),
    missing,
  )
  return cut(shapes, sum)
}
