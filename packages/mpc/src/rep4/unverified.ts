/** A value from one sender that nobody vouched for yet: it cannot be read, only checked. */
import { TallyError } from '@tallystick/core'

declare const sealed: unique symbol

/** Opaque: {@link verified} turns it to what it holds, or throws. */
export interface Unverified<T> {
  readonly [sealed]: T
}

const held = new WeakMap<object, unknown>()

export const unverified = <T>(value: T): Unverified<T> => {
  const token = Object.freeze({})
  held.set(token, value)
  return token as unknown as Unverified<T>
}

/** Whether the first `bits` bits of two digests are the same. */
const sameBits = (a: Uint8Array, b: Uint8Array, bits: number): boolean => {
  let difference = 0
  for (let i = 0; i < bits; i++) difference |= ((a[i >>> 3]! ^ b[i >>> 3]!) >>> (i & 7)) & 1
  return difference === 0
}

/** The digest that somebody else gave of a value, and that of what came. */
export interface Vouching {
  readonly found: Uint8Array
  readonly vouched: Uint8Array
  /** How many bits are compared: all 256 but in tests of how often fewer miss. */
  readonly bits: number
  readonly sender: string
  readonly checker: string
  readonly what: string
}

/** @throws TallyError peer/misbehaved where the digests differ: sender or checker is corrupt, and which is not known */
export const verified = <T>(value: Unverified<T>, { found, vouched, bits, sender, checker, what }: Vouching): T => {
  if (sameBits(found, vouched, bits)) return held.get(value) as T
  const message = `${what} of ${sender} is not what ${checker} vouches for: one of the two does not follow the protocol`
  throw new TallyError('peer/misbehaved', { peer: sender }, message, {
    remedy: `nothing was opened; keep the journal, and have ${sender} and ${checker} audited`,
  })
}
