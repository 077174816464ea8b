/** Sets between several, by shares; circuits: a row is the bytes of an instance in hex. */
import {
  ba12,
  circuitInputOf,
  rep3Circuit,
  semi2kCircuit,
  semi2kCircuitTransfers,
  zre15,
  type CircuitParameters,
} from '@tallystick/mpc'
import { programOf, type Program, type Programs } from '../program.ts'

const circuits: Program['input'] = (rows, role, parameters) =>
  circuitInputOf(rows, role, parameters as CircuitParameters)

export const programs: Programs = {
  ...Object.assign({}, ...[...ba12.values()].map((protocol) => programOf(protocol, (rows) => rows))),
  ...programOf(rep3Circuit, circuits),
  ...programOf(semi2kCircuit, circuits),
  ...programOf(semi2kCircuitTransfers, circuits),
  ...programOf(zre15, circuits),
}
