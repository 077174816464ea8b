import { createRng, taggedDigest } from '@tallystick/core'
import type { CircuitInput, CircuitParameters } from '../src/circuit/terms.ts'
import { rowBytesOf } from '../src/circuit/terms.ts'

/** Any bytes, the same for the same label. */
export const bytes = (label: string, length: number): Uint8Array =>
  createRng(taggedDigest('tallystick/test/v1', label)).bytes(length)

export const rngOf = (label: string) => (role: string) => createRng(taggedDigest('tallystick/test/rng/v1', label, role))

/** Random rows for every role. */
export const randomInputs = <R extends string>(
  roles: readonly R[],
  parameters: CircuitParameters,
  label = 'input',
): Record<R, CircuitInput> =>
  Object.fromEntries(
    roles.map((role) => [
      role,
      { rows: bytes(`${label}/${role}`, rowBytesOf(parameters, role) * (parameters.sizes[role] ?? 0)) },
    ]),
  ) as Record<R, CircuitInput>

/** Every kind of gate, constants into an AND gate, an input straight to an output, two outputs that are one wire. */
export const everyGate = `10 18
2 2 2
3 2 1 4
2 1 0 3 8 XOR
1 1 1 5 EQ
2 1 5 8 6 AND
4 2 0 2 1 3 11 12 MAND
1 1 8 13 INV
1 1 5 14 EQW
1 1 0 15 EQW
2 1 6 0 4 AND
1 1 0 16 EQ
1 1 4 17 EQW
`
