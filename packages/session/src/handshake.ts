/**
 * The handshake of one connection: who is there, over which terms, and which attempt both sides go on with.
 *
 *     hello     format, package, protocol, code, specHash, role, party, binding of this connection; signed
 *     attempt   the lowest attempt that this side can go on with; the highest of all is taken
 *     past      signed aborts of all earlier attempts
 *     held      what this side holds of the other's frames, so that nothing is sent twice
 *
 * The hello is signed over the binding that the transport exports (TLS exporter), so a party is authenticated by its
 * attestation key also where the transport has no client certificate (a browser), and a relay cannot pass it on.
 */
import { canonicalBytes, parseCanonical, taggedDigest, TallyError, toHex } from '@tallystick/core'
import type { Attempt } from './attempt.ts'
import type { Clock } from './clock.ts'
import { decodeControl, helloFormat, type Chains, type ControlBody, type Hello } from './control.ts'
import type { Abort } from './events.ts'
import { reasonOf, requireSigned, requireSignedDigest, signEventWith, type Signer } from './signing.ts'
import { packageVersion, partyIndex, partyOf, specHash, type Terms } from './terms.ts'
import { flooding, type Wire } from './wire.ts'

/** What this side can go on with. */
export interface LocalState {
  /** The attempt that it can resume, or has completed. */
  readonly open: number | null
  readonly completed: boolean
  readonly next: number
  /** Whether it holds a commitment of the peer in the open attempt: then only the same journal can go on with it. */
  bound(peer: string): boolean
}

const helloDigest = (hello: Omit<Hello, 'signature'>): Uint8Array =>
  taggedDigest('tallystick/hello/v1', canonicalBytes(hello))

const makeHello = async (terms: Terms, role: string, wire: Wire, state: LocalState, signer: Signer): Promise<Hello> => {
  const { id, version, code } = terms.protocol
  const hello = {
    format: helloFormat,
    package: packageVersion,
    protocol: { id, version },
    code,
    specHash: specHash(terms),
    role,
    to: wire.role,
    party: partyOf(terms, role).party,
    binding: toHex(wire.link.binding),
    state: { open: state.open, completed: state.completed, next: state.next },
  }
  return { ...hello, signature: toHex(await signer.sign(helloDigest(hello))) }
}

const incompatible = (peer: string, what: string, ours: unknown, theirs: unknown, wanted: string): TallyError =>
  new TallyError(
    'peer/incompatible',
    { peer },
    `${peer} runs ${what} ${(JSON.stringify(theirs) ?? 'unknown').slice(0, 200)}, this side runs ${JSON.stringify(ours)}`,
    { remedy: `${peer} must install Tallystick ${wanted}, which the terms name` },
  )

const at = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined

/** Versions first, before anything that another version may have changed. */
const checkVersions = (bytes: Uint8Array, terms: Terms, peer: string): void => {
  let value: unknown
  try {
    value = parseCanonical(bytes)
  } catch (cause) {
    throw new TallyError('decode/malformed', { peer }, `hello from ${peer}: expected canonical JSON`, { cause })
  }
  const wanted = terms.protocol.package
  const format = at(value, 'format')
  if (format !== helloFormat) throw incompatible(peer, 'the session format', helloFormat, format, wanted)
  const software = at(value, 'package')
  if (software !== packageVersion) throw incompatible(peer, 'package version', packageVersion, software, wanted)
  const protocol = at(value, 'protocol')
  const { id, version } = terms.protocol
  if (at(protocol, 'id') !== id) throw incompatible(peer, 'the protocol', id, at(protocol, 'id'), wanted)
  if (at(protocol, 'version') !== version) {
    throw incompatible(peer, `${id} version`, version, at(protocol, 'version'), wanted)
  }
}

const checkHello = (hello: Hello, terms: Terms, role: string, wire: Wire): void => {
  const peer = wire.role
  const party = partyOf(terms, peer)
  const mismatch = (code: 'terms/mismatch' | 'identity/wrong-key', what: string, expected: string, found: string) =>
    new TallyError(code, { peer }, `${what}: expected ${expected}, found ${found} from ${peer}`, {
      remedy: `compare the terms with ${peer}: both sides must hold the same file`,
    })
  const hash = specHash(terms)
  if (hello.specHash !== hash)
    throw mismatch('terms/mismatch', 'the two sides hold different terms', hash, hello.specHash)
  if (hello.role !== peer) throw mismatch('terms/mismatch', 'role', peer, hello.role)
  if (hello.to !== role) throw mismatch('terms/mismatch', 'addressed role', role, hello.to)
  if (hello.code !== terms.protocol.code) throw mismatch('terms/mismatch', 'code', terms.protocol.code, hello.code)
  if (hello.party !== party.party) throw mismatch('identity/wrong-key', 'party', party.party, hello.party)
  const { peerKey } = wire.link
  if (peerKey !== undefined && peerKey !== party.tls) {
    throw mismatch('identity/wrong-key', 'TLS key', party.tls, peerKey)
  }
  const binding = toHex(wire.link.binding)
  if (hello.binding !== binding)
    throw mismatch('identity/wrong-key', 'binding of the connection', binding, hello.binding)
  const { signature, ...signed } = hello
  requireSignedDigest(terms, peer, helloDigest(signed), signature, 'a hello')
}

