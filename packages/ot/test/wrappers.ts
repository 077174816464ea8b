/**
 * Protocols around the building blocks, so that the conformance kit can run them: after the block both ends open what they
 * have to each other and state whether it is correlated as it should be.
 */
import { flatRows } from '@tallystick/core'
import { gf128Scale } from '@tallystick/kernels'
import {
  type Adversary,
  type BaseKind,
  type BlockCost,
  baseCost,
  baseMessages,
  baseReceive,
  baseSend,
  correlatedCost,
  correlatedMessages,
  correlatedReceive,
  correlatedSend,
  randomReceive,
  randomSend,
  voleCost,
  voleMessages,
  voleReceive,
  voleSend,
} from '@tallystick/ot'
import { defineProtocol, opening } from '@tallystick/protocol'

export type Ends = 'sender' | 'receiver'
export interface Parameters {
  readonly n: number
  readonly security: Adversary
  readonly base?: BaseKind
  /** Noise weight of the VOLE, in place of the secure one. */
  readonly weight?: number
}
export interface Verdict {
  /** The first row that is not correlated, or -1. */
  readonly wrong: number
}

const anything = flatRows(1, 2 ** 22)
const opened = {
  sent: opening('sender', 'receiver', anything),
  received: opening('receiver', 'sender', anything),
} as const

const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]))
export const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => a.map((byte, i) => byte ^ b[i]!)

/** The first row of 16 bytes where a and b differ, or -1. */
export const firstDifference = (a: Uint8Array, b: Uint8Array): number => {
  if (a.length !== b.length) return 0
  const at = a.findIndex((byte, i) => byte !== b[i])
  return at < 0 ? -1 : at >> 4
}

const select = (zero: Uint8Array, one: Uint8Array, choices: Uint8Array): Uint8Array =>
  zero.map((byte, k) => ((choices[k >> 7]! >> ((k >> 4) & 7)) & 1 ? one[k]! : byte))

const common = (cost: (parameters: Parameters) => BlockCost, openedBytes: (parameters: Parameters) => number) => ({
  version: 1,
  roles: ['sender', 'receiver'] as const,
  leakage: { sender: 'everything: a test', receiver: 'everything: a test' },
  parameters: (value: unknown) => value as Parameters,
  cost: (parameters: Parameters) => {
    const { rounds, bytes, coins } = cost(parameters)
    return { rounds: rounds + 1, bytes: bytes + openedBytes(parameters), coins, correlations: {} }
  },
  ideal: () => ({ sender: { wrong: -1 }, receiver: { wrong: -1 } }),
})

const security = {
  adversary: 'malicious',
  corruptions: 1,
  computational: 125,
  statistical: 128,
  assumptions: [],
  refusal: 'a test',
} as const

export interface VoleInputs {
  readonly sender: { readonly delta: Uint8Array }
  readonly receiver: Record<string, never>
}

export const vole = defineProtocol<
  Ends,
  ReturnType<typeof voleMessages<'sender', 'receiver'>> & typeof opened,
  Parameters,
  { sender: VoleInputs['sender']; receiver: VoleInputs['receiver'] },
  Record<Ends, Verdict>
>({
  ...common(voleCost, ({ n }) => 16 + 48 * n),
  id: 'test/vole',
  messages: { ...voleMessages('sender', 'receiver'), ...opened },
  security,
  parties: {
    *sender(ctx, parameters, { delta }) {
      const b = yield* voleSend(ctx.narrow('vole'), 'receiver', parameters, delta)
      yield* ctx.checkpoint()
      yield* ctx.send('sent', join(delta, b))
      const theirs = yield* ctx.receive('received')
      const [a, c] = [theirs.slice(0, theirs.length / 2), theirs.slice(theirs.length / 2)]
      const elements = a.subarray(0, a.length & ~15)
      const product = yield* ctx.compute(gf128Scale, { factor: delta, elements })
      return { wrong: firstDifference(xor(product, b), c) }
    },
    *receiver(ctx, parameters) {
      const { a, c } = yield* voleReceive(ctx.narrow('vole'), 'sender', parameters)
      yield* ctx.checkpoint()
      yield* ctx.send('received', join(a, c))
      const theirs = yield* ctx.receive('sent')
      const factor = new Uint8Array(16)
      factor.set(theirs.subarray(0, 16))
      const product = yield* ctx.compute(gf128Scale, { factor, elements: a })
      return { wrong: firstDifference(xor(product, theirs.slice(16)), c) }
    },
  },
})

export interface TransferInputs {
  readonly sender: Record<string, never>
  readonly receiver: { readonly choices: Uint8Array }
}

const choiceBytes = ({ n }: Parameters): number => Math.ceil(n / 8)

