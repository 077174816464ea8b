/** What the table of programs holds of a protocol. */
import type { AnyProtocol } from '@tallystick/protocol'
import type { Outside } from '@tallystick/query'
import type { Rows } from './dataset.ts'
import type { Sha256 } from './merkle.ts'

export type { Outside } from '@tallystick/query'

export interface Program {
  readonly protocol: AnyProtocol
  /** From the rows whose root the party committed to; the same text turns them to input in a run and in a replay. */
  readonly input: (rows: Rows, role: string, parameters: unknown, outside?: readonly Uint8Array[]) => unknown
  /** What the program of a role reads beside its committed rows, which bind it by a digest ({@link bound}). */
  readonly outside?: (role: string, parameters: unknown) => Outside | undefined
  /** Whether the committed rows are what the parameters name by a digest; asked in a replay. */
  readonly bound?: (rows: Rows, role: string, parameters: unknown, sha256: Sha256) => boolean
}

/** By id of the protocol. */
export type Programs = Readonly<Record<string, Program>>

export const programOf = (protocol: AnyProtocol, input: Program['input']): Programs => ({
  [protocol.id]: { protocol, input },
})