/** Who is there. @throws TallyError peer/incompatible, terms/mismatch, identity/wrong-key, peer/bad-signature */
export const greet = async (
  terms: Terms,
  role: string,
  wires: readonly Wire[],
  state: LocalState,
  signer: Signer,
): Promise<ReadonlyMap<string, Hello>> => {
  const milliseconds = terms.deadlines.handshake * 1000
  const greetings = wires.map(async (wire) => {
    wire.send('hello', await makeHello(terms, role, wire, state, signer))
    const bytes = await wire.nextBytes('hello', milliseconds)
    checkVersions(bytes, terms, wire.role)
    const hello = decodeControl('hello', bytes, wire.role)
    checkHello(hello, terms, role, wire)
    return [wire.role, hello] as const
  })
  return new Map(await Promise.all(greetings))
}

/** The lowest attempt that this side can go on with, seeing what each peer can. */
const lowest = (state: LocalState, hellos: ReadonlyMap<string, Hello>): number => {
  const { open } = state
  if (open === null) return state.next
  for (const [peer, hello] of hellos) {
    if (hello.state.open === open) continue
    if (hello.state.next > open || state.bound(peer)) return open + 1
  }
  return open
}

/**
 * The attempt that all go on with: the same one, where all can; else the first that nobody has burned. `asked`: it is a
 * peer, not this side, that cannot take a lower one.
 * @throws TallyError terms/attempts-exhausted, or session/aborted where this side has completed an earlier one
 */
export const agreeAttempt = async (
  terms: Terms,
  wires: readonly Wire[],
  state: LocalState,
  hellos: ReadonlyMap<string, Hello>,
): Promise<{ readonly attempt: number; readonly asked: boolean }> => {
  const own = lowest(state, hellos)
  for (const wire of wires) wire.send('attempt', { attempt: own })
  const milliseconds = terms.deadlines.handshake * 1000
  const bodies = await Promise.all(wires.map((wire) => wire.next('attempt', milliseconds)))
  const attempt = Math.max(own, ...bodies.map((body) => body.attempt))
  if (state.completed && attempt !== state.open) {
    const peer = wires.find((_, i) => bodies[i]!.attempt === attempt)?.role
    const message = `this side has completed attempt ${state.open}; ${peer ?? 'a peer'} cannot go on with it`
    throw new TallyError('session/aborted', peer === undefined ? 'none' : { peer }, message, {
      remedy: 'agree on new terms to compute again',
    })
  }
  if (attempt >= terms.attempts) {
    const message = `the terms allow ${terms.attempts} attempts, and this would be number ${attempt + 1}`
    // Where only a peer counts that far it must account for it; what it says is no reason to make new terms.
    const peer = own < terms.attempts ? wires.find((_, i) => bodies[i]!.attempt === attempt)?.role : undefined
    throw new TallyError('terms/attempts-exhausted', peer === undefined ? 'none' : { peer }, message, {
      remedy: peer === undefined ? 'agree on new terms' : `ask ${peer} what became of the attempts before`,
    })
  }
  return { attempt, asked: attempt > own }
}

export type PastAborts = ControlBody<'past'>['aborts']

export const abortEvent = (terms: Terms, role: string, attempt: number, code: string): Abort => ({
  kind: 'Abort',
  specHash: specHash(terms),
  attempt,
  party: partyIndex(terms, role),
  reason: reasonOf(terms, code),
})

export const signAbort = async (terms: Terms, role: string, attempt: number, code: string, signer: Signer) => ({
  attempt,
  code,
  signature: await signEventWith(signer, terms, abortEvent(terms, role, attempt, code)),
})

const pastKey = (role: string): string => `past/${role}`

/** Aborted attempts stay in the record, signed by all; the journal of the next attempt keeps them. */
export const keepPast = (attempt: Attempt, role: string, aborts: PastAborts): PastAborts => {
  if (!attempt.has(pastKey(role))) attempt.put(pastKey(role), canonicalBytes(aborts))
  return aborts
}

