/**
 * Every frame changed in every way: each party ends with the right output or a typed error, a frame that does not
 * decode is refused by its receiver and blamed on its sender, and no wrong output is released. What the parties came to
 * before the closing comparison counts the wrong outputs that it prevented.
 */
import { equalBytes, TallyError } from '@tallystick/core'
import { expectedOf, frameKey, materialOf, run, sameValue, type Observation, type Subject } from '../case.ts'
import { dice, mutationsOf, mutator, sampleOf, type FaultPlan, type Material, type Mutation } from '../faults.ts'
import { describeError, notebook, type Check } from '../finding.ts'

/** The name of the counter that must not stay at zero over the cases of a protocol. */
export const preventedCount = 'wrong outputs prevented by the close'

const partsOf = (key: string) => {
  const [, from, to, step] = /^(.*?)>(.*?):(.*)#\d+$/.exec(key)!
  return { from: from!, to: to!, message: step!.slice(step!.lastIndexOf('/') + 1) }
}

/** What becomes of a frame: whether its codec refuses it, and what is wrong with the codec itself. */
const decoding = ({ protocol }: Subject, key: string, body: Uint8Array): { refused: boolean; problem?: string } => {
  const { codec } = protocol.messages[partsOf(key).message]!
  if (body.length > codec.maxBytes) return { refused: true }
  try {
    const again = codec.encode(codec.decode(Uint8Array.from(body)))
    return equalBytes(again, body)
      ? { refused: false }
      : { refused: false, problem: 'accepts two encodings of a value' }
  } catch (error) {
    if (error instanceof TallyError && error.area === 'decode') return { refused: true }
    return { refused: true, problem: `refuses a frame with ${describeError(error)}` }
  }
}

/** Whether the party blames the sender for a frame that was none. */
const refuses = (error: unknown, from: string): boolean =>
  error instanceof TallyError &&
  (error.area === 'decode' || error.area === 'peer') &&
  typeof error.blame === 'object' &&
  error.blame.peer === from

/** What no run may do, whatever arrives. */
const endingProblems = ({ protocol }: Subject, { errors, outputs }: Observation): string[] =>
  (protocol.roles as readonly string[]).flatMap((role) => {
    const error = errors[role]
    if (role in outputs && error === undefined) return []
    if (!(error instanceof TallyError)) return [`${role} ended with ${describeError(error)}`]
    const own = error.area === 'invariant' || error.area === 'api'
    return own ? [`a peer's frame made ${role} blame itself: ${describeError(error)}`] : []
  })

const wrongOutputs = ({ protocol }: Subject, expected: any, { outputs }: Pick<Observation, 'outputs'>): string[] =>
  (protocol.roles as readonly string[]).filter((role) => role in outputs && !sameValue(outputs[role], expected[role]))

const changes = (mutation: Mutation, material: Material): boolean => {
  const body = material.bodies.get(mutation.frame)!
  const arrivals = mutator(mutation, material)(mutation.frame, body)!
  return arrivals.length !== 1 || !equalBytes(arrivals[0]!, body)
}

export const checkMutations: Check = (subject) => {
  const { find, count, report } = notebook('mutations')
  const { protocol, seed } = subject
  const clean = run(subject)
  const expected = expectedOf(subject, clean)
  const material = materialOf(subject)
  const beforeCheckpoint = new Set(clean.trace.slice(0, clean.checkpoints[0] ?? 0).map(frameKey))
  const choice = dice(`${seed}/mutations`)

  const attempt = (mutation: Mutation, schedule: string): void => {
    const plan: FaultPlan = { mutation, schedule }
    const closed = run(subject, { plan, material })
    const open = closed.unclosed
    count('mutations')
    for (const problem of endingProblems(subject, closed)) find(problem, plan)
    for (const role of wrongOutputs(subject, expected, closed)) find(`a wrong output of ${role} was released`, plan)
    count(preventedCount, wrongOutputs(subject, expected, open).length)
    for (const role of protocol.roles as readonly string[]) {
      const error = closed.errors[role]
      count(role in closed.outputs ? 'ended with the right output' : `ended with ${(error as TallyError).code ?? '?'}`)
    }
    const { from, to } = partsOf(mutation.frame)
    const arrivals = mutator(mutation, material)(mutation.frame, material.bodies.get(mutation.frame)!)!
    if (arrivals.length === 1) {
      const { refused, problem } = decoding(subject, mutation.frame, arrivals[0]!)
      if (problem !== undefined) find(`the codec of ${mutation.frame} ${problem}`, plan)
      if (refused && !refuses(open.errors[to], from)) {
        const found = to in open.errors ? describeError(open.errors[to]) : 'an output'
        find(`${to} got a frame that does not decode and did not blame ${from}, but ended with ${found}`, plan)
      }
    }
    if (beforeCheckpoint.has(mutation.frame)) {
      count('mutations before the checkpoint')
      if (closed.trace.some((frame) => frame.opening)) find('an opening frame left after a mismatch', plan)
    }
  }
  const all = [...material.bodies.keys()].flatMap((key) =>
    mutationsOf(key, material, choice).map((mutation, i) => ({ mutation, schedule: `${seed}/mutation/${key}/${i}` })),
  )
  // Of a sample: every kind of mutation by every sender, every kind of message over every link, each of them flipped.
  const groupsOf = ({ mutation: { frame, kind } }: (typeof all)[number]): readonly string[] => {
    const { from, to, message } = partsOf(frame)
    const wire = `${from}>${to} ${message}`
    return [`${from} ${kind}`, wire, ...(kind === 'flip' ? [`flipped ${wire}`] : [])]
  }
  const tried = all.filter(({ mutation }) => changes(mutation, material))
  const sample = new Set(sampleOf(tried, subject.sample, groupsOf, dice(`${seed}/mutations/sample`)))
  for (const { mutation, schedule } of sample) attempt(mutation, schedule)
  // Back from the last frames, which carry outputs: at most as many again until one shows what the close is good for.
  const others = tried.filter((each) => !sample.has(each)).toReversed()
  for (const { mutation, schedule } of others.slice(0, subject.sample)) {
    if ((report().counts[preventedCount] ?? 0) > 0) break
    attempt(mutation, schedule)
  }
  return report()
}
