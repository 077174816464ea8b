/** What the conformance kit is given about a protocol, and one run of it under a fault plan. */
import { createRng, encodeValue, equalBytes, invariant, taggedDigest, toHex, type Value } from '@tallystick/core'
import { referenceEngine, runKernel, type Engine, type Kernel } from '../kernel.ts'
import type { AnyProtocol, Protocol } from '../protocol.ts'
import { simulate, type FrameTrace, type SimulatedJournal, type SimulationResult } from '../simulate.ts'
import type { Hash } from '../transcript.ts'
import { mutator, scheduler, type FaultPlan, type Material } from './faults.ts'

/** Inputs to run a protocol on. Small ones: the matrix of crashes and mutations is quadratic in the frames. */
export interface Case<P, In> {
  readonly name: string
  readonly parameters: P
  readonly inputs: In
  /** Other inputs under the same public parameters: what an observer of the network sees must not change. */
  readonly alternative?: In
  /** What a party's correlation store hands out, from unit `at` on. */
  readonly reserve?: (role: any, correlation: string, at: number, count: number) => Uint8Array
  /**
   * For outputs that are right within a bound: whether a role's output may stand for the ideal one. The clean run is held
   * against it, and all others (crashes, schedules, what is released in spite of a mutation) against the very outputs of
   * the clean run: a party is a function, however rough what it computes.
   */
  readonly equal?: (output: any, ideal: any, role: any) => boolean
}

export interface Options {
  /** Everything random in the kit comes from it; another seed is another campaign. */
  readonly seed?: string
  /** Random schedules a case; 200 unless told. */
  readonly schedules?: number
  /**
   * How many mutations of a case are tried in a run of the suite, and half as many crash points; all unless told. For
   * protocols whose runs take milliseconds: the sample is seeded and leaves out no sender, kind of message or kind of
   * mutation. `npm run conformance` tries all, and 200 schedules.
   */
  readonly sample?: number
  readonly engine?: Engine
  /** SHA-256 of transcripts and of calls that are remembered; worth a native one where frames have megabytes. */
  readonly hash?: Hash
  /** False for a protocol without an output that anyone could learn, such as the making of correlations. */
  readonly opens?: boolean
  /**
   * True for a protocol whose receivers check every frame against what they know: then no mutation may give a wrong
   * output even without the close, where otherwise one must (else the mutations would change nothing).
   */
  readonly verifiable?: boolean
}

/** One protocol under test on one case. */
export interface Subject {
  readonly protocol: AnyProtocol
  readonly case: Case<any, any>
  readonly seed: string
  readonly schedules: number
  readonly sample: number
  readonly opens: boolean
  readonly compute: <I, O>(kernel: Kernel<I, O>, input: I) => O
  readonly hash: Hash | undefined
}

export interface Observation extends SimulationResult<string, Record<string, unknown>> {
  /** What was sent, by {@link frameKey}. */
  readonly bodies: ReadonlyMap<string, Uint8Array>
}

export const frameKey = ({ from, to, step, ordinal }: FrameTrace): string => `${from}>${to}:${step}#${ordinal}`

/** Outputs are plain values (they are committed to), so equal encodings are equal outputs. */
export const sameValue = (a: unknown, b: unknown): boolean =>
  equalBytes(encodeValue(a as Value), encodeValue(b as Value))

/**
 * Kernels are functions, so a matrix of thousands of runs on one case computes each call twice: once for its value and
 * once more, when it comes back, to see that it is a function.
 */
const remember = (engine: Engine, hash: Hash | undefined): Subject['compute'] => {
  const known = new Map<string, { readonly output: Uint8Array; checked: boolean; readonly make: () => unknown }>()
  return <I, O>(kernel: Kernel<I, O>, input: I): O => {
    const given = encodeValue(input as Value)
    const key = kernel.name + toHex(hash?.(given) ?? taggedDigest('tallystick/conformance/kernel/v1', given))
    const before = known.get(key)
    if (before?.checked === true) return before.make() as O
    const output = runKernel(engine, kernel, input)
    const encoded = encodeValue(output as Value)
    if (before === undefined) {
      // A fresh copy for each caller: one may write into what it was given.
      const copy = copier(output as Value)
      known.set(key, { output: encoded, checked: false, make: copy })
      return copy() as O
    }
    invariant(equalBytes(before.output, encoded), `kernel ${kernel.name} is a function of its input`)
    before.checked = true
    return output
  }
}

