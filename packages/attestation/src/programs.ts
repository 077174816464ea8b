/** The protocols that can be replayed, and how the rows of a dataset become their input. */
import type { AnyProtocol } from '@tallystick/protocol'
import { ecdh } from '@tallystick/psi'
import type { Rows } from './dataset.ts'

export interface Program {
  readonly protocol: AnyProtocol
  readonly input: (rows: Rows) => unknown
}

/** By id of the protocol. */
export type Programs = Readonly<Record<string, Program>>

export const programs: Programs = {
  'psi/ecdh': { protocol: ecdh, input: (rows) => rows },
}
