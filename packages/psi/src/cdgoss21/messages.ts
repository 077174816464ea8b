/** What the parties of `psi/cdgoss21-n` agree on before they start, and what they send beside shared membership. */
import { fixedBytes, flatWords32 } from '@tallystick/core'
import { message, opening, parameterReader } from '@tallystick/protocol'
import { leaderRole, rolesOf, type Role } from '../kmprt17/messages.ts'
import {
  defaultChunkRows,
  maxChunkRows,
  membershipMessages,
  saltBytes,
  tagBits,
  type Pair,
} from '../membership/index.ts'
import { shareWords, type Blocks } from '../membership/index.ts'
import { countGates } from './count.ts'

export { leaderRole, rolesOf, type Role }

/** The member that counts with the leader. */
export const counterRole = 'member-1'

/** Public parameters, as they stand in the signed terms. */
export interface Parameters {
  /** Number of distinct rows of each role, 1 or more. */
  readonly sizes: Readonly<Record<Role, number>>
  /** The leader's rows that at least `threshold` members have, or those that fewer have: the same knowledge. */
  readonly output: 'at-least' | 'fewer'
  /** 1 to the number of members. */
  readonly threshold: number
  readonly to: 'leader'
  /** Elements a frame, so that memory and what a crash costs stay bounded. */
  readonly chunkRows: number
}

/** All three points of a row, twice: 0.5 GB at this size. */
export const maxRows = 2 ** 20

/** 4 MiB. */
const words = flatWords32(2 ** 20)

export const messages = {
  ...membershipMessages,
  /** Salt of the digests of ids, drawn by the leader; the same for all. */
  salt: message('leader', 'each', fixedBytes(saltBytes)),
  /** A member's shares of its answers, a bit a slot, for the one that counts. */
  shares: message('each', counterRole, words),
  /** The counting member's shares of the outcome. */
  outcome: opening(counterRole, 'leader', words),
} as const

/** Of the leader and one member. The one that counts needs the gates of the count too. */
export const pairOf = (blocks: Blocks, { sizes, threshold, chunkRows }: Parameters, member: Role): Pair => {
  const members = Object.keys(sizes).length - 1
  const rows = sizes[leaderRole]!
  const gates = member === counterRole ? countGates(members, threshold) : 0
  return {
    ...{ rows, held: sizes[member]!, chunkRows },
    ...{ bits: blocks.bits ?? tagBits(rows, members), more: gates * shareWords(rows) },
  }
}

const { fields, integer, malformed } = parameterReader(
  'psi/cdgoss21',
  'make new terms; `sizes` by role, `output`, `threshold` and `to` are required, `chunkRows` may be left out',
)

/** @throws TallyError terms/malformed for anything that this protocol cannot run. */
export const parserFor =
  (roles: readonly Role[]) =>
  (value: unknown): Parameters => {
    const all = fields(value, 'parameters', ['sizes', 'output', 'threshold', 'to', 'chunkRows'])
    const sizes = fields(all['sizes'], 'sizes', roles)
    const { output } = all
    if (output !== 'at-least' && output !== 'fewer') throw malformed('expected output to be at-least or fewer')
    if (all['to'] !== leaderRole) throw malformed('expected to to be leader: only the leader learns')
    return {
      sizes: Object.fromEntries(roles.map((role) => [role, integer(sizes[role], `sizes.${role}`, 1, maxRows)])),
      output,
      threshold: integer(all['threshold'], 'threshold', 1, roles.length - 1),
      to: leaderRole,
      chunkRows: integer(all['chunkRows'] ?? defaultChunkRows, 'chunkRows', 1, maxChunkRows),
    }
  }
