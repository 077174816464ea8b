/**
 * Evidence sealed to one auditor in the age format (age-encryption.org/v1), so that the `age` tool opens it too: a file
 * key wrapped for the auditor's X25519 (or hybrid post-quantum) key, ChaCha20-Poly1305 over chunks of 64 KiB. The file
 * shows its length to anyone, and so about how many rows and frames there are.
 */
import {
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption'
import { TallyError } from '@tallystick/core'
import type { Hex } from '@tallystick/core'
import { requireWithinLimit, unsignedBy, type DisclosedRole, type DisclosureTerms } from './disclosure.ts'
import { decodeEvidence, encodeEvidence, type Evidence } from './evidence.ts'

export interface AuditorKey {
  /** AGE-SECRET-KEY-…: the auditor keeps it. */
  readonly identity: string
  /** age1…: goes into the terms of jobs. */
  readonly recipient: string
}

/** @param kind `x25519` for every age tool; `hybrid` (with ML-KEM-768, recipients of 2 kB) needs age 1.3 or later */
export const createAuditorKey = async (kind: 'x25519' | 'hybrid' = 'x25519'): Promise<AuditorKey> => {
  const identity = await (kind === 'hybrid' ? generateHybridIdentity() : generateX25519Identity())
  return { identity, recipient: await identityToRecipient(identity) }
}

const streamOf = (pieces: Iterable<Uint8Array>): ReadableStream<Uint8Array> => {
  const iterator = pieces[Symbol.iterator]()
  return new ReadableStream({
    pull(controller) {
      const piece = iterator.next()
      if (piece.done === true) controller.close()
      else controller.enqueue(piece.value)
    },
  })
}

async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

export interface SealOptions {
  readonly terms: DisclosureTerms
  readonly specHash: Hex
  readonly evidence: Evidence
  /** Roles of this job whose disclosure this party has signed or knows of. */
  readonly disclosed: readonly DisclosedRole[]
}

const requireCountersigned = ({ terms, specHash, evidence }: SealOptions): void => {
  const { disclosure } = evidence
  if (evidence.specHash !== specHash) {
    throw new TallyError('evidence/mismatch', 'self', 'expected evidence of the job of these terms')
  }
  if (disclosure.role !== evidence.role || disclosure.attempt !== evidence.attempt) {
    const found = `${disclosure.role} in attempt ${disclosure.attempt}`
    const expected = `${evidence.role} in attempt ${evidence.attempt}`
    throw new TallyError('evidence/mismatch', 'self', `expected a disclosure of ${expected}, found one of ${found}`)
  }
  const [missing] = unsignedBy(terms, specHash, disclosure)
  if (missing === undefined) return
  throw new TallyError('evidence/mismatch', { peer: missing }, `expected the disclosure countersigned by ${missing}`, {
    remedy: `ask ${missing} to countersign that ${terms.auditor.name} may see the evidence of ${evidence.role}`,
  })
}

/**
 * Seals to the auditor whom the terms name, to nobody else.
 * @throws TallyError evidence/over-limit; evidence/mismatch without the countersignature of every party
 */
export const sealEvidence = async (options: SealOptions): Promise<ReadableStream<Uint8Array>> => {
  const { terms, evidence } = options
  requireWithinLimit(terms, evidence, options.disclosed)
  requireCountersigned(options)
  return encryptEvidence(evidence, terms.auditor.recipient)
}

/** The encryption alone, without the rules of {@link sealEvidence}: for tests that seal what no honest party would. */
export const encryptEvidence = async (evidence: Evidence, recipient: string): Promise<ReadableStream<Uint8Array>> => {
  const encrypter = new Encrypter()
  try {
    encrypter.addRecipient(recipient)
  } catch (cause) {
    throw new TallyError('terms/malformed', 'self', "expected an age recipient (age1…) as the auditor's key", { cause })
  }
  return encrypter.encrypt(streamOf(encodeEvidence(evidence)))
}

const decrypt = async (file: ReadableStream<Uint8Array>, identity: string): Promise<ReadableStream<Uint8Array>> => {
  const decrypter = new Decrypter()
  try {
    decrypter.addIdentity(identity)
  } catch {
    // No cause: the library quotes what it was given, which is the secret key with a mistake in it.
    throw new TallyError(
      'identity/malformed',
      'self',
      'expected an age identity (AGE-SECRET-KEY-1…), whole and unchanged',
      {
        remedy: 'restore the key file of the auditor from a copy',
      },
    )
  }
  try {
    return await decrypter.decrypt(file)
  } catch (cause) {
    if (!String(cause).includes('no identity matched')) throw unreadable(cause)
    throw new TallyError('evidence/not-for-you', 'self', 'this evidence is sealed to another auditor key', {
      cause,
      remedy: 'use the key whose recipient the terms name; nobody else can open this file',
    })
  }
}

const unreadable = (cause: unknown): TallyError =>
  new TallyError('evidence/malformed', 'none', 'expected an age file that is whole and unaltered', {
    cause,
    remedy: 'ask the party for its evidence file again',
  })

/** @throws TallyError evidence/not-for-you, evidence/malformed, identity/malformed */
export const openEvidence = async (
  file: Uint8Array | ReadableStream<Uint8Array>,
  identity: string,
): Promise<Evidence> => {
  const plain = await decrypt(file instanceof Uint8Array ? streamOf([file]) : file, identity)
  try {
    return await decodeEvidence(piecesOf(plain))
  } catch (error) {
    throw error instanceof TallyError ? error : unreadable(error)
  }
}