/** Correlated transfers in the clear: the receiver opens choices and rows, the sender Delta and rows. */
export const correlated = defineProtocol<
  Ends,
  ReturnType<typeof correlatedMessages<'sender', 'receiver'>> & typeof opened,
  Parameters,
  { sender: TransferInputs['sender']; receiver: TransferInputs['receiver'] },
  Record<Ends, Verdict>
>({
  ...common(correlatedCost, (parameters) => 16 + 32 * parameters.n + choiceBytes(parameters)),
  id: 'test/correlated',
  messages: { ...correlatedMessages('sender', 'receiver'), ...opened },
  security,
  parties: {
    *sender(ctx, parameters) {
      const { delta, rows } = yield* correlatedSend(ctx.narrow('transfers'), 'receiver', parameters)
      yield* ctx.checkpoint()
      yield* ctx.send('sent', join(delta, rows))
      const theirs = yield* ctx.receive('received')
      const choices = theirs.slice(0, choiceBytes(parameters))
      const other = rows.map((byte, k) => byte ^ delta[k & 15]!)
      return { wrong: firstDifference(select(rows, other, choices), theirs.slice(choices.length)) }
    },
    *receiver(ctx, parameters, { choices }) {
      const rows = yield* correlatedReceive(ctx.narrow('transfers'), 'sender', parameters, choices)
      yield* ctx.checkpoint()
      yield* ctx.send('received', join(choices, rows))
      const theirs = yield* ctx.receive('sent')
      const [delta, zero] = [theirs.slice(0, 16), theirs.slice(16)]
      const other = zero.map((byte, k) => byte ^ delta[k & 15]!)
      return { wrong: firstDifference(select(zero, other, choices), rows) }
    },
  },
})

const keysOpened = (parameters: Parameters): number => 48 * parameters.n + choiceBytes(parameters)

/** Random transfers from the extension. */
export const random = defineProtocol<
  Ends,
  ReturnType<typeof correlatedMessages<'sender', 'receiver'>> & typeof opened,
  Parameters,
  { sender: TransferInputs['sender']; receiver: TransferInputs['receiver'] },
  Record<Ends, Verdict>
>({
  ...common(correlatedCost, keysOpened),
  id: 'test/random',
  messages: { ...correlatedMessages('sender', 'receiver'), ...opened },
  security,
  parties: {
    *sender(ctx, parameters) {
      const { zero, one } = yield* randomSend(ctx.narrow('transfers'), 'receiver', parameters)
      yield* ctx.checkpoint()
      yield* ctx.send('sent', join(zero, one))
      const theirs = yield* ctx.receive('received')
      const choices = theirs.slice(0, choiceBytes(parameters))
      return { wrong: firstDifference(select(zero, one, choices), theirs.slice(choices.length)) }
    },
    *receiver(ctx, parameters, { choices }) {
      const keys = yield* randomReceive(ctx.narrow('transfers'), 'sender', parameters, choices)
      yield* ctx.checkpoint()
      yield* ctx.send('received', join(choices, keys))
      const theirs = yield* ctx.receive('sent')
      const half = theirs.length / 2
      return { wrong: firstDifference(select(theirs.slice(0, half), theirs.slice(half), choices), keys) }
    },
  },
})

/** Base transfers. */
export const base = defineProtocol<
  Ends,
  ReturnType<typeof baseMessages<'sender', 'receiver'>> & typeof opened,
  Parameters,
  { sender: TransferInputs['sender']; receiver: TransferInputs['receiver'] },
  Record<Ends, Verdict>
>({
  ...common(({ n, base }) => baseCost(n, base), keysOpened),
  id: 'test/base',
  messages: { ...baseMessages('sender', 'receiver'), ...opened },
  security,
  parties: {
    *sender(ctx, parameters) {
      const { zero, one } = yield* baseSend(ctx.narrow('transfers'), 'receiver', parameters.n, parameters.base)
      yield* ctx.checkpoint()
      yield* ctx.send('sent', join(zero, one))
      const theirs = yield* ctx.receive('received')
      const choices = theirs.slice(0, choiceBytes(parameters))
      return { wrong: firstDifference(select(zero, one, choices), theirs.slice(choices.length)) }
    },
    *receiver(ctx, parameters, { choices }) {
      const keys = yield* baseReceive(ctx.narrow('transfers'), 'sender', parameters.n, choices, parameters.base)
      yield* ctx.checkpoint()
      yield* ctx.send('received', join(choices, keys))
      const theirs = yield* ctx.receive('sent')
      const half = theirs.length / 2
      return { wrong: firstDifference(select(theirs.slice(0, half), theirs.slice(half), choices), keys) }
    },
  },
})
