/** The garbler: draws Δ and the labels, garbles and sends; learns the outputs where the terms say so. */
import { garbleGarble } from '@tallystick/kernels'
import type { Party } from '@tallystick/protocol'
import { inputBitsOf, planesOfInput, rowsOfPlanes } from '../circuit/rows.ts'
import { checkCircuitInput, circuitOfTerms, instancesOf, learns } from '../circuit/terms.ts'
import type { CircuitInput, CircuitOutput, CircuitParameters } from '../circuit/terms.ts'
import { activate, collectColours, packPlanes, unpackPlanes } from './bits.ts'
import { labelBytes, receiveFrames, sendFrames, type Messages } from './messages.ts'
import { planOf, tweaksOf } from './plan.ts'
import { offerLabels } from './transfers.ts'

export const garbler: Party<Messages, 'garbler', CircuitParameters, CircuitInput, CircuitOutput> = function* (
  ctx,
  parameters,
  input,
) {
  checkCircuitInput(input, parameters, 'garbler')
  const { circuit, schedule } = circuitOfTerms(parameters.circuit)
  const instances = instancesOf(parameters)
  const own = inputBitsOf(parameters, 'garbler')
  const theirs = inputBitsOf(parameters, 'evaluator')
  const secrets = ctx.narrow('secrets').rng
  const delta = secrets.bytes(labelBytes)
  delta[0]! |= 1
  const start = secrets.bytes(16)
  const coins = ctx.narrow('labels').rng
  const values = packPlanes(planesOfInput(parameters, 'garbler', input), own.length, instances)
  const offered = yield* offerLabels(ctx, theirs.length * instances, delta)
  yield* ctx.send('start', start)

  const { blocks, segments } = planOf(schedule, instances)
  const colours = new Uint8Array(Math.ceil((schedule.outputs.length * instances) / 8))
  for (const block of blocks) {
    const width = block.to - block.from
    const wire = labelBytes * width
    let labels: Uint8Array = new Uint8Array(schedule.slots * wire)
    const active = new Uint8Array(own.length * wire)
    own.forEach((bit, i) => {
      const zero = coins.bytes(wire)
      labels.set(zero, schedule.inputs[bit]! * wire)
      activate(active.subarray(i * wire, (i + 1) * wire), zero, values, i * instances + block.from, () => delta)
    })
    theirs.forEach((bit, i) => {
      const from = labelBytes * (i * instances + block.from)
      labels.set(offered.subarray(from, from + wire), schedule.inputs[bit]! * wire)
    })
    yield* sendFrames(active, (frame) => ctx.send('inputs', frame))
    for (const segment of segments) {
      const garbled = yield* ctx.compute(garbleGarble, {
        code: segment.code,
        instances: width,
        labels,
        start,
        ...tweaksOf(schedule, segment, block),
        delta,
      })
      labels = garbled.labels
      yield* sendFrames(garbled.tables, (frame) => ctx.send('tables', frame))
    }
    collectColours(colours, instances, block, schedule.outputs, labels)
  }

  yield* ctx.checkpoint()
  if (learns(parameters, 'evaluator')) yield* sendFrames(colours, (frame) => ctx.send('decoding', frame))
  if (!learns(parameters, 'garbler')) return { kind: 'none' }
  const seen = yield* receiveFrames('evaluator', 'colours', colours.length, () => ctx.receive('colours'))
  const planes = unpackPlanes(
    seen.map((byte, i) => byte ^ colours[i]!),
    schedule.outputs.length,
    instances,
  )
  return { kind: 'values', rows: rowsOfPlanes(planes, circuit.outputs, instances) }
}
