/** Two parties of a computation on three-party shares hold every secret between them: one auditor gets one of them. */
import { programProtocol } from '@tallystick/mpc'
import { addressOf, checkTerms, type Terms } from '@tallystick/session'
import { toHex, type Hex } from '@tallystick/core'
import { expect, test } from 'vitest'
import { signDisclosure, type EventSigner } from '../src/disclosure.ts'
import { createAuditorKey } from '../src/seal.ts'

const program = programProtocol<null, Uint32Array, Uint32Array>({
  id: 'mpc/audited',
  version: 1,
  parameters: () => null,
  inputs: () => [{ name: 'x', owner: 'p0', ring: 64, length: 1 }],
  receivers: () => ['p1'],
  encode: (_, __, x) => ({ x }),
  *compute(backend, _, { x }) {
    return { square: yield* backend.multiply(x!, x!) }
  },
  decode: (_, { square }) => square!,
})

const hex = (fill: number, bytes = 32): Hex => toHex(new Uint8Array(bytes).fill(fill))
const keys = [1, 2, 3].map((fill) => new Uint8Array(32).fill(fill))
const auditor = await createAuditorKey()
const termsWith = (limit: number): Terms => ({
  format: 'tallystick/terms/1',
  domain: hex(7),
  nonce: hex(8),
  purpose: 'a test',
  protocol: { id: program.id, version: 1, package: '0.1.0', code: hex(0) },
  parameters: null,
  parties: program.roles.map((role, i) => ({
    role,
    name: `Party ${role}`,
    party: hex(i),
    signer: addressOf(keys[i]!),
    tls: hex(i + 4),
  })),
  receivers: ['p1'],
  data: {},
  leakage: program.leakage,
  auditor: { name: 'Auditor', recipient: auditor.recipient, limit, reveals: {} },
  attempts: 1,
  expires: '2099-01-01T00:00:00Z',
  deadlines: { handshake: 60, message: 60, close: 60 },
  retention: '2099-12-31',
})

const signer: EventSigner = { address: addressOf(keys[2]!), sign: async () => new Uint8Array(65) }
const of = (role: string) => ({ specHash: hex(9), attempt: 0, role })

test('terms that let one auditor see two of the three are not run', () => {
  expect(() => checkTerms(termsWith(1), program, 0)).not.toThrow()
  expect(() => checkTerms(termsWith(2), program, 0)).toThrow('expected at most 1 of the roles of mpc/audited')
})

test('once one party is disclosed, honest software consents to no other, in no attempt', async () => {
  await expect(signDisclosure(termsWith(1), of('p0'), signer, [])).resolves.toMatch(/^0x/)
  for (const attempt of [0, 1]) {
    const second = signDisclosure(termsWith(1), { ...of('p1'), attempt }, signer, [of('p0')])
    await expect(second).rejects.toMatchObject({ code: 'evidence/over-limit' })
  }
})
