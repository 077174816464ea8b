/** What a protocol states about itself, and the types that keep a role from sending what it does not own. */
import type { Codec, Rng } from '@tallystick/core'
import type { Routine, Step } from './effects.ts'
import type { Kernel } from './kernel.ts'

/**
 * One entry of a protocol's message table. `each` stands for every role: the call then names the peer. The same
 * message may be sent many times at a step, as the chunks of one large message; chunk i is matched with chunk i.
 */
export interface MessageSpec<From extends string, To extends string, T> {
  readonly from: From
  readonly to: To
  readonly codec: Codec<T>
  /** True for the first messages from which anything about an output can be learned: they wait for the checkpoint. */
  readonly opening: boolean
}

export const message = <const From extends string, const To extends string, T>(
  from: From,
  to: To,
  codec: Codec<T>,
): MessageSpec<From, To, T> => ({ from, to, codec, opening: false })

/** A message that opens something: the driver refuses to send it before a {@link Context.checkpoint}. */
export const opening = <const From extends string, const To extends string, T>(
  from: From,
  to: To,
  codec: Codec<T>,
): MessageSpec<From, To, T> => ({ from, to, codec, opening: true })

export type Messages = Readonly<Record<string, MessageSpec<string, string, any>>>

type Matches<R extends string, Side extends string> = Side extends 'each' ? true : R extends Side ? true : false
export type Sent<M extends Messages, R extends string> = {
  [K in keyof M & string]: true extends Matches<R, M[K]['from']> ? K : never
}[keyof M & string]
export type Received<M extends Messages, R extends string> = {
  [K in keyof M & string]: true extends Matches<R, M[K]['to']> ? K : never
}[keyof M & string]
export type ValueOf<S> = S extends MessageSpec<string, string, infer T> ? T : never
type Peer<Side extends string> = Side extends 'each' ? [peer: string] : []

type Branches<M extends Messages, R extends string> = readonly ((ctx: Context<M, R>) => Routine<unknown>)[]
type Results<T> = { -readonly [K in keyof T]: T[K] extends (ctx: never) => Routine<infer O> ? O : never }

/** A party's view of the world at one step. Every method but `narrow` is a routine: call it with `yield*`. */
export interface Context<M extends Messages, R extends string> {
  readonly role: R
  readonly peers: readonly string[]
  /** Private coins of this step: a stream of its own, whatever the schedule. */
  readonly rng: Rng
  send<K extends Sent<M, R>>(name: K, value: ValueOf<M[K]>, ...to: Peer<M[K]['to']>): Routine<void>
  receive<K extends Received<M, R>>(name: K, ...from: Peer<M[K]['from']>): Routine<ValueOf<M[K]>>
  compute<I, O>(kernel: Kernel<I, O>, input: I): Routine<O>
  /** `count` units of a preprocessed correlation, as the flat bytes that its maker stored. Outside of any `join`. */
  reserve(correlation: string, count: number): Routine<Uint8Array>
  /** Once, outside of any `join`, by all roles, before the first opening message. */
  checkpoint(): Routine<void>
  /** Runs branches concurrently, each on the context it is given; results in argument order, whatever the schedule. */
  join<const T extends Branches<M, R>>(...branches: T): Routine<Results<T>>
  /** The same party one level deeper, at a step of lower-case words; a name is used once under its parent. */
  narrow(step: Step): Context<M, R>
}

export interface Security {
  readonly adversary: 'semi-honest' | 'malicious'
  /** How many parties may be corrupt together. */
  readonly corruptions: number
  /** Computational security in bits. */
  readonly computational: number
  /** Statistical security in bits. */
  readonly statistical: number
  readonly assumptions: readonly string[]
  /** What a party gains that learns its output and then refuses to sign the close. */
  readonly refusal: string
}

/** Exact cost of a run under given public parameters; the conformance kit compares it with what was measured. */
export interface Cost {
  /** Longest chain of messages each waiting for the one before. */
  readonly rounds: number
  /** Codec payload of all messages, before framing. */
  readonly bytes: number
  /** Bytes of private coins by role. */
  readonly coins: Readonly<Record<string, number>>
  /** Units of each correlation, summed over the roles. */
  readonly correlations: Readonly<Record<string, number>>
  /**
   * Present where values that the protocol opens decide, such as the comparisons of a quicksort: what is expected over
   * its coins. Rounds and bytes are then bounds.
   */
  readonly expected?: { readonly rounds: number; readonly bytes: number }
}

export interface Party<M extends Messages, R extends string, P, I, O> {
  (ctx: Context<M, R>, parameters: P, input: I): Routine<O>
}

/**
 * A protocol. `P` are its public parameters (sizes, output mode): they stand in the signed terms as JSON and decide the
 * cost and the sizes and order of all frames.
 */
export interface Protocol<
  R extends string,
  M extends Messages,
  P,
  In extends Record<R, unknown>,
  Out extends Record<R, unknown>,
> {
  /** `family/paper`. */
  readonly id: string
  readonly version: number
  readonly roles: readonly R[]
  readonly messages: M
  readonly security: Security
  /** What each role learns beyond its output. */
  readonly leakage: Readonly<Record<R, string>>
  /**
   * The most attempts that terms may allow; any number unless told. 1 where values are opened before the checkpoint,
   * or a number tells rows by its difference to another: who aborts after the opening gains another trial by each attempt.
   */
  readonly attempts?: number
  /** The roles that get an output, where that is always the same and parameters do not say it as `to`: terms must name these. */
  readonly receivers?: readonly R[]
  /** Checks what the terms say; throws TallyError terms/malformed for anything that this protocol cannot run. */
  readonly parameters: (value: unknown) => P
  readonly cost: (parameters: P) => Cost
  /** The ideal functionality: what a trusted third party would return. */
  readonly ideal: (parameters: P, inputs: In) => Out
  readonly parties: { readonly [K in R]: Party<M, K, P, In[K], Out[K]> }
}

/** Infers and checks; returns its argument. */
export const defineProtocol = <
  const R extends string,
  const M extends Messages,
  P,
  In extends Record<R, unknown>,
  Out extends Record<R, unknown>,
>(
  protocol: Protocol<R, M, P, In, Out>,
): Protocol<R, M, P, In, Out> => protocol

/** A protocol whose types are forgotten: what drivers, the session and the auditor work with. */
export type AnyProtocol = Protocol<any, any, any, any, any>
