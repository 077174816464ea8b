/** What the parties of `psi/kmprt17-n` agree on before they start, and what they send beside the vector OLE. */
import { fixedBytes, flatRows, TallyError } from '@tallystick/core'
import { okvsShape, okvsSize, type OkvsShape } from '@tallystick/kernels'
import { message, opening, parameterReader } from '@tallystick/protocol'

export const leastParties = 3
export const mostParties = 10

/** The role that learns, and the centre of the star. */
export const leaderRole = 'leader'
export type Role = string

/** `leader`, `member-1` … `member-(parties - 1)`. */
export const rolesOf = (parties: number): readonly Role[] => [
  leaderRole,
  ...Array.from({ length: parties - 1 }, (_, i) => `member-${i + 1}`),
]

/** Public parameters, as they stand in the signed terms. */
export interface Parameters {
  /** Number of distinct rows of each role. */
  readonly sizes: Readonly<Record<Role, number>>
  /** The construction tells the leader which of its rows all hold: no cardinality alone. */
  readonly output: 'intersection'
  readonly to: 'leader'
  /** Elements a frame, so that memory and what a crash costs stay bounded. */
  readonly chunkRows: number
}

export const elementBytes = 16
export const keyBytes = 32
export const saltBytes = 32
export const seedBytes = 16
/** 1 MiB a frame. */
export const defaultChunkRows = 65_536
/** 4 MiB a frame. */
export const maxChunkRows = 262_144
/** The leader holds two vectors of 1.31 elements a row for each member: 0.7 GB a member at this size. */
export const maxRows = 2 ** 24
/** σ of each store. */
export const statisticalBits = 40

const elements = flatRows(elementBytes, maxChunkRows)

export const messages = {
  /** The key of a pair's part of the zero shares, from the role that comes first. */
  zeroKey: message('each', 'each', fixedBytes(keyBytes)),
  /** Salt of the digests of ids, drawn by the leader; the same for all. */
  salt: message('leader', 'each', fixedBytes(saltBytes)),
  /** P + A', a sequence of ⌈elements / chunkRows⌉ frames, all but the last full. */
  encoded: message('leader', 'each', elements),
  /** The member's store of masked zero shares, in chunks likewise. */
  hint: opening('each', 'leader', elements),
} as const

/** Where one set is empty there is nothing to compute, and nothing is sent. */
export const isTrivial = ({ sizes }: Parameters): boolean => Object.values(sizes).includes(0)

export const storeShape = ({ sizes }: Parameters, role: Role): OkvsShape => okvsShape(sizes[role]!, statisticalBits)
export const storeSize = (parameters: Parameters, role: Role): number => okvsSize(storeShape(parameters, role))

const { fields, integer, malformed } = parameterReader(
  'psi/kmprt17',
  'make new terms; `sizes` by role, `output` and `to` are required, `chunkRows` may be left out',
)

const parseOutput = (value: unknown): 'intersection' => {
  if (value === 'intersection') return value
  if (value !== 'cardinality') throw malformed('expected output to be intersection')
  throw new TallyError('terms/unsupported', 'self', 'psi/kmprt17 shows the leader which of its rows are common', {
    remedy: 'ask for the intersection; no protocol here gives the cardinality alone to more than two parties',
  })
}

/** @throws TallyError terms/malformed or terms/unsupported for anything that this protocol cannot run. */
export const parserFor =
  (roles: readonly Role[]) =>
  (value: unknown): Parameters => {
    const all = fields(value, 'parameters', ['sizes', 'output', 'to', 'chunkRows'])
    const sizes = fields(all['sizes'], 'sizes', roles)
    if (all['to'] !== leaderRole) throw malformed('expected to to be leader: only the leader learns')
    return {
      sizes: Object.fromEntries(roles.map((role) => [role, integer(sizes[role], `sizes.${role}`, 0, maxRows)])),
      output: parseOutput(all['output']),
      to: leaderRole,
      chunkRows: integer(all['chunkRows'] ?? defaultChunkRows, 'chunkRows', 1, maxChunkRows),
    }
  }
