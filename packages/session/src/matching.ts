/** Whether what both ends of every link signed is the same: before openings, and before outputs. */
import { TallyError, toHex, type Hex } from '@tallystick/core'
import type { Transcript } from '@tallystick/protocol'
import type { Chains, ControlBody } from './control.ts'
import { sortHeads, type LinkHead } from './digests.ts'
import type { StepHead } from './record.ts'
import type { Wire } from './wire.ts'

/** The heads of all links that a role sees, in both directions. */
export const headsSeen = (transcript: Transcript, roles: readonly string[], role: string): readonly LinkHead[] =>
  sortHeads(
    roles
      .filter((peer) => peer !== role)
      .flatMap((peer) => [
        { from: role, to: peer, digest: toHex(transcript.link(role, peer)) },
        { from: peer, to: role, digest: toHex(transcript.link(peer, role)) },
      ]),
  )

/** All chains, as evidence shows them: the signed heads are made of these. */
export const stepHeads = (transcript: Transcript): readonly StepHead[] =>
  transcript.heads().map(({ head, ...chain }) => ({ ...chain, head: toHex(head) }))

export interface Seen {
  readonly role: string
  readonly heads: readonly LinkHead[]
}

const none: Hex = '0x'

/** @throws TallyError decode/malformed unless the heads are of exactly the links that the role sees, in order */
export const requireOwnLinks = ({ role, heads }: Seen, roles: readonly string[]): void => {
  const expected = sortHeads(
    roles
      .filter((peer) => peer !== role)
      .flatMap((peer) => [
        { from: role, to: peer, digest: none },
        { from: peer, to: role, digest: none },
      ]),
  )
  const name = (links: readonly LinkHead[]): string => links.map(({ from, to }) => `${from}>${to}`).join(' ')
  if (name(heads) === name(expected)) return
  const message = `expected heads of the links ${name(expected)} from ${role}, found ${name(heads).slice(0, 200)}`
  throw new TallyError('decode/malformed', { peer: role }, message)
}

/** The first link whose two ends differ. */
export const findMismatch = (views: readonly Seen[]): { readonly from: string; readonly to: string } | undefined => {
  const claims = new Map<string, Hex>()
  for (const { heads } of views) {
    for (const { from, to, digest } of heads) {
      const link = `${from}>${to}`
      const other = claims.get(link)
      if (other !== undefined && other !== digest) return { from, to }
      claims.set(link, digest)
    }
  }
  return undefined
}

/** Each link once: where no mismatch is found, both ends agree on it. */
export const allLinks = (views: readonly Seen[]): readonly LinkHead[] =>
  sortHeads(views.flatMap(({ role, heads }) => heads.filter(({ from }) => from === role)))

const mostChains = 4000

const chainsOf = (transcript: Transcript, from: string, to: string): Chains =>
  transcript
    .heads()
    .filter((head) => head.from === from && head.to === to)
    .slice(0, mostChains)
    .map(({ step, frames, head }) => [step, frames, toHex(head)] as const)

const firstDifference = (a: Chains, b: Chains): string | undefined => {
  const other = new Map(b.map(([step, frames, head]) => [step, `${frames}:${head}`]))
  for (const [step, frames, head] of a) {
    if (other.get(step) !== `${frames}:${head}`) return step
    other.delete(step)
  }
  return [...other.keys()][0]
}

/**
 * The error for a link whose ends differ. Where this side is one of them, both tell each other their chains (the peer
 * found the same mismatch), so the message can name the step.
 */
export const mismatchError = async (
  { from, to }: { readonly from: string; readonly to: string },
  role: string,
  transcript: Transcript,
  wires: readonly Wire[],
  milliseconds: number,
): Promise<TallyError> => {
  const wire = [from, to].includes(role) ? wires.find((w) => w.role === from || w.role === to) : undefined
  let where = ''
  if (wire !== undefined) {
    const own = chainsOf(transcript, from, to)
    try {
      const chains = own.map((chain) => [...chain] as [string, number, Hex])
      wire.send('chains', { from, to, chains })
      const theirs: ControlBody<'chains'> = await wire.next('chains', milliseconds)
      const step = firstDifference(own, theirs.chains)
      if (step !== undefined) where = `, first at ${step}`
    } catch {
      // The peer does not say: the link alone is named.
    }
  }
  return new TallyError(
    'session/transcript-mismatch',
    wire === undefined ? 'none' : { peer: wire.role },
    `what ${from} sent to ${to} is not what ${to} received${where}`,
    { remedy: 'nothing was opened and no output was released; keep both journals, and run a new attempt' },
  )
}
