/** RFC 9497, suite ristretto255-SHA512, mode OPRF (0), as `psi/ra18` uses it; its scalars are those of the kernels. */
import { groupTag as groupTagOf } from '@tallystick/kernels/oprf'

/** "HashToGroup-" ‖ "OPRFV1-" ‖ I2OSP(0, 1) ‖ "-ristretto255-SHA512" (sections 3.1 and 4.1). */
export const groupTag = groupTagOf('oprf')

/** Tags are the first 16 bytes of outputs of 64. */
export const tagsOf = (outputs: Uint8Array): Uint8Array => {
  const rows = outputs.length / 64
  const out = new Uint8Array(16 * rows)
  for (let row = 0; row < rows; row++) out.set(outputs.subarray(64 * row, 64 * row + 16), 16 * row)
  return out
}
