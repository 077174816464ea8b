/** Parties, terms and small protocols for the tests of the session. */
import {
  createRng,
  fixedBytes,
  flatRows,
  taggedDigest,
  toHex,
  utf8ToBytes,
  type Hex,
  type Json,
} from '@tallystick/core'
import {
  defineProtocol,
  message,
  opening,
  type AnyProtocol,
  type Context,
  type Kernel,
  type Messages,
  type Routine,
} from '@tallystick/protocol'
import {
  createSigner,
  addressOf,
  memoryJournals,
  memoryNetwork,
  partyId,
  runSession,
  type Clock,
  type KernelPool,
  type MemoryJournals,
  type MemoryLinkOptions,
  type MemoryNetwork,
  type SessionOptions,
  type SessionResult,
  type Terms,
} from '@tallystick/session'

export const signerOf = createSigner

export const keyOf = (role: string): Uint8Array => taggedDigest('tallystick/test-key/v1', role)
export const tlsOf = (role: string): Hex => toHex(taggedDigest('tallystick/test-tls/v1', role))

/** Time that runs faster, so that deadlines of seconds end in milliseconds. */
const began = Date.now()
export const fastClock = (factor: number): Clock => ({
  now: () => began + (Date.now() - began) * factor,
  after(milliseconds, call) {
    const timer = setTimeout(call, milliseconds / factor)
    return () => clearTimeout(timer)
  },
})

export const inlinePool: KernelPool = { run: (kernel, input) => Promise.resolve(kernel.run(input)) }

export const termsFor = (protocol: AnyProtocol, parameters: Json, changes: Partial<Terms> = {}): Terms => ({
  format: 'tallystick/terms/1',
  domain: toHex(new Uint8Array(32).fill(7)),
  nonce: toHex(taggedDigest('tallystick/test-nonce/v1', protocol.id)),
  purpose: 'a test',
  protocol: { id: protocol.id, version: protocol.version, package: '0.1.0', code: toHex(new Uint8Array(32)) },
  parameters,
  parties: (protocol.roles as string[]).map((role) => {
    const signer = addressOf(keyOf(role))
    return { role, name: `Party ${role}`, party: partyId(signer, tlsOf(role)), signer, tls: tlsOf(role) }
  }),
  receivers: [...(protocol.roles as string[])],
  data: {},
  leakage: protocol.leakage as Record<string, string>,
  auditor: {
    name: 'Auditor',
    recipient: 'age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq',
    limit: 1,
    reveals: {},
  },
  attempts: 5,
  expires: '2099-01-01T00:00:00Z',
  deadlines: { handshake: 60, message: 60, close: 60 },
  retention: '2099-12-31',
  ...changes,
})

export interface Setting {
  readonly protocol: AnyProtocol
  readonly terms: Terms
  readonly inputs: Readonly<Record<string, unknown>>
  readonly network: MemoryNetwork
  readonly journals: Readonly<Record<string, MemoryJournals>>
}

export const setting = (
  protocol: AnyProtocol,
  parameters: Json,
  inputs: Readonly<Record<string, unknown>>,
  changes: Partial<Terms> = {},
  links?: (a: string, b: string) => MemoryLinkOptions,
): Setting => ({
  protocol,
  terms: termsFor(protocol, parameters, changes),
  inputs,
  network: memoryNetwork(protocol.roles as string[], links),
  journals: Object.fromEntries((protocol.roles as string[]).map((role) => [role, memoryJournals()])),
})

/** Fixed randomness of a role, so that a run can be compared with the run that followed a crash. */
export const entropyOf = (role: string): (() => Uint8Array) => {
  const rng = createRng(taggedDigest('tallystick/test-entropy/v1', role))
  return () => rng.bytes(32)
}

export const optionsOf = (given: Setting, role: string, changes: Partial<SessionOptions> = {}): SessionOptions => ({
  terms: given.terms,
  role,
  protocol: given.protocol,
  signer: signerOf(keyOf(role)),
  links: given.network.dial(role),
  input: given.inputs[role],
  commitInput: () => ({ root: taggedDigest('tallystick/test-input/v1', role) }),
  pool: inlinePool,
  journals: given.journals[role]!,
  clock: fastClock(20),
  entropy: entropyOf(role),
  ...changes,
})

export const runAll = async (
  given: Setting,
  changes: Readonly<Record<string, Partial<SessionOptions>>> = {},
): Promise<Readonly<Record<string, SessionResult>>> => {
  const roles = given.protocol.roles as string[]
  const results = await Promise.all(
    roles.map(async (role) => [role, await runSession(optionsOf(given, role, changes[role]))] as const),
  )
  await Promise.all(results.map(([, result]) => result.close()))
  return Object.fromEntries(results)
}

const reverse: Kernel<Uint8Array, Uint8Array> = { name: 'test/reverse', run: (input) => input.slice().reverse() }

