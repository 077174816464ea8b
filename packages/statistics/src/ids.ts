/** The digest by which owners of vertical tables find out whether they have the same ids in the same order. */
import { concatBytes, taggedDigest, toHex, u32, utf8ToBytes } from '@tallystick/core'
import type { Table } from './columns.ts'
import type { Scope } from './scope.ts'

const tag = 'tallystick/statistics/ids/v1'

/**
 * What {@link taggedDigest} hashes of the ids, in whole words (the tag has 28 bytes, an id 16): for the engine's SHA-256,
 * since this may be many megabytes. Nothing for a role that brings no ids.
 */
export const idWords = (scope: Scope, role: string, { ids }: Table): Uint32Array | undefined => {
  if (!scope.vertical || !scope.owners.includes(role)) return undefined
  const name = utf8ToBytes(tag)
  return new Uint32Array(concatBytes(u32(name.length), name, u32(ids.length), ids).buffer)
}

/**
 * 128 bits of SHA-256 of all ids in their order: other lists, chosen or not, do not agree but by a collision of these.
 * @param digest of {@link idWords}, where an engine made it
 */
export const digestOfIds = ({ ids }: Table, digest: Uint8Array = taggedDigest(tag, ids)): bigint =>
  BigInt(toHex(digest.subarray(0, 16)))
