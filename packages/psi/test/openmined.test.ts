/** The same sets through another implementation of the same construction: @openmined/psi.js, C++ on P-256. */
import PSI from '@openmined/psi.js'
import { expect, it } from 'vitest'
import { wasmEngine } from '@tallystick/kernels/engine'
import { simulate } from '@tallystick/protocol'
import { ecdh, type Parameters } from '@tallystick/psi'
import { ids, itemsOf, seededRng } from './samples.ts'

const sets = [
  { name: 'some in common', receiver: ids(0, 700), sender: ids(400, 900).reverse() },
  { name: 'nothing in common', receiver: ids(0, 50), sender: ids(1000, 60) },
  { name: 'one inside the other', receiver: ids(10, 20), sender: ids(0, 100) },
  {
    name: 'names of any script',
    receiver: ['张三', 'Łukasz', 'אבג', '😀', 'x'],
    sender: ['X', '😀', '張三', 'Łukasz'],
  },
]

it.each(sets)('agrees with psi.js: $name', async ({ receiver, sender }) => {
  // Its types say a namespace, its module is a function.
  const psi = await (PSI as unknown as () => Promise<any>)()
  const server = psi.server.createWithNewKey(true)
  const client = psi.client.createWithNewKey(true)
  const setup = server.createSetupMessage(1e-9, receiver.length, sender, psi.dataStructure.Raw)
  const response = server.processRequest(client.createRequest(receiver))
  const theirs: number[] = client.getIntersection(setup, response)

  const sizes = { receiver: receiver.length, sender: sender.length }
  const engine = await wasmEngine()
  const run = (output: Parameters['output']) => {
    const parameters: Parameters = { sizes, output, to: 'receiver', chunkRows: 256 }
    return simulate(ecdh, {
      parameters,
      inputs: { receiver: itemsOf(receiver), sender: itemsOf(sender) },
      rng: seededRng('openmined'),
      engine,
    }).outputs.receiver
  }
  expect(run('intersection')).toEqual({ kind: 'intersection', rows: Uint32Array.from(theirs).sort() })
  expect(run('cardinality')).toEqual({ kind: 'cardinality', size: theirs.length })
})
