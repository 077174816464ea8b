/** The three roles run the same text. */
import { planeWords as densePlaneWords } from '@tallystick/circuits'
import type { Party, Routine } from '@tallystick/protocol'
import { planeWords } from '../backend.ts'
import { inputBitsOf, planesOfInput, rowsOfPlanes } from '../circuit/rows.ts'
import { checkCircuitInput, circuitOfTerms, instancesOf, learns } from '../circuit/terms.ts'
import type { CircuitInput, CircuitOutput, CircuitParameters } from '../circuit/terms.ts'
import type { Messages } from '../rep3/messages.ts'
import { openTo } from '../rep3/outputs.ts'
import { agreeKeys, bits, computing, partyOf, type Components, type Ctx, type Index } from '../rep3/party.ts'
import { giveBits, takeBits } from './inputs.ts'
import { evaluateComponents } from './rep3.ts'

/** Planes of `from` words to planes of `to`, cut or filled with zeros. */
export const restride = (planes: Uint32Array, from: number, to: number): Uint32Array => {
  const count = planes.length / from
  const out = new Uint32Array(count * to)
  for (let i = 0; i < count; i++) out.set(planes.subarray(i * from, i * from + Math.min(from, to)), i * to)
  return out
}

/** Shares of the planes of all inputs, in the order of the circuit. */
function* shareInputs(ctx: Ctx, index: Index, parameters: CircuitParameters, input: CircuitInput) {
  const instances = instancesOf(parameters)
  const [dense, words] = [densePlaneWords(instances), planeWords(instances)]
  const owners = computing.filter((role) => parameters.owners.includes(role))
  const [setup, ...steps] = [ctx.narrow('setup'), ...owners.map((owner) => ctx.narrow(`inputs/${owner}`))]
  const [keys, ...shared] = yield* ctx.join(
    () => agreeKeys(setup, index),
    ...owners.map((owner, i) => (): Routine<Components> => {
      if (owner !== ctx.role) {
        return takeBits(
          steps[i]!,
          index,
          computing.indexOf(owner) as Index,
          inputBitsOf(parameters, owner).length * words,
        )
      }
      return giveBits(steps[i]!, index, restride(planesOfInput(parameters, owner, input), dense, words))
    }),
  )
  const total = circuitOfTerms(parameters.circuit).schedule.inputs.length * words
  const all = { own: new Uint32Array(total), next: new Uint32Array(total) }
  owners.forEach((owner, i) => {
    inputBitsOf(parameters, owner).forEach((bit, plane) => {
      const [from, to] = [plane * words, (plane + 1) * words]
      all.own.set(shared[i]!.own.subarray(from, to), bit * words)
      all.next.set(shared[i]!.next.subarray(from, to), bit * words)
    })
  })
  return { keys, all }
}

export const party: Party<Messages, string, CircuitParameters, CircuitInput, CircuitOutput> = function* (
  ctx,
  parameters,
  input,
) {
  checkCircuitInput(input, parameters, ctx.role)
  const index = (computing as readonly string[]).indexOf(ctx.role) as Index
  const { circuit, schedule } = circuitOfTerms(parameters.circuit)
  const instances = instancesOf(parameters)
  const { keys, all } = yield* shareInputs(ctx, index, parameters, input)
  const self = partyOf(ctx, index, keys, 'main')
  const { own, next } = yield* evaluateComponents(self, schedule, all, instances)
  const outputs = bits(schedule.outputs.length, instances, own, next)
  yield* ctx.checkpoint()
  const receivers = computing.filter((role) => learns(parameters, role))
  const opened = yield* openTo(self, receivers, [outputs])
  if (opened === undefined) return { kind: 'none' }
  const planes = restride(opened[0]!, planeWords(instances), densePlaneWords(instances))
  return { kind: 'values', rows: rowsOfPlanes(planes, circuit.outputs, instances) }
}
