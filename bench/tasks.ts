/** What the two parties of a bench run: a protocol, and each role's input from the public parameters. */
import { utf8ToBytes } from '@tallystick/core'
import { rowBytesOf, zre15, type CircuitParameters } from '@tallystick/mpc'
import { lookup, type LookupParameters } from '@tallystick/homomorphic'
import type { Pool } from '@tallystick/kernels/pool'
import type { AnyProtocol } from '@tallystick/protocol'
import {
  czzdl24,
  ecdh,
  kkrt16,
  psty19,
  ra18,
  rr22,
  rr22Malicious,
  type CircuitParameters as Joint,
  type Items,
} from '@tallystick/psi'
import { scalarsFromCoins } from '@tallystick/psi/unbalanced'
import { lookupInputs } from './lookup-inputs.ts'
import { pingPong, stream, streamChunkBytes } from './protocols.ts'
import { triples } from './ot-protocol.ts'
import { vole } from './vole-protocol.ts'

export interface Task {
  readonly protocol: AnyProtocol
  readonly input: (role: string, parameters: any) => unknown
  /** Where its kernels run; in the party's own thread unless given. */
  readonly pool?: (role: string) => Promise<Pool>
}

/** 18-character identifiers; the second half of one list is the first half of the other. */
export const identifiers = (role: string, size: number): readonly string[] =>
  Array.from({ length: size }, (_, i) => `99${String(i + (role === 'sender' ? size >>> 1 : 0)).padStart(16, '0')}`)

const itemsOf = (rows: readonly string[]): Items => {
  const offsets = new Uint32Array(rows.length + 1)
  rows.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.length))
  return { bytes: utf8ToBytes(rows.join('')), offsets }
}

const idBytes = 18

/** The same identifiers, flat: a million strings would be most of what a party of a fast protocol uses. */
const flatIdentifiers = (role: string, size: number): Items => flatFrom(role === 'sender' ? size >>> 1 : 0, size)

export const flatFrom = (first: number, size: number): Items => {
  const bytes = new Uint8Array(idBytes * size).fill(48)
  const offsets = new Uint32Array(size + 1)
  for (let i = 0; i < size; i++) {
    const at = idBytes * i
    bytes[at] = bytes[at + 1] = 57
    let place = at + idBytes
    for (let rest = first + i; rest > 0; rest = Math.floor(rest / 10)) bytes[--place] = 48 + (rest % 10)
    offsets[i + 1] = at + idBytes
  }
  return { bytes, offsets }
}

/** The chunks are the protocol's own. */
export const rr22Parameters = (size: number) => ({
  sizes: { receiver: size, sender: size },
  output: 'intersection',
  to: 'receiver',
})

export const psiParameters = (size: number) => ({
  sizes: { receiver: size, sender: size },
  output: 'intersection',
  to: 'receiver',
  chunkRows: 4096,
})

/** Sums over the common half, with one column a party where there are values. */
export const circuitParameters = (size: number, output: Joint['output']) => {
  const column = output === 'cardinality' ? [] : [{ column: 'amount', decimals: 0 }]
  return {
    sizes: { receiver: size, sender: size },
    output,
    to: 'receiver',
    columns: { receiver: output === 'sum' ? [] : column, sender: column },
    bits: 20,
  }
}

export const unionParameters = (size: number) => ({
  sizes: { receiver: size, sender: size },
  output: 'union',
  to: 'receiver',
})

/** The key that the list of the bench is prepared under. */
export const listKey = scalarsFromCoins(new Uint8Array(64).fill(7))

export const tasks = {
  'homomorphic-lookup': {
    protocol: lookup,
    input: (role, parameters: LookupParameters) => lookupInputs(parameters)[role as 'client' | 'holder'],
    // As `tally lookup` has it.
    pool: async (role) =>
      (await import('@tallystick/homomorphic/pool')).sealPool({ workers: role === 'client' ? 1 : 2 }),
  },
  'psi-ecdh': {
    protocol: ecdh,
    input: (role, { sizes }: ReturnType<typeof psiParameters>) => itemsOf(identifiers(role, sizes.receiver)),
  },
  'psi-czzdl24': {
    protocol: czzdl24,
    input: (role, { sizes }: ReturnType<typeof unionParameters>) => flatIdentifiers(role, sizes.receiver),
  },
  'psi-rr22': {
    protocol: rr22,
    input: (role, { sizes }: ReturnType<typeof rr22Parameters>) => flatIdentifiers(role, sizes.receiver),
  },
  'psi-rr22-malicious': {
    protocol: rr22Malicious,
    input: (role, { sizes }: ReturnType<typeof rr22Parameters>) => flatIdentifiers(role, sizes.receiver),
  },
  'psi-kkrt16': {
    protocol: kkrt16,
    input: (role, { sizes }: ReturnType<typeof rr22Parameters>) => flatIdentifiers(role, sizes.receiver),
  },
  'psi-psty19': {
    protocol: psty19,
    input: (role, { sizes, columns }: ReturnType<typeof circuitParameters>) => ({
      ...flatIdentifiers(role, sizes.receiver),
      values: Float64Array.from(
        { length: sizes.receiver * columns[role as 'receiver' | 'sender'].length },
        (_, i) => (i * 7919) % 2 ** 20,
      ),
    }),
  },
  'psi-ra18': {
    protocol: ra18,
    input: (role, { sizes }: ReturnType<typeof psiParameters>) =>
      role === 'sender'
        ? { bytes: listKey, offsets: Uint32Array.of(0, listKey.length) }
        : flatIdentifiers(role, sizes.receiver),
  },
  zre15: {
    protocol: zre15,
    input: (role, parameters: CircuitParameters) => ({
      rows: new Uint8Array(rowBytesOf(parameters, role) * (parameters.sizes[role] ?? 0)).fill(17),
    }),
  },
  triples: { protocol: triples, input: () => new Uint8Array() },
  vole: {
    protocol: vole,
    input: (role) => (role === 'sender' ? Uint8Array.from({ length: 16 }, (_, i) => 17 * i + 3) : new Uint8Array()),
  },
  stream: {
    protocol: stream,
    input: (role) => (role === 'source' ? Uint8Array.from({ length: streamChunkBytes }, (_, i) => i * 167) : null),
  },
  'ping-pong': {
    protocol: pingPong,
    input: (role) => (role === 'server' ? new Uint8Array(1024).fill(7) : null),
  },
} satisfies Record<string, Task>
