/** The union of two lists: against plain sets, the conformance kit, what is refused. */
import { createRng, fixedBytes } from '@tallystick/core'
import { nodeEngine } from '@tallystick/kernels/engine/node'
import { message, simulate, type Context } from '@tallystick/protocol'
import { checks, conformance, subjectOf } from '@tallystick/protocol/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { czzdl24, czzdl24Over, type Parameters, type Transfer } from '../src/czzdl24/index.ts'
import { sha256 } from './blocks.ts'
import { ids, itemsOf, seededRng } from './samples.ts'

const engine = await nodeEngine()
const dealt = { dealt: message('sender', 'receiver', fixedBytes(32)) } as const
const keysOf = (seed: Uint8Array, n: number) => {
  const rng = createRng(seed)
  return { zero: rng.bytes(16 * n), one: rng.bytes(16 * n) }
}
/** Transfers for tests of what is built on them: the sender tells the receiver both keys. */
const dealer: Transfer = {
  *send(ctx, _, { n }) {
    const own = ctx as Context<typeof dealt, 'sender'>
    const seed = own.rng.bytes(32)
    yield* own.send('dealt', seed)
    return keysOf(seed, n)
  },
  *receive(ctx, _, { n }, choices) {
    const { zero, one } = keysOf(yield* (ctx as Context<typeof dealt, 'receiver'>).receive('dealt'), n)
    return zero.map((byte, at) => ((choices[at >> 7]! >> ((at >> 4) & 7)) & 1 ? one[at]! : byte))
  },
  cost: () => ({ rounds: 1, bytes: 32, coins: { sender: 32, receiver: 0 } }),
}
const protocol = czzdl24Over(dealer, dealt)

const parametersOf = (receiver: number, sender: number, chunkRows = 2, idBytes = 31): Parameters => ({
  ...{ sizes: { receiver, sender }, output: 'union', to: 'receiver', idBytes, chunkRows },
})
const inputsOf = (receiver: number, sender: number, common: number, first: number) => ({
  receiver: itemsOf(ids(first, receiver)),
  sender: itemsOf(ids(first + receiver - common, sender).reverse()),
})
const caseOf = (receiver: number, sender: number, common: number) => ({
  name: `${receiver} v ${sender}, ${common} common`,
  parameters: parametersOf(receiver, sender),
  inputs: inputsOf(receiver, sender, common, 0),
  // As many in common as there can be, or none.
  alternative: inputsOf(receiver, sender, common > 0 ? 0 : Math.min(receiver, sender), 5000),
})

conformance(protocol, [caseOf(1, 1, 1), caseOf(3, 2, 0), caseOf(2, 3, 1)], { engine, hash: sha256, schedules: 20 })

describe('over the extension', () => {
  const subject = subjectOf(czzdl24, caseOf(4, 5, 2), { engine, schedules: 2 })
  it.each(['ideal', 'cost', 'observer', 'openings'] as const)('%s', (name) => {
    expect(checks[name](subject).findings).toEqual([])
  })
})

const idsIn = (others: ReturnType<typeof itemsOf>): string[] =>
  Array.from(others.offsets.subarray(1), (to, i) =>
    new TextDecoder().decode(others.bytes.subarray(others.offsets[i], to)),
  )

const run = (receiver: readonly string[], sender: readonly string[], parameters?: Partial<Parameters>) =>
  simulate(protocol, {
    parameters: { ...parametersOf(receiver.length, sender.length, 3), ...parameters },
    inputs: { receiver: itemsOf(receiver), sender: itemsOf(sender) },
    ...{ rng: seededRng('union'), engine },
  })

it('gives the ids that the receiver lacks, of any length, and how many are common to nobody else', () => {
  const list = fc.uniqueArray(fc.string({ maxLength: 6 }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(list, list, (x, y) => {
      const { outputs } = run(x, y)
      const result = outputs['receiver']
      if (result?.kind !== 'union') throw new Error('expected a union')
      expect(idsIn(result.others).toSorted()).toEqual(y.filter((id) => !x.includes(id)).toSorted())
      expect(outputs['sender']).toEqual({ kind: 'none' })
    }),
    { numRuns: 25 },
  )
})

it('does not hand over ids that both have', () => {
  const sent: Uint8Array[] = []
  const [x, y] = [ids(0, 4), ids(2, 4)]
  simulate(protocol, {
    ...{ parameters: parametersOf(4, 4, 4), inputs: { receiver: itemsOf(x), sender: itemsOf(y) } },
    ...{ rng: seededRng('union'), engine },
    fault: { mutate: ({ step, body }) => (step.endsWith('/masked') && sent.push(body.slice()), [body]) },
  })
  // No row of what was sent opens under the other key: all differ from the padded ids by a pad.
  const text = new TextDecoder('latin1').decode(sent[0])
  for (const id of y) expect(text).not.toContain(id)
})

it('refuses ids longer than agreed, before anything is sent', () => {
  const { errors, trace } = run(['a'], ['abcdef'], { idBytes: 5 })
  expect(errors['sender']).toMatchObject({ code: 'input/invalid-value', blame: 'self' })
  expect(trace.filter(({ from }) => from === 'sender')).toEqual([])
  expect(run(['a'], ['abcdef'], { idBytes: 6 }).errors).toEqual({})
})

it('refuses what opens to no id, and its sender is named', () => {
  const { errors } = simulate(protocol, {
    ...{ parameters: parametersOf(1, 1), inputs: { receiver: itemsOf(['a']), sender: itemsOf(['b']) } },
    ...{ rng: seededRng('union'), engine },
    fault: {
      mutate: ({ step, body }) => [step.endsWith('/masked') ? body.map((byte) => byte ^ 0x80) : body],
      close: false,
    },
  })
  expect(errors['receiver']).toMatchObject({ code: 'peer/misbehaved', blame: { peer: 'sender' } })
})

it.each([
  { ...parametersOf(1, 1), to: 'both' },
  { ...parametersOf(1, 1), output: 'intersection' },
  { ...parametersOf(1, 1), idBytes: 256 },
  { ...parametersOf(0, 1) },
])('refuses parameters %j', (parameters) => {
  expect(() => czzdl24.parameters(parameters)).toThrow(expect.objectContaining({ code: 'terms/malformed' }))
})
