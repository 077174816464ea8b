/**
 * Products of shared vectors over Z_2^32, three parties, one of them corrupt and semi-honest, then opened to all:
 * Araki, Furukawa, Lindell, Nof, Ohara (CCS 2016, ia.cr/2016/768), Protocol 3.1, in the replicated form of the shares:
 * party i holds (v_i, v_(i+1)) of v = v_0 + v_1 + v_2.
 *
 *     p(i-1)                          p(i)                                     p(i+1)
 *     ------------------------------------------------------------------------------------------
 *     for each product, all at once:
 *                                     a_i from the reserved zero shares, a_0 + a_1 + a_2 = 0
 *                     product: z_i    z_i = x_i y_i + x_i y_(i+1) + x_(i+1) y_i + a_i
 *             <--------------------                   product: z_(i+1)
 *                                                 <--------------------
 *     ======================  checkpoint: all have signed all chain heads so far  ==============
 *                                     share: z_i
 *                                                 -------------------->
 *           share: z_(i-1)
 *             -------------------->   z = z_(i-1) + z_i + z_(i+1)
 *
 * Security. Privacy against one semi-honest party: the one message that it receives before the opening, z_(i+1), is
 * masked by a_(i+1), which is uniform given a_i. Perfect given perfect zero shares; those of `zeroShares` rest on ChaCha20
 * and HMAC-SHA256. Two parties together hold everything. An active party can add any error to a product: nothing here
 * detects it but the audit by replay. The shares of the inputs must be consistent; whoever dealt them says so.
 * Leakage. None beyond the products, which all three learn.
 * Refusal. A party that has received its share of the opening knows the products and may then withhold its own, so
 * that the next party does not learn them, or refuse to sign the close; the checkpoint names what was to be opened.
 * Cost. 2 rounds; 24 bytes an element of a product; 3 zero shares (one a party); no private coins.
 * Constant time. All of it: no branch and no address depends on a share.
 */
import { defineProtocol } from '@tallystick/protocol'
import { messages, parseParameters, roles } from './messages.ts'
import type { Input, Output, Parameters, Role, Share } from './messages.ts'
import { party } from './party.ts'
import { zeroCorrelation } from './zero.ts'

export type { Input, Output, Parameters, Role, Share } from './messages.ts'
export { crossTerms } from './kernels.ts'
export { zeroCorrelation, zeroShares } from './zero.ts'

type Inputs = Record<Role, Input>
type Outputs = Record<Role, Output>

const reconstruct = (p0: Share, p1: Share): Uint32Array => p0.own.map((word, i) => word + p0.next[i]! + p1.next[i]!)

export const araki16 = defineProtocol<Role, typeof messages, Parameters, Inputs, Outputs>({
  id: 'mpc/araki16',
  version: 1,
  roles,
  messages,
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 128,
    statistical: 128,
    assumptions: ['the reserved shares of zero are random to each party given its own'],
    refusal: 'A party may learn the products and withhold its own share from the next party, or refuse to sign.',
  },
  leakage: { p0: 'nothing', p1: 'nothing', p2: 'nothing' },
  parameters: parseParameters,
  cost: ({ products, length }) => ({
    rounds: 2,
    bytes: 24 * products * length,
    coins: { p0: 0, p1: 0, p2: 0 },
    correlations: { [zeroCorrelation]: 3 * products * length },
  }),
  ideal(_, { p0, p1 }) {
    const products = p0.left.map((share, i) => {
      const y = reconstruct(p0.right[i]!, p1.right[i]!)
      return reconstruct(share, p1.left[i]!).map((word, j) => Math.imul(word, y[j]!))
    })
    return { p0: { products }, p1: { products }, p2: { products } }
  },
  parties: { p0: party, p1: party, p2: party },
})
