import { wasmEngine } from '@tallystick/kernels/engine'
import { conformance } from '@tallystick/protocol/testing'
import { ecdh, type Parameters } from '@tallystick/psi'
import { ids, itemsOf } from './samples.ts'

const modes = [
  { output: 'intersection', to: 'receiver' },
  { output: 'intersection', to: 'both' },
  { output: 'cardinality', to: 'receiver' },
  { output: 'cardinality', to: 'both' },
] as const
/** Numbers of rows (receiver, sender, common) at and beside the bounds of chunks of 2 rows. */
const shapes = [
  [0, 0, 0],
  [0, 3, 0],
  [3, 0, 0],
  [1, 5, 1],
  [4, 3, 2],
  [2, 2, 0],
] as const

const inputsOf = (receiver: number, sender: number, common: number, first: number) => ({
  receiver: itemsOf(ids(first, receiver)),
  sender: itemsOf(ids(first + receiver - common, sender).reverse()),
})

const cases = modes.flatMap((mode, i) =>
  // The shapes without a frame or with one direction only are the same whatever the output.
  shapes.slice(i < 2 ? 0 : 3).map(([receiver, sender, common]) => {
    const parameters: Parameters = { sizes: { receiver, sender }, ...mode, chunkRows: 2 }
    const name = `${mode.output} to ${mode.to}, ${receiver} v ${sender}`
    // Under the same parameters: other rows of other lengths, and as many in common as there can be, or none.
    const other = common > 0 ? 0 : Math.min(receiver, sender)
    const inputs = inputsOf(receiver, sender, common, 0)
    return receiver + sender === 0
      ? { name, parameters, inputs }
      : { name, parameters, inputs, alternative: inputsOf(receiver, sender, other, 99_990) }
  }),
)

conformance(ecdh, cases, { engine: await wasmEngine() })
