import { wasmEngine } from '@tallystick/kernels/engine'
import { checks, conformance, subjectOf } from '@tallystick/protocol/testing'
import { describe, expect, it } from 'vitest'
import { rr22, rr22Malicious, rr22Over, type Parameters } from '../src/rr22/index.ts'
import { dealer } from './dealer.ts'
import { ids, itemsOf } from './samples.ts'

const inputsOf = (receiver: number, sender: number, common: number, first: number) => ({
  receiver: itemsOf(ids(first, receiver)),
  sender: itemsOf(ids(first + receiver - common, sender).reverse()),
})

const casesOf = (receivers: readonly Parameters['to'][]) =>
  receivers.flatMap((to) =>
    [
      [0, 3, 0],
      [4, 5, 2],
    ].map(([receiver, sender, common]) => ({
      name: `to ${to}, ${receiver} v ${sender}`,
      parameters: {
        sizes: { receiver: receiver!, sender: sender! },
        output: 'intersection',
        to,
        chunkRows: 100,
      } as const,
      inputs: inputsOf(receiver!, sender!, common!, 0),
      alternative: inputsOf(receiver!, sender!, Math.min(receiver!, sender!), 99_990),
    })),
  )

const engine = await wasmEngine()
conformance(rr22Over({ security: 'semi-honest', vole: dealer }), casesOf(['receiver', 'both']), { engine })
conformance(rr22Over({ security: 'malicious', vole: dealer }), casesOf(['receiver']), { engine })

/**
 * Over the silent vector OLE, whose frames are larger: the checks of the kit that take a run or a few. Crashes and
 * mutations at every effect take minutes: `node packages/psi/campaign.ts`.
 */
describe.each([
  { protocol: rr22, to: 'both' },
  { protocol: rr22Malicious, to: 'receiver' },
] as const)('$protocol.id over the silent vector OLE', ({ protocol, to }) => {
  const [, test] = casesOf([to])
  const subject = subjectOf(protocol, test!, { engine, schedules: 3 })
  it.each(['ideal', 'cost', 'schedules', 'observer', 'openings'] as const)('%s', (name) => {
    expect(checks[name](subject).findings).toEqual([])
  })
})
