/** Chains of frames, made again by the auditor: what a link's head is made of, and where two of them part. */
import { concatBytes, fromHex, taggedDigest, toHex, u32, utf8ToBytes, compareBytes, type Hex } from '@tallystick/core'
import { createTranscript, type Head } from '@tallystick/protocol'
import type { InboxFrame, LinkHead, StepHead } from '@tallystick/session'

const ofLink = (chains: readonly StepHead[], from: string, to: string): readonly StepHead[] =>
  chains.filter((chain) => chain.from === from && chain.to === to)

/** Head of one directed link from the chains of its steps. */
export const linkDigest = (binding: Uint8Array, from: string, to: string, chains: readonly StepHead[]): Hex => {
  const sorted = ofLink(chains, from, to).toSorted((a, b) => compareBytes(utf8ToBytes(a.step), utf8ToBytes(b.step)))
  const parts = sorted.flatMap(({ step, frames, head }) => [
    utf8ToBytes(step),
    concatBytes(u32(frames), fromHex(head, 32)),
  ])
  return toHex(taggedDigest('tallystick/link/v1', binding, from, to, ...parts))
}

export const stepHeadsOf = (heads: readonly Head[]): readonly StepHead[] =>
  heads.map(({ from, to, step, frames, head }) => ({ from, to, step, frames, head: toHex(head) }))

/** The chains of received frames, whatever order they stand in. */
export const inboxChains = (binding: Uint8Array, role: string, inbox: readonly InboxFrame[]): readonly StepHead[] => {
  const transcript = createTranscript(binding)
  const sorted = inbox.toSorted((a, b) => a.ordinal - b.ordinal)
  for (const { from, step, body } of sorted) transcript.append(from, role, step, body)
  return stepHeadsOf(transcript.heads())
}

/** The first link whose signed head is not that of its chains. */
export const differingLink = (
  binding: Uint8Array,
  signed: readonly LinkHead[],
  chains: readonly StepHead[],
): LinkHead | undefined => signed.find(({ from, to, digest }) => linkDigest(binding, from, to, chains) !== digest)

/** Steps of a link at which two sets of chains differ. */
export const differingSteps = (
  link: { readonly from: string; readonly to: string },
  a: readonly StepHead[],
  b: readonly StepHead[],
): readonly string[] => {
  const [left, right] = [a, b].map(
    (chains) =>
      new Map(ofLink(chains, link.from, link.to).map(({ step, frames, head }) => [step, `${frames} ${head}`])),
  )
  const steps = new Set([...left!.keys(), ...right!.keys()])
  return [...steps].filter((step) => left!.get(step) !== right!.get(step)).sort()
}