const copyOf = (value: Value): Value => {
  if (value === null || typeof value !== 'object') return value
  if (ArrayBuffer.isView(value)) return value.slice()
  if (Array.isArray(value)) return value.map(copyOf)
  return Object.fromEntries(Object.entries(value as Record<string, Value>).map(([key, item]) => [key, copyOf(item)]))
}

const copier = (value: Value): (() => Value) => {
  const original = copyOf(value)
  return () => copyOf(original)
}

declare const process: { readonly env: Readonly<Record<string, string | undefined>> } | undefined
/** Set by `npm run conformance`: no check takes less than all that there is to try. */
export const whole = typeof process !== 'undefined' && process.env['TALLY_CONFORMANCE'] === 'whole'
const fullSchedules = 200

export const subjectOf = <R extends string, P, In extends Record<R, unknown>, Out extends Record<R, unknown>>(
  protocol: Protocol<R, any, P, In, Out>,
  test: Case<P, In>,
  options: Options = {},
): Subject => ({
  protocol,
  case: test,
  seed: `${options.seed ?? 'tallystick'}/${protocol.id}/${test.name}`,
  schedules: whole ? Math.max(fullSchedules, options.schedules ?? 0) : (options.schedules ?? fullSchedules),
  sample: whole ? Infinity : (options.sample ?? Infinity),
  opens: options.opens ?? true,
  compute: remember(options.engine ?? referenceEngine, options.hash),
  hash: options.hash,
})

export interface Run {
  readonly plan?: FaultPlan
  readonly journals?: Readonly<Record<string, SimulatedJournal>>
  /** Inputs in place of the case's. */
  readonly inputs?: unknown
  /** Private coins in place of the case's: another session. */
  readonly coins?: string
  /** Frames of the clean run and of another session, which some mutations put in a frame's place. */
  readonly material?: Material
}

export const run = (
  subject: Subject,
  { plan = {}, journals, inputs, coins = 'coins', material }: Run = {},
): Observation => {
  const { protocol, case: test, seed } = subject
  const bodies = new Map<string, Uint8Array>()
  const mutate = plan.mutation === undefined ? undefined : mutator(plan.mutation, material!)
  const result = simulate(protocol, {
    ...(subject.hash !== undefined && { hash: subject.hash }),
    parameters: protocol.parameters(test.parameters),
    inputs: inputs ?? test.inputs,
    rng: (role: string) => createRng(taggedDigest('tallystick/conformance/coins/v1', seed, coins, role)),
    compute: subject.compute,
    fault: {
      ...(plan.crash && { crash: plan.crash }),
      ...(plan.schedule !== undefined && { schedule: scheduler(plan.schedule) }),
      close: plan.close ?? true,
      mutate(frame) {
        bodies.set(frameKey(frame), frame.body.slice())
        return mutate?.(frameKey(frame), frame.body) ?? [frame.body]
      },
    },
    ...(test.reserve && { reserve: test.reserve }),
    ...(journals && { journals }),
  })
  return { ...(result as SimulationResult<string, Record<string, unknown>>), bodies }
}

/** What every run on the case's inputs and coins has to give. */
export const expectedOf = ({ protocol, case: test }: Subject, clean: Observation): any =>
  test.equal === undefined ? protocol.ideal(protocol.parameters(test.parameters), test.inputs) : clean.outputs

/** Frames of the clean run and of a run with other private coins. */
export const materialOf = (subject: Subject): Material => ({
  bodies: run(subject).bodies,
  foreign: run(subject, { coins: 'another session' }).bodies,
})

/** Reproduces a run that a finding names. */
export const runPlan = <R extends string, P, In extends Record<R, unknown>, Out extends Record<R, unknown>>(
  protocol: Protocol<R, any, P, In, Out>,
  test: Case<P, In>,
  plan: FaultPlan,
  options: Options = {},
): Observation => {
  const subject = subjectOf(protocol, test, options)
  return run(subject, { plan, material: materialOf(subject) })
}
