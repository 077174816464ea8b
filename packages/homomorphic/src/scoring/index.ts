/**
 * Scores of a linear model over encrypted features: the client learns intercept + Σ weight·feature of each of its rows, in
 * exact fixed point, the server learns nothing. Logistic scoring is this, and the logistic function of it in clear at the
 * client. BGV (Brakerski, Gentry, Vaikuntanathan, ia.cr/2011/277), packed a row a slot (Smart, Vercauteren,
 * ia.cr/2011/133), symmetric encryption with seeded second components; circuit privacy by noise flooding (Gentry 2009,
 * section 2.4 of the thesis; the bound is derived in `plan.ts`).
 *
 *     client (features, key s)                                  server (weights w, intercept b)
 *     ------------------------------------------------------------------------------------------
 *     key: seed, -a·s + t·e       -------------------->
 *     for each tile of n rows, each feature j:
 *     features: c_j               -------------------->         sum = Σ w_j·c_j
 *     ======================  checkpoint: both have signed all chain heads so far  =============
 *                                 <--------------------         scores: sum + b + mask, random where no row stands
 *     scores = decrypted
 *
 * Security. Against a semi-honest server: IND-CPA of BGV, 128 bits by the tables of HomomorphicEncryption.org (ring-LWE
 * with uniform ternary secret). Against a semi-honest client: what it receives is a fresh encryption of the scores with
 * uniform noise, within 2^-40 of one made from the scores alone. An active client could send ciphertexts whose noise is
 * not that of an encryption, and learn of the weights by the noise of the reply; replay of its evidence shows it. An
 * active server can return other scores; replay of its evidence shows it. No decryption outcome reaches the server: after a
 * reply that does not decrypt the client sends, signs and records what it does after one that does, and only its own output
 * says so.
 * Leakage. Numbers of rows and features and their bits (they stand in the terms). p + 1 independent rows with their scores
 * give a linear model of p weights away: that is the function, not a flaw of the protocol; the terms limit the rows.
 * Cost. 2 rounds; a ciphertext component for each feature and tile, two components back a tile.
 * Constant time. Key, errors and encryption: no branch and no address depends on them, as far as WebAssembly goes. The
 * encoding of features, and decryption (big integers at the owner's side), are not; no peer sees their time but as part
 * of a whole frame's. The server's products by its weights are not constant-time either (SEAL).
 */
import { defineProtocol } from '@tallystick/protocol'
import { ownerCoins, slotCoins } from '../keys.ts'
import { packedBytes } from '../wire.ts'
import { client } from './client.ts'
import { messages, type ClientInput, type ClientOutput, type Role, type ServerInput } from './messages.ts'
import { parseParameters, planOf, type Parameters } from './plan.ts'
import { server } from './server.ts'

export type { ClientInput, ClientOutput, Role, ServerInput } from './messages.ts'
export { planOf, type Parameters, type Plan } from './plan.ts'

const cost = (parameters: Parameters) => {
  const { ring, tiles } = planOf(parameters)
  const component = packedBytes(ring.degree, ring.data, 1)
  const hidden = tiles * ring.degree - parameters.sizes.client
  return {
    rounds: 2,
    bytes: 32 + component * (1 + tiles * parameters.features + 2 * tiles),
    coins: { client: ownerCoins, server: 32 * tiles + slotCoins * hidden },
    correlations: {},
  }
}

export const scoring = defineProtocol<
  Role,
  typeof messages,
  Parameters,
  { client: ClientInput; server: ServerInput },
  { client: ClientOutput; server: null }
>({
  id: 'homomorphic/scoring',
  version: 1,
  roles: ['client', 'server'],
  receivers: ['client'],
  messages,
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 128,
    statistical: 40,
    assumptions: [
      'decisional ring learning with errors, uniform ternary secret, as HomomorphicEncryption.org estimates it',
    ],
    refusal:
      'The client may learn the scores and then refuse to sign the close; the server keeps the checkpoint that both signed.',
  },
  leakage: {
    client: 'nothing beyond the scores; as many rows as the model has weights, and one more, give the model away',
    server: 'the number of rows and of features (they stand in the terms)',
  },
  parameters: parseParameters,
  cost,
  ideal(parameters, { client: { features }, server: { weights, intercept } }) {
    const scores = Float64Array.from({ length: parameters.sizes.client }, (_, row) =>
      weights.reduce((sum, weight, j) => sum + weight * features[row * weights.length + j]!, intercept),
    )
    return { client: { scores }, server: null }
  },
  parties: { client, server },
})
