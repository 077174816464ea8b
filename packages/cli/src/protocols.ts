/** The protocols that this version can run, and the digest of its code. */
import { programsLike, type Program } from '@tallystick/attestation'
import { codeDigest } from '@tallystick/attestation/node'
import { TallyError, type Hex } from '@tallystick/core'
import { packageVersion } from '@tallystick/session'

export interface Runnable extends Program {
  readonly code: { readonly version: string; readonly digest: Hex }
}

/** @throws TallyError terms/unsupported */
export const protocolOf = async (id: string): Promise<Runnable> => {
  const programs = await programsLike(id)
  const program = Object.hasOwn(programs, id) ? programs[id] : undefined
  if (program !== undefined) return { ...program, code: { version: packageVersion, digest: codeDigest() } }
  const family = `${id.split('/')[0]}/`
  const known = Object.keys(programs)
  const found = known.length === 0 ? `no protocol ${family}…` : `of ${family}… ${known.join(', ')}`
  throw new TallyError('terms/unsupported', 'self', `this version runs ${found}; wanted is ${id}`, {
    remedy: 'use the version of Tallystick that the terms name, or the name of a protocol in docs/protocols.md',
  })
}
