/**
 * `node packages/psi/campaign.ts`: the whole conformance kit for `psi/rr22` over the silent vector OLE: a crash at every
 * effect, every kind of mutation of every frame, 200 schedules. Takes minutes; prints findings and ends with 1 if any.
 */
import { wasmEngine } from '@tallystick/kernels/engine'
import { checks, renderFinding, subjectOf } from '@tallystick/protocol/testing'
import { rr22, rr22Malicious } from './src/index.ts'
import { ids, itemsOf } from './test/samples.ts'

const engine = await wasmEngine()
const inputsOf = (common: number) => ({
  receiver: itemsOf(ids(0, 4)),
  sender: itemsOf(ids(4 - common, 5).reverse()),
})

const print = (text: string): void => void process.stdout.write(`${text}\n`)
let failed = false
for (const protocol of [rr22, rr22Malicious]) {
  const to = protocol === rr22 ? 'both' : 'receiver'
  const parameters = { sizes: { receiver: 4, sender: 5 }, output: 'intersection', to, chunkRows: 100 } as const
  const test = { name: `to ${to}`, parameters, inputs: inputsOf(2), alternative: inputsOf(4) }
  const subject = subjectOf(protocol, test, { engine })
  for (const [name, check] of Object.entries(checks)) {
    const { findings, counts } = check(subject)
    failed ||= findings.length > 0
    print(`${protocol.id} ${name}: ${findings.length} findings ${JSON.stringify(counts)}`)
    for (const finding of findings) print(renderFinding(subject, finding))
  }
}
process.exitCode = failed ? 1 : 0
