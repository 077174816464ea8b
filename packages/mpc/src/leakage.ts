/** Values that a program opens in mid-run must stand in its leakage statement: "nothing" would be false. */
import { TallyError } from '@tallystick/core'

/** Whether a statement says anything. */
export const isStated = (leakage: string | undefined): leakage is string =>
  leakage !== undefined && !['', 'nothing'].includes(leakage.trim().toLowerCase())

/** @throws TallyError api/misuse for a call that opens values in a program without a leakage statement. */
export const requireStated = (stated: boolean, call: string): void => {
  if (stated) return
  const message = `expected a leakage statement of a program that calls ${call}, found none: it opens values in mid-run`
  const remedy = 'say in `leakage` what the computing parties see before the outputs, and why that is harmless'
  throw new TallyError('api/misuse', 'self', message, { remedy })
}
