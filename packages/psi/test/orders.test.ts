/** What travels, recomputed from the coins: which sets and replies keep their order, and which come in a random one. */
import { concatBytes, toHex } from '@tallystick/core'
import { curve25519HashScale, curve25519Scale } from '@tallystick/kernels'
import { wasmEngine } from '@tallystick/kernels/engine'
import { runKernel, simulate } from '@tallystick/protocol'
import { ecdh, type Parameters, type Role } from '@tallystick/psi'
import { describe, expect, it } from 'vitest'
import { drawScalar } from '../src/ecdh/coins.ts'
import { hashTag } from '../src/ecdh/steps.ts'
import { ids, itemsOf, seededRng } from './samples.ts'

const engine = await wasmEngine()
const sets = { receiver: itemsOf(ids(0, 9)), sender: itemsOf(ids(4, 11)) }
const rng = seededRng('orders')
const scalarOf = (role: Role): Uint8Array => drawScalar(rng(role).fork('psi/ecdh/scalar'))

const masked = (owner: Role): Uint8Array =>
  runKernel(engine, curve25519HashScale, { ...sets[owner], dst: hashTag, scalar: scalarOf(owner) }).points
const doubled = (owner: Role): Uint8Array => {
  const scalar = scalarOf(owner === 'receiver' ? 'sender' : 'receiver')
  return runKernel(engine, curve25519Scale, { scalar, points: masked(owner) }).points
}

const rowsOf = (bytes: Uint8Array): string[] =>
  Array.from({ length: bytes.length / 32 }, (_, i) => toHex(bytes.subarray(32 * i, 32 * i + 32)))

/** All rows of each message, in the order in which they were sent. */
const sent = (output: Parameters['output'], to: Parameters['to']) => {
  const bodies: Record<string, Uint8Array[]> = {}
  const parameters: Parameters = { sizes: { receiver: 9, sender: 11 }, output, to, chunkRows: 4 }
  const mutate = ({ step, body }: { step: string; body: Uint8Array }) => {
    ;(bodies[step.slice(step.lastIndexOf('/') + 1)] ??= []).push(body)
    return [body]
  }
  const { errors } = simulate(ecdh, { parameters, inputs: sets, rng, engine, fault: { mutate } })
  expect(errors).toEqual({})
  return Object.fromEntries(Object.entries(bodies).map(([name, chunks]) => [name, rowsOf(concatBytes(...chunks))]))
}

/** Whether two lists have the same rows, and whether in the same order. */
const relation = (a: readonly string[] = [], b: readonly string[]): string => {
  if (a.join() === b.join()) return 'kept'
  return [...a].sort().join() === [...b].sort().join() ? 'shuffled' : 'other rows'
}

describe.each([
  { output: 'intersection', to: 'receiver', set: 'kept', reply: 'kept' },
  { output: 'intersection', to: 'both', set: 'shuffled', reply: 'kept' },
  { output: 'cardinality', to: 'receiver', set: 'kept', reply: 'shuffled' },
  { output: 'cardinality', to: 'both', set: 'shuffled', reply: 'shuffled' },
] as const)('$output to $to', ({ output, to, set, reply }) => {
  const frames = sent(output, to)
  it(`the receiver's set is ${set}, the sender's shuffled`, () => {
    expect(relation(frames['receiverMasked'], rowsOf(masked('receiver')))).toBe(set)
    expect(relation(frames['senderMasked'], rowsOf(masked('sender')))).toBe('shuffled')
  })
  it(`the replies are doubly masked, in the order of the set: ${reply}`, () => {
    const double = (rows: readonly string[], role: Role): string[] => {
      const points = concatBytes(...rows.map((row) => Uint8Array.from(Buffer.from(row.slice(2), 'hex'))))
      return rowsOf(runKernel(engine, curve25519Scale, { scalar: scalarOf(role), points }).points)
    }
    expect(relation(frames['receiverDoubled'], double(frames['receiverMasked']!, 'sender'))).toBe(reply)
    expect(relation(frames['receiverDoubled'], rowsOf(doubled('receiver')))).not.toBe('other rows')
    const other =
      to === 'both' ? relation(frames['senderDoubled'], double(frames['senderMasked']!, 'receiver')) : 'none'
    expect(other).toBe(to === 'both' ? reply : 'none')
    expect(frames['senderDoubled'] === undefined).toBe(to === 'receiver')
  })
  it('no row travels twice but the common ones, doubly masked, where both replies travel', () => {
    const all = Object.values(frames).flatMap((rows) => rows)
    const distinct = new Set(all)
    expect(all.length - distinct.size).toBe(to === 'both' ? 5 : 0)
  })
})
