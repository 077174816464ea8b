/** Programs written in a test, run by all parties of `rep3` on inputs of p0, opened to p1. */
import { createRng, taggedDigest } from '@tallystick/core'
import { referenceEngine, simulate, type AnyProtocol, type Engine, type Routine } from '@tallystick/protocol'
import {
  integersOfWords,
  programProtocol,
  type Program,
  wordsOfIntegers,
  type Arithmetic,
  type Backend,
  type Outputs,
  type Ring,
  type Vectors,
} from '@tallystick/mpc'

export interface Run {
  readonly opened: Vectors
  readonly rounds: number
  readonly bytes: number
  readonly cost: { readonly rounds: number; readonly bytes: number; readonly expected?: unknown }
}

/** Turns a program into a protocol of some backend. */
export type ProtocolOf = (program: Program<null, Vectors, Vectors>) => AnyProtocol

let runs = 0

/** Shares of the vectors, the outputs of `compute` on them, and what it took. */
export const runShared = (
  vectors: Readonly<Record<string, { readonly ring: Ring; readonly words: Uint32Array }>>,
  compute: (backend: Backend, inputs: Record<string, Arithmetic<any>>) => Routine<Outputs>,
  engine: Engine = referenceEngine,
  protocolOf: ProtocolOf = programProtocol,
): Run => {
  const protocol = protocolOf({
    id: 'mpc/test',
    version: 1,
    parameters: () => null,
    inputs: () =>
      Object.entries(vectors).map(([name, { ring, words }]) => ({
        name,
        owner: 'p0',
        ring,
        length: (words.length * 32) / ring,
      })),
    receivers: () => ['p1'],
    encode: (_, __, input) => input,
    compute: (backend, _, inputs) => compute(backend, inputs),
    decode: (_, opened) => opened,
    leakage: 'whatever the tested text opens in mid-run',
  })
  const session = String(runs++)
  const inputs = {
    p0: Object.fromEntries(Object.entries(vectors).map(([name, { words }]) => [name, words])),
    p1: {},
    p2: {},
  }
  const rng = (role: string) => createRng(taggedDigest('tallystick/test/v1', session, role))
  const result = simulate<string, any, any, any>(protocol, { parameters: null, inputs, rng, engine })
  const [error] = Object.values(result.errors)
  if (error !== undefined) throw error as Error
  const { rounds, bytes, expected } = protocol.cost(null)
  const cost = { rounds, bytes, ...(expected && { expected }) }
  return { opened: result.outputs['p1']!, rounds: result.rounds, bytes: result.bytes, cost }
}

export const shared = (values: ArrayLike<number | bigint>, ring: Ring = 64) => ({
  ring,
  words: wordsOfIntegers(ring, values),
})

export const integers = (run: Run, name: string, ring: Ring = 64): bigint[] => integersOfWords(ring, run.opened[name]!)

/** Bits of a plane. */
export const bitsOf = (plane: Uint32Array, length: number): number[] =>
  Array.from({ length }, (_, i) => (plane[i >>> 5]! >>> (i & 31)) & 1)