/** Two parties: `rounds` exchanges, a chunked stream in a join, a kernel, a checkpoint, an opening each way. */
export const duet = defineProtocol({
  id: 'test/duet',
  version: 1,
  roles: ['left', 'right'],
  messages: {
    ping: message('left', 'right', fixedBytes(32)),
    pong: message('right', 'left', fixedBytes(32)),
    flow: message('left', 'right', flatRows(8, 16)),
    back: message('right', 'left', flatRows(8, 16)),
    show: opening('left', 'right', fixedBytes(8)),
    tell: opening('right', 'left', fixedBytes(8)),
  },
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 128,
    statistical: 40,
    assumptions: [],
    refusal: 'nothing',
  },
  leakage: { left: 'nothing', right: 'nothing' },
  parameters: (value) => value as { rounds: number; chunks: number },
  cost: ({ rounds, chunks }) => ({
    rounds: 2 * rounds + 2,
    bytes: 64 * rounds + 256 * chunks + 16,
    coins: { left: 32 * rounds, right: 32 * rounds },
    correlations: {},
  }),
  ideal: (_, inputs: { left: Uint8Array; right: Uint8Array }) => ({ left: inputs.right, right: inputs.left }),
  parties: {
    *left(ctx, { rounds, chunks }, input: Uint8Array) {
      for (let i = 0; i < rounds; i++) {
        const at = ctx.narrow(`round-${i}`)
        yield* at.send('ping', at.rng.bytes(32))
        yield* at.receive('pong')
      }
      yield* ctx.join(
        function* (branch) {
          for (let i = 0; i < chunks; i++) yield* branch.send('flow', new Uint8Array(128).fill(i))
        },
        function* (branch) {
          for (let i = 0; i < chunks; i++) yield* branch.receive('back')
        },
      )
      const turned = yield* ctx.compute(reverse, input)
      yield* ctx.checkpoint()
      yield* ctx.send('show', turned)
      return yield* ctx.compute(reverse, yield* ctx.receive('tell'))
    },
    *right(ctx, { rounds, chunks }, input: Uint8Array) {
      for (let i = 0; i < rounds; i++) {
        const at = ctx.narrow(`round-${i}`)
        yield* at.receive('ping')
        yield* at.send('pong', at.rng.bytes(32))
      }
      // The branches pair up crosswise: the flow of the left's first branch arrives in this side's first branch.
      yield* ctx.join(
        function* (branch) {
          for (let i = 0; i < chunks; i++) yield* branch.receive('flow')
        },
        function* (branch) {
          for (let i = 0; i < chunks; i++) yield* branch.send('back', new Uint8Array(128).fill(255 - i))
        },
      )
      const turned = yield* ctx.compute(reverse, input)
      yield* ctx.checkpoint()
      const shown = yield* ctx.receive('show')
      yield* ctx.send('tell', turned)
      return yield* ctx.compute(reverse, shown)
    },
  },
})

export const duetInputs = { left: utf8ToBytes('left 123'), right: utf8ToBytes('right 45') }

function* adder(ctx: Context<any, any>, _: unknown, input: number): Routine<number> {
  const word = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
  const bytes = (value: number): Uint8Array => {
    const out = new Uint8Array(4)
    new DataView(out.buffer).setUint32(0, value >>> 0)
    return out
  }
  let own = input
  for (const peer of ctx.peers) {
    const share = word(ctx.narrow(`to-${peer}`).rng.bytes(4))
    own = (own - share) >>> 0
    yield* ctx.send('share', bytes(share), peer)
  }
  for (const peer of ctx.peers) own = (own + word((yield* ctx.receive('share', peer)) as Uint8Array)) >>> 0
  yield* ctx.checkpoint()
  for (const peer of ctx.peers) yield* ctx.send('sum', bytes(own), peer)
  let sum = own
  for (const peer of ctx.peers) sum = (sum + word((yield* ctx.receive('sum', peer)) as Uint8Array)) >>> 0
  return sum
}

/** Three parties: everybody sends a share to everybody, then opens the sum. */
interface Sums extends Record<'a' | 'b' | 'c', number> {}
export const trio = defineProtocol<'a' | 'b' | 'c', Messages, Record<string, never>, Sums, Sums>({
  id: 'test/trio',
  version: 1,
  roles: ['a', 'b', 'c'],
  messages: {
    share: message('each', 'each', fixedBytes(4)),
    sum: opening('each', 'each', fixedBytes(4)),
  },
  security: {
    adversary: 'semi-honest',
    corruptions: 2,
    computational: 128,
    statistical: 40,
    assumptions: [],
    refusal: 'nothing',
  },
  leakage: { a: 'nothing', b: 'nothing', c: 'nothing' },
  parameters: (value) => value as Record<string, never>,
  cost: () => ({ rounds: 2, bytes: 48, coins: { a: 8, b: 8, c: 8 }, correlations: {} }),
  ideal: (_, inputs) => {
    const sum = (inputs.a + inputs.b + inputs.c) >>> 0
    return { a: sum, b: sum, c: sum }
  },
  parties: { a: adder, b: adder, c: adder },
})
