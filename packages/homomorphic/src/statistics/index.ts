/**
 * Sums and sums of squares of columns that several owners hold rows of, hence counts, means and variances over all rows:
 * encrypted under the receiver's key, added up by a party that cannot read them. BGV (Brakerski, Gentry, Vaikuntanathan,
 * ia.cr/2011/277) with one multiplication (tensor and relinearisation), packed a row a slot (Smart, Vercauteren,
 * ia.cr/2011/133). The slots of a result are hidden by a sharing of zero and its noise by flooding (Gentry 2009, section
 * 2.4 of the thesis; the bound is derived in `plan.ts`), so that the receiver learns the totals and nothing else.
 *
 *     receiver (key s)              compute                         owner-1 … owner-k (rows x)
 *     ------------------------------------------------------------------------------------------
 *     key        ------------------>   --------------------------->
 *     relinearisation ------------->
 *                                      <--------------------------- values: Enc(x), each tile of each column
 *                                   S = Σ Enc(x), Q = Σ Enc(x)²
 *     =================  checkpoint: all have signed all chain heads so far  =====================
 *                <------------------ sums: S + Enc(r), Q + Enc(r'), Σ r = Σ r' = 0
 *     totals of the slots
 *
 * Security. Against one semi-honest party: the compute party and each owner see encryptions under a key they do not have
 * (IND-CPA of BGV, 128 bits by the tables of HomomorphicEncryption.org). The relinearisation key encrypts a function of
 * the secret (s² under s), so this assumes circular security besides ring learning with errors, as all schemes with such
 * keys do: no proof from ring learning with errors alone is known. The receiver sees totals, within 2^-40. The
 * receiver and the compute party together read every row: they must not collude, and no auditor may be shown the
 * evidence of both, nor of the receiver and the inbox of the compute party. An active owner can enter rows out of range
 * and an active compute party any sums: replay of its evidence shows it.
 * Leakage. Numbers of rows and columns and the bits of values (they stand in the terms).
 * Cost. 3 rounds: key, values, sums; a public-key encryption of two components a tile and column.
 * Constant time. As `homomorphic/scoring`: encryption is, encoding and decryption are not.
 */
import { defineProtocol, type Protocol } from '@tallystick/protocol'
import { ownerCoins, slotCoins } from '../keys.ts'
import { packedBytes } from '../wire.ts'
import { compute } from './compute.ts'
import { messages, type OwnerInput, type ReceiverOutput } from './messages.ts'
import { owner } from './owner.ts'
import { parserFor, planOf, type Parameters } from './plan.ts'
import { receiver } from './receiver.ts'

export type { OwnerInput, ReceiverOutput } from './messages.ts'
export { planOf, type Parameters, type Plan } from './plan.ts'

type Inputs = { receiver: null; compute: null } & Record<string, OwnerInput | null>
type Outputs = { receiver: ReceiverOutput; compute: null } & Record<string, ReceiverOutput | null>

const costFor = (owners: readonly string[]) => (parameters: Parameters) => {
  const { ring, tiles } = planOf(parameters)
  const { degree, data, moduli } = ring
  const component = packedBytes(degree, data, 1)
  const sent = parameters.columns * Object.values(tiles).reduce((sum, count) => sum + count, 0)
  const keys = (owners.length + 1) * (32 + component) + 32 + data.length * packedBytes(degree, moduli, 1)
  const drawn = owners.map((name) => [name, 32 * parameters.columns * tiles[name]!])
  return {
    rounds: 3,
    bytes: keys + 2 * component * (sent + 2 * parameters.columns),
    coins: {
      ...Object.fromEntries(drawn),
      receiver: 2 * ownerCoins,
      compute: 2 * parameters.columns * (slotCoins * (degree - 1) + 32),
    },
    correlations: {},
  }
}

/** Total of f over a column of all owners' rows. */
const summed = (
  inputs: Inputs,
  owners: readonly string[],
  { columns }: Parameters,
  column: number,
  f: (x: bigint) => bigint,
) => {
  let sum = 0n
  for (const name of owners) {
    const { values } = inputs[name]!
    for (let i = column; i < values.length; i += columns) sum += f(BigInt(values[i]!))
  }
  return sum
}

/** The protocol for 1 to 8 owners: `homomorphic/statistics-k`, with the roles receiver, compute, owner-1 … owner-k. */
export const statisticsOf = (count: number): Protocol<string, typeof messages, Parameters, Inputs, Outputs> => {
  const id = `homomorphic/statistics-${count}`
  const owners = Array.from({ length: count }, (_, i) => `owner-${i + 1}`)
  const named = <T>(value: T): Record<string, T> => Object.fromEntries(owners.map((name) => [name, value]))
  return defineProtocol<string, typeof messages, Parameters, Inputs, Outputs>({
    id,
    version: 1,
    roles: ['receiver', 'compute', ...owners],
    receivers: ['receiver'],
    messages,
    security: {
      adversary: 'semi-honest',
      corruptions: 1,
      computational: 128,
      statistical: 40,
      assumptions: [
        'decisional ring learning with errors, uniform ternary secret, as HomomorphicEncryption.org estimates it',
        'circular security: the relinearisation key encrypts the square of the secret under the secret',
        'the receiver and the compute party do not collude',
      ],
      refusal:
        'The receiver may learn the sums and then refuse to sign the close; the others keep the checkpoint that all signed.',
    },
    leakage: {
      receiver: 'the number of rows of each owner (it stands in the terms)',
      compute: 'the number of rows of each owner (it stands in the terms)',
      ...named('the number of rows of each owner (it stands in the terms)'),
    },
    parameters: parserFor(id, owners),
    cost: costFor(owners),
    ideal(parameters, inputs) {
      const each = (f: (x: bigint) => bigint): BigInt64Array =>
        BigInt64Array.from({ length: parameters.columns }, (_, column) => summed(inputs, owners, parameters, column, f))
      const rows = Object.values(parameters.sizes).reduce((sum, size) => sum + size, 0)
      return { ...named(null), receiver: { rows, sums: each((x) => x), squares: each((x) => x * x) }, compute: null }
    },
    parties: { ...named(owner), receiver, compute } as never,
  })
}
