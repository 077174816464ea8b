/** The evaluator: gets the labels of its inputs by transfers, evaluates as tables arrive; learns where the terms say so. */
import { garbleEvaluate } from '@tallystick/kernels'
import type { Party } from '@tallystick/protocol'
import { inputBitsOf, planesOfInput, rowsOfPlanes } from '../circuit/rows.ts'
import { checkCircuitInput, circuitOfTerms, instancesOf, learns } from '../circuit/terms.ts'
import type { CircuitInput, CircuitOutput, CircuitParameters } from '../circuit/terms.ts'
import { collectColours, packPlanes, unpackPlanes } from './bits.ts'
import { labelBytes, receiveFrames, sendFrames, type Messages } from './messages.ts'
import { planOf, segmentTableBytes, tweaksOf } from './plan.ts'
import { takeLabels } from './transfers.ts'

export const evaluator: Party<Messages, 'evaluator', CircuitParameters, CircuitInput, CircuitOutput> = function* (
  ctx,
  parameters,
  input,
) {
  checkCircuitInput(input, parameters, 'evaluator')
  const { circuit, schedule } = circuitOfTerms(parameters.circuit)
  const instances = instancesOf(parameters)
  const own = inputBitsOf(parameters, 'evaluator')
  const theirs = inputBitsOf(parameters, 'garbler')
  const choices = packPlanes(planesOfInput(parameters, 'evaluator', input), own.length, instances)
  const taken = yield* takeLabels(ctx, own.length * instances, choices)
  const start = yield* ctx.receive('start')

  const { blocks, segments } = planOf(schedule, instances)
  const colours = new Uint8Array(Math.ceil((schedule.outputs.length * instances) / 8))
  for (const block of blocks) {
    const width = block.to - block.from
    const wire = labelBytes * width
    let labels: Uint8Array = new Uint8Array(schedule.slots * wire)
    const given = yield* receiveFrames('garbler', 'labels', theirs.length * wire, () => ctx.receive('inputs'))
    theirs.forEach((bit, i) => labels.set(given.subarray(i * wire, (i + 1) * wire), schedule.inputs[bit]! * wire))
    own.forEach((bit, i) => {
      const from = labelBytes * (i * instances + block.from)
      labels.set(taken.subarray(from, from + wire), schedule.inputs[bit]! * wire)
    })
    for (const segment of segments) {
      const length = segmentTableBytes(segment, width)
      const tables = yield* receiveFrames('garbler', 'tables', length, () => ctx.receive('tables'))
      labels = yield* ctx.compute(garbleEvaluate, {
        code: segment.code,
        instances: width,
        labels,
        start,
        ...tweaksOf(schedule, segment, block),
        tables,
      })
    }
    collectColours(colours, instances, block, schedule.outputs, labels)
  }

  yield* ctx.checkpoint()
  if (learns(parameters, 'garbler')) yield* sendFrames(colours, (frame) => ctx.send('colours', frame))
  if (!learns(parameters, 'evaluator')) return { kind: 'none' }
  const zero = yield* receiveFrames('garbler', 'decoding', colours.length, () => ctx.receive('decoding'))
  const planes = unpackPlanes(
    zero.map((byte, i) => byte ^ colours[i]!),
    schedule.outputs.length,
    instances,
  )
  return { kind: 'values', rows: rowsOfPlanes(planes, circuit.outputs, instances) }
}
