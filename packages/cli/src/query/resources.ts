/** What an auditor sees of prepared queries: that they are units of the store that the terms name. */
import type { ResourceCheck } from '@tallystick/attestation'
import { concatBytes } from '@tallystick/core'
import { areUnits, preparedQuery } from '@tallystick/query'

/** @returns false for a correlation that is not known here: a replay does not pass over it */
export const checkResources: ResourceCheck = ({ correlation, digest }, ranges) => {
  if (correlation !== preparedQuery && !correlation.startsWith(`${preparedQuery}/`)) return false
  return ranges.every(({ count, body }) => count > 0 && areUnits(digest, body.length / count, body)) &&
    ranges.length > 0
    ? areUnits(digest, ranges[0]!.body.length / ranges[0]!.count, concatBytes(...ranges.map(({ body }) => body)))
    : ranges.length === 0
}
