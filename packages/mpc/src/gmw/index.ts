/**
 * A Boolean circuit under three computing parties, one of them corrupt and semi-honest, for many instances at once:
 * O. Goldreich, S. Micali, A. Wigderson, "How to play any mental game" (STOC 1987), over replicated shares of bits: T. Araki,
 * J. Furukawa, Y. Lindell, A. Nof, K. Ohara (CCS 2016, ia.cr/2016/768), section 2.
 *
 *     p(i-1)                          p(i)                                     p(i+1)
 *     ------------------------------------------------------------------------------------------
 *             <-------- key --------->    one contribution of either side  <------- key -------->
 *                                     its planes: v = r ⊕ (v ⊕ r)
 *             <-------- share: v ⊕ r                              seed of r -------------------->
 *     for each layer of AND gates, all gates and instances at once:
 *                                     z_i = x_i y_i ⊕ x_i y_(i+1) ⊕ x_(i+1) y_i ⊕ zero share
 *             <-------- product: z_i                          product: z_(i+1) <-----------------
 *     ======================  checkpoint: all have signed all chain heads so far  ==============
 *                                     result: z_i ----------------------------------------------> if it learns
 *
 * Security. Privacy against one semi-honest party: what it receives is masked by bits that look random to it (AES-128-CTR
 * under keys to which it contributed half, or which it does not hold). Two parties together hold everything. An active party
 * can flip any AND gate: nothing here detects it but the audit by replay.
 * Leakage. None: what is sent depends on the circuit and the number of instances, which are public.
 * Refusal. A receiver may learn the outputs and withhold what another one lacks, or refuse to sign the close.
 * Cost. 2 rounds and one for each layer of AND gates (the AND depth of the circuit). A party sends one bit for each AND gate
 * and instance, in planes of whole vectors of 128 bits: fewer instances than 128 cost as much as 128.
 * Constant time. All of it: no branch and no address depends on a share.
 */
import { TallyError } from '@tallystick/core'
import { defineProtocol, type Cost } from '@tallystick/protocol'
import { planeWords } from '../backend.ts'
import { idealRows, inputBitsOf } from '../circuit/rows.ts'
import { circuitOfTerms, instancesOf, learns, parseCircuitParameters } from '../circuit/terms.ts'
import type { CircuitInput, CircuitOutput, CircuitParameters } from '../circuit/terms.ts'
import { messages } from '../rep3/messages.ts'
import { computing, keyCoins } from '../rep3/party.ts'
import { roundsOf } from '@tallystick/circuits'
import { seedBytes } from './inputs.ts'
import { party } from './party.ts'

type Computing = (typeof computing)[number]
type Inputs = Record<Computing, CircuitInput>
type Outputs = Record<Computing, CircuitOutput>

export { evaluateCircuit } from './evaluate.ts'

const id = 'mpc/rep3-circuit'

/** Wires of a party at once, in words: 1 GiB for both components. */
const maxStateWords = 2 ** 27

const parseCircuit = parseCircuitParameters(id, computing)
const parse = (value: unknown): CircuitParameters => {
  const parameters = parseCircuit(value)
  const { schedule } = circuitOfTerms(parameters.circuit)
  const words = schedule.slots * planeWords(instancesOf(parameters))
  if (words <= maxStateWords) return parameters
  const message = `${id} parameters: expected at most ${maxStateWords} words of wires for all instances, found ${words}`
  throw new TallyError('terms/malformed', 'self', message, { remedy: 'run fewer instances in one session' })
}

const costOf = (parameters: CircuitParameters): Cost => {
  const { schedule } = circuitOfTerms(parameters.circuit)
  const plane = 4 * planeWords(instancesOf(parameters))
  const owners = [...new Set(parameters.owners)]
  const receivers = computing.filter((role) => learns(parameters, role)).length
  const shares = owners.reduce((sum, role) => sum + seedBytes + inputBitsOf(parameters, role).length * plane, 0)
  return {
    rounds: 2 + roundsOf(schedule),
    bytes: 6 * 32 + shares + 3 * schedule.and * plane + receivers * schedule.outputs.length * plane,
    coins: Object.fromEntries(computing.map((role) => [role, keyCoins + (owners.includes(role) ? seedBytes : 0)])),
    correlations: {},
  }
}

export const rep3Circuit = defineProtocol<Computing, typeof messages, CircuitParameters, Inputs, Outputs>({
  id,
  version: 1,
  roles: computing,
  messages,
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 128,
    statistical: 128,
    assumptions: ['AES-128 is a pseudorandom function', 'at most one of p0, p1, p2 is corrupt'],
    refusal: 'A receiver may learn the outputs and then withhold what another receiver lacks, or refuse to sign.',
  },
  leakage: { p0: 'nothing', p1: 'nothing', p2: 'nothing' },
  parameters: parse,
  cost: costOf,
  ideal(parameters, inputs) {
    const rows = idealRows(parameters, inputs)
    const outputOf = (role: string): CircuitOutput =>
      learns(parameters, role) ? { kind: 'values', rows } : { kind: 'none' }
    return { p0: outputOf('p0'), p1: outputOf('p1'), p2: outputOf('p2') }
  },
  parties: { p0: party, p1: party, p2: party },
})
