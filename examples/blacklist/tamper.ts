/**
 * A forgery that is perfect in form: one digit of one input row is altered in a copy of the opened evidence, and the copy
 * is sealed to the auditor again, with all commitments, signatures and frames as they were.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { encryptEvidence, openEvidence } from '@tallystick/attestation'
import { readAuditorKey } from '@tallystick/cli'

const five = 0x35
const six = 0x36

/** Writes the altered copy of `evidence` to `forged`; `row` is the one altered. */
export const forgeEvidence = async (
  evidence: string,
  forged: string,
  auditor: { readonly key: string; readonly recipient: string },
  row: number,
): Promise<void> => {
  const opened = await openEvidence(await readFile(evidence), await readAuditorKey(auditor.key))
  const { bytes, offsets } = opened.input.rows
  const altered = bytes.slice()
  const digit = offsets[row]! + 16
  altered[digit] = altered[digit] === five ? six : five
  const copy = { ...opened, input: { ...opened.input, rows: { bytes: altered, offsets } } }
  await writeFile(forged, await encryptEvidence(copy, auditor.recipient))
}