/** The own aborts that this attempt began with: what was signed once is never signed otherwise. */
export const keptPast = (attempt: Attempt): PastAborts | undefined => {
  const bytes = attempt.journal.get('state', pastKey(attempt.role))
  return bytes === undefined ? undefined : (parseCanonical(bytes) as PastAborts)
}

interface OwnPast {
  /** Whether it is a peer that wants this number: then its signatures come before anything is given up or begun. */
  readonly wait: boolean
  /** Gives up what is open, begins the attempt, and returns the own aborts, kept and synced. */
  own(): Promise<PastAborts>
}

/** Numbers are not signed: of three parties one can tell the two others different ones, and neither of these is to blame. */
const otherNumber = (number: number, wires: readonly Wire[], { role }: Wire, found: number): TallyError => {
  const message = `expected ${role}'s aborts of the attempts before ${number}, found ${found}`
  if (wires.length === 1) return new TallyError('peer/misbehaved', { peer: role }, message)
  const names = wires.map((wire) => wire.role).join(', ')
  return new TallyError('peer/misbehaved', 'none', `${message}: ${role}, or a party that told it another number`, {
    remedy: `compare with ${names} which attempt each told the others`,
  })
}

/**
 * Exchanges the signed aborts of all attempts before `number`. A peer's word alone ends and begins nothing: a side that
 * is asked to go on to another attempt does so after one peer has signed its aborts of those before.
 */
export const exchangePast = async (
  terms: Terms,
  number: number,
  wires: readonly Wire[],
  { wait, own }: OwnPast,
): Promise<ReadonlyMap<string, PastAborts>> => {
  const learned = wires.map(async (wire) => {
    const { aborts } = await wire.next('past', terms.deadlines.handshake * 1000)
    if (aborts.length !== number || aborts.some((abort, i) => abort.attempt !== i)) {
      throw otherNumber(number, wires, wire, aborts.length)
    }
    for (const abort of aborts) {
      requireSigned(terms, wire.role, abortEvent(terms, wire.role, abort.attempt, abort.code), abort.signature)
    }
    return [wire.role, aborts] as const
  })
  const all = Promise.all(learned)
  all.catch(() => {})
  if (wait) await Promise.race([Promise.any(learned), all])
  const aborts = await own()
  for (const wire of wires) wire.send('past', { aborts })
  return new Map(await all)
}

/** Chains in one message: about half of the largest control message. */
const chainsPerMessage = 4000
const mostHeldBytes = 32 * 1024 * 1024

/** Tells each peer what this side holds of its frames, and learns the same. */
export const exchangeHeld = async (
  terms: Terms,
  attempt: Attempt,
  wires: readonly Wire[],
  clock: Clock,
): Promise<ReadonlyMap<string, Chains>> => {
  // One deadline for the whole: a list in many messages is no way to stay.
  const until = clock.now() + terms.deadlines.handshake * 1000
  for (const wire of wires) {
    const chains = [...attempt.chains(wire.role)]
    for (let i = 0, from = 0; i === 0 || from < chains.length; i++, from += chainsPerMessage) {
      const part = chains
        .slice(from, from + chainsPerMessage)
        .map((chain) => [...chain] as [string, number, (typeof chain)[2]])
      wire.send('held', { chains: part, last: from + chainsPerMessage >= chains.length }, i)
    }
  }
  const learn = async (wire: Wire): Promise<readonly [string, Chains]> => {
    const peer = wire.role
    const chains: Chains[number][] = []
    let bytes = 0
    for (;;) {
      const body = await wire.nextBytes('held', Math.max(0, until - clock.now()))
      const part = decodeControl('held', body, peer)
      bytes += body.length
      if (bytes > mostHeldBytes)
        throw flooding(peer, `${peer} lists over ${mostHeldBytes} bytes of frames that it holds`)
      // Full messages but the last: nothing can be trickled.
      if (!part.last && part.chains.length !== chainsPerMessage) {
        throw new TallyError('peer/misbehaved', { peer }, `expected ${chainsPerMessage} chains a message of ${peer}`)
      }
      for (const chain of part.chains) chains.push(chain)
      if (part.last) {
        if (chains.length === 0 || attempt.has('sent/coin')) return [peer, chains]
        const message = `${peer} says that it holds frames of an attempt in which this side has sent none`
        throw new TallyError('peer/misbehaved', { peer }, message, { remedy: `ask ${peer} which software it runs` })
      }
    }
  }
  return new Map(await Promise.all(wires.map(learn)))
}
