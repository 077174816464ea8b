/**
 * A Boolean circuit between two parties by garbling, for many instances at once: S. Zahur, M. Rosulek, D. Evans, "Two
 * Halves Make a Whole: Reducing Data Transfer in Garbled Circuits using Half Gates" (Eurocrypt 2015, ia.cr/2014/756),
 * figures 1 and 2; free XOR (Kolesnikov, Schneider, ICALP 2008) and point-and-permute. The hash is that of Guo, Katz, Wang,
 * Weng, Yu, "Better Concrete Security for Half-Gates Garbling (in the Multi-Instance Setting)" (Crypto 2020,
 * ia.cr/2019/1168): a key of AES-128 for each half gate, counted from a random start.
 *
 *     garbler                                                     evaluator
 *     ------------------------------------------------------------------------------------------
 *     Δ odd, start                                                x: its input bits
 *                       random transfers (package ot): k_0, k_1 | k_x
 *         <------------------------------------------------------
 *         ------------------------------------------------------>
 *     label of 0: k_0      corrections: k_0 ⊕ k_1 ⊕ Δ             its label: k_x ⊕ x·correction = k_0 ⊕ x·Δ
 *         ------------------------------------------------------>
 *                          start
 *         ------------------------------------------------------>
 *     for each block of instances:
 *     labels of its bits   inputs: W ⊕ y·Δ
 *         ------------------------------------------------------>
 *     for each segment of the circuit:
 *                          tables: T_G, T_E of each AND gate
 *         ------------------------------------------------------> evaluates
 *     ================  checkpoint: both have signed all chain heads so far  ===================
 *                          decoding: colours of the labels of 0, if the evaluator learns
 *         ------------------------------------------------------>
 *                          colours: of its labels, if the garbler learns
 *         <------------------------------------------------------
 *
 * Security. Semi-honest, one corrupt party. A corrupt evaluator: the garbling is private if the hash is tweakable circular
 * correlation robust in many instances, which the cited paper shows with AES-128 as an ideal cipher: the bound does not grow
 * with the number of gates, but with how often the random starts of sessions make keys repeat; Δ has 127 unknown bits. A corrupt garbler sees the transfers and, if it learns, colours that say the
 * outputs. An active garbler can garble another circuit, or make the evaluator fail depending on its input; an active
 * evaluator can flip output bits of the garbler: nothing here detects either but the audit by replay.
 * Leakage. None: what is sent depends on the circuit and the number of instances, which are public.
 * Refusal. Where both learn, the one whose opening message arrives first may withhold its own, or refuse to sign the close.
 * Cost. 4 rounds, 2 where the evaluator brings nothing. 32 bytes for each AND gate and instance, 16 for each input bit, and
 * about 4 more for each bit of the evaluator (plus some 13 kB once) for the transfers.
 * Constant time. Garbling, evaluation and labels: yes, in the WebAssembly engine. Transfers: see the package ot.
 */
import { defineProtocol, type Cost } from '@tallystick/protocol'
import { idealRows, inputBitsOf } from '../circuit/rows.ts'
import { circuitOfTerms, instancesOf, learns, parseCircuitParameters } from '../circuit/terms.ts'
import type { CircuitInput, CircuitOutput, CircuitParameters } from '../circuit/terms.ts'
import { evaluator } from './evaluator.ts'
import { garbler } from './garbler.ts'
import { labelBytes, messages, roles, tableBytes, type Role } from './messages.ts'
import { checkEvaluatorBits, transferCost } from './transfers.ts'

type Inputs = Record<Role, CircuitInput>
type Outputs = Record<Role, CircuitOutput>

const id = 'mpc/zre15'

const parseCircuit = parseCircuitParameters(id, roles)
const parse = (value: unknown): CircuitParameters => {
  const parameters = parseCircuit(value)
  checkEvaluatorBits(inputBitsOf(parameters, 'evaluator').length * instancesOf(parameters))
  return parameters
}

const costOf = (parameters: CircuitParameters): Cost => {
  const { schedule } = circuitOfTerms(parameters.circuit)
  const instances = instancesOf(parameters)
  const [own, theirs] = roles.map((role) => inputBitsOf(parameters, role).length * instances) as [number, number]
  const transfers = transferCost(theirs)
  const outputs =
    roles.filter((role) => learns(parameters, role)).length * Math.ceil((schedule.outputs.length * instances) / 8)
  return {
    rounds: transfers.rounds + 2,
    bytes: transfers.bytes + labelBytes * (own + theirs) + 16 + tableBytes * schedule.and * instances + outputs,
    coins: {
      garbler: labelBytes + 16 + labelBytes * own + transfers.coins.sender,
      evaluator: transfers.coins.receiver,
    },
    correlations: {},
  }
}

export const zre15 = defineProtocol<Role, typeof messages, CircuitParameters, Inputs, Outputs>({
  id,
  version: 1,
  roles,
  messages,
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 125,
    statistical: 125,
    assumptions: [
      'AES-128 is an ideal cipher (ia.cr/2019/1168)',
      'the oblivious transfers of the package ot are private',
    ],
    refusal: 'The party whose opening arrives later may have learned the outputs, and withhold its own or not sign.',
  },
  leakage: { garbler: 'nothing', evaluator: 'nothing' },
  parameters: parse,
  cost: costOf,
  ideal(parameters, inputs) {
    const rows = idealRows(parameters, inputs)
    const outputOf = (role: Role): CircuitOutput =>
      learns(parameters, role) ? { kind: 'values', rows } : { kind: 'none' }
    return { garbler: outputOf('garbler'), evaluator: outputOf('evaluator') }
  },
  parties: { garbler, evaluator },
})
