/** The protocols that can be run and replayed, and how the committed rows of a party become its input. */
import type { AnyProtocol } from '@tallystick/protocol'
import { ecdh } from '@tallystick/psi'
import type { Rows } from './dataset.ts'

export interface Program {
  readonly protocol: AnyProtocol
  /** From the rows whose root the party committed to; the same text turns them to input in a run and in a replay. */
  readonly input: (rows: Rows, role: string, parameters: unknown) => unknown
}

/** By id of the protocol. */
export type Programs = Readonly<Record<string, Program>>

const programOf = (protocol: AnyProtocol, input: Program['input']): Programs => ({ [protocol.id]: { protocol, input } })

/** Sets: a row is an id. */
const sets: Program['input'] = (rows) => rows

export const programs: Programs = {
  ...programOf(ecdh, sets),
}
