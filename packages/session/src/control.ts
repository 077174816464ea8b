/** Control messages: canonical JSON of strict shapes, in `control` frames whose step is the kind of the message. */
import { canonicalBytes, parseCanonical, TallyError, type Hex } from '@tallystick/core'
import { z } from 'zod'
import { complaint, hex, instant, integer, line, role } from './shapes.ts'

export const helloFormat = 'tallystick/hello/1'

const attempt = integer(0, 2 ** 31 - 1)
const signed = { signature: hex(65), at: instant }
const heads = z.array(z.strictObject({ from: role, to: role, digest: hex(32) })).max(255 * 254)
const commitmentFields = { input: hex(32), seed: hex(32), coin: hex(32) }
const viewFields = { heads, result: hex(32) }
const code = z
  .string()
  .max(100)
  .regex(/^[a-z]+\/[a-z-]+$/, { error: 'expected an error code' })
const step = z.string().min(1).max(1000)
const chains = z.array(z.tuple([step, integer(0, 2 ** 31 - 1), hex(32)]))

/** The messages of a session, in the order in which they are first sent. */
const controls = {
  /** Who is there, running what; signed with the attestation key over the binding of this very connection. */
  hello: z.strictObject({
    format: z.string(),
    package: z.string().max(100),
    protocol: z.strictObject({ id: z.string().max(200), version: z.number() }),
    code: hex(32),
    specHash: hex(32),
    role,
    to: role,
    party: hex(32),
    binding: hex(32),
    state: z.strictObject({
      /** The attempt that this side can resume, or has completed. */
      open: attempt.nullable(),
      completed: z.boolean(),
      /** The lowest attempt that it can begin. */
      next: attempt,
    }),
    signature: hex(65),
  }),
  /** The lowest attempt that this side can go on with. */
  attempt: z.strictObject({ attempt }),
  /** Its aborts of all earlier attempts. */
  past: z.strictObject({ aborts: z.array(z.strictObject({ attempt, code, signature: hex(65) })).max(1000) }),
  /** What this side holds of the addressed party's frames: [step, frames, head]. Several, by ordinal. */
  held: z.strictObject({ chains, last: z.boolean() }),
  agreement: z.strictObject(signed),
  commitment: z.strictObject({ ...commitmentFields, ...signed }),
  /** The coin share, with all commitments as this side saw them. */
  coin: z.strictObject({
    share: hex(32),
    nonce: hex(32),
    commitments: z.array(z.strictObject({ role, ...commitmentFields, signature: hex(65) })).max(255),
  }),
  checkpoint: z.strictObject({ heads, ...signed }),
  /** After a mismatch: the chains of one link, so that both sides can name the step. */
  chains: z.strictObject({ from: role, to: role, chains }),
  view: z.strictObject({ ...viewFields, ...signed }),
  /** The signature over the close, disclosures, and all views as this side saw them. */
  close: z.strictObject({
    ...signed,
    views: z.array(z.strictObject({ role, ...viewFields, signature: hex(65) })).max(255),
    disclosures: z.array(z.strictObject({ of: role, signature: hex(65) })).max(255),
  }),
  /** This side holds all signatures and needs nothing any more. */
  done: z.strictObject({}),
  /** The run ends here; `attempt` and `signature` are null before an attempt was agreed. */
  abort: z.strictObject({ code, message: line(400), attempt: attempt.nullable(), signature: hex(65).nullable() }),
}

export type ControlKind = keyof typeof controls
export type ControlBody<K extends ControlKind> = z.infer<(typeof controls)[K]>
export type Hello = ControlBody<'hello'>
export type Chains = readonly (readonly [string, number, Hex])[]

export const isControlKind = (kind: string): kind is ControlKind => Object.hasOwn(controls, kind)

export const encodeControl = <K extends ControlKind>(_kind: K, body: ControlBody<K>): Uint8Array => canonicalBytes(body)

/** @throws TallyError decode/malformed or decode/non-canonical, blaming the peer */
export const decodeControl = <K extends ControlKind>(kind: K, bytes: Uint8Array, peer: string): ControlBody<K> => {
  const remedy = `ask ${peer} which software it runs`
  try {
    const value = parseCanonical(bytes)
    const parsed = controls[kind].safeParse(value)
    if (parsed.success) return parsed.data as ControlBody<K>
    const message = `from ${peer}: ${complaint(kind, parsed.error, value)}`
    throw new TallyError('decode/malformed', { peer }, message, { remedy })
  } catch (error) {
    if (error instanceof TallyError && error.blame === 'none') {
      throw new TallyError(error.code, { peer }, `${kind} from ${peer}: ${error.message}`, { remedy, cause: error })
    }
    throw error
  }
}
