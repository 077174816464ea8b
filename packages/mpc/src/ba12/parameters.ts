/** What the parties of `mpc/ba12-n` agree on before they start, and who they are. */
import { parameterReader } from '@tallystick/protocol'
import { computing } from '../rep3/party.ts'

/** Public parameters, as they stand in the signed terms. */
export interface UnionParameters {
  /** Distinct rows of each role, 1 or more. */
  readonly sizes: Readonly<Record<string, number>>
  readonly output: 'union'
  /** `all`, or the one role that learns. */
  readonly to: string
  /** No id is longer, on any list. */
  readonly idBytes: number
}

export const leastUnionParties = 3
export const mostUnionParties = 10
/** Of all lists together: 0.9 GB of messages. */
export const mostUnionRows = 2 ** 18
export const defaultUnionIdBytes = 31
/** One less than a byte counts: a row of zeros is a blank one. */
export const mostUnionIdBytes = 254

/** `p0`, `p1`, `p2`, who compute, and `owner-1` … for the others: lists have all of them. */
export const unionRoles = (parties: number): readonly string[] => [
  ...computing,
  ...Array.from({ length: parties - computing.length }, (_, i) => `owner-${i + 1}`),
]

const { fields, integer, malformed, oneOf } = parameterReader(
  'mpc/ba12',
  'make new terms; `sizes` by role, `output` and `to` are required, `idBytes` may be left out',
)

/** @throws TallyError terms/malformed for anything that this protocol cannot run. */
export const unionParser =
  (roles: readonly string[]) =>
  (value: unknown): UnionParameters => {
    const all = fields(value, 'parameters', ['sizes', 'output', 'to', 'idBytes'])
    const given = fields(all['sizes'], 'sizes', roles)
    const output = oneOf(all['output'], 'output', ['union'])
    const to = oneOf(all['to'], 'to', ['all', ...roles])
    const sizes = Object.fromEntries(
      roles.map((role) => [role, integer(given[role], `sizes.${role}`, 1, mostUnionRows)]),
    )
    const rows = Object.values(sizes).reduce((sum, size) => sum + size, 0)
    if (rows > mostUnionRows) {
      throw malformed(`expected at most ${mostUnionRows} rows on all lists together, found ${rows}`)
    }
    const idBytes = integer(all['idBytes'] ?? defaultUnionIdBytes, 'idBytes', 1, mostUnionIdBytes)
    return { sizes, output, to, idBytes }
  }
