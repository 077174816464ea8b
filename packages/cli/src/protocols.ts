/** The protocols that this version can run, and the digest of its code. */
import { codeDigest } from '@tallystick/attestation/node'
import { TallyError, type Hex } from '@tallystick/core'
import type { AnyProtocol } from '@tallystick/protocol'
import { ecdh } from '@tallystick/psi'
import { packageVersion } from '@tallystick/session'

const protocols: readonly AnyProtocol[] = [ecdh]

export interface Runnable {
  readonly protocol: AnyProtocol
  readonly code: { readonly version: string; readonly digest: Hex }
}

/** @throws TallyError terms/unsupported */
export const protocolOf = (id: string): Runnable => {
  const protocol = protocols.find((each) => each.id === id)
  if (protocol !== undefined) return { protocol, code: { version: packageVersion, digest: codeDigest() } }
  const known = protocols.map((each) => each.id).join(', ')
  throw new TallyError('terms/unsupported', 'self', `this version runs ${known}, the terms want ${id}`, {
    remedy: 'use the version of Tallystick that the terms name',
  })
}
