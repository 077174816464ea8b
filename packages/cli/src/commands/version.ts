/** `tally --version`: what a report of a defect or a weakness should name. */
import { codeDigest } from '@tallystick/attestation/node'
import { packageVersion } from '@tallystick/session'
import type { Output } from '../output.ts'

export const version = (output: Output): void => {
  const code = codeDigest()
  output.report({ event: 'version', version: packageVersion, code }, `Tallystick ${packageVersion}\ncode ${code}`)
}
