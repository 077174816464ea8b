/**
 * `replay`: whether a party did what it signed. Its evidence is checked against the record, then its program runs again
 * on the committed input, the committed coins and the frames that it received, and must arrive at the heads and at the
 * result that it signed.
 *
 * It shows that this party ran the agreed program on its committed input, and cannot frame an honest party, since
 * everything compared was signed by the party itself. It is covert security (Asharov and Orlandi, 2012): a cheater is
 * found and named after the fact.
 */
import { createRng, encodeValue, fromHex, TallyError, toHex, type Hex, type Value } from '@tallystick/core'
import { referenceEngine, runKernel, type Engine } from '@tallystick/protocol'
import { chainBinding, commitment, jointCoin, resultNonce, sessionSeed, type StepHead } from '@tallystick/session'
import { differingLink, differingSteps, linkDigest, stepHeadsOf } from './chains.ts'
import { check, failed, holds, notChecked, passed, verdictOf, type Check, type Finding } from './checks.ts'
import type { Evidence } from './evidence.ts'
import { evidenceChecks, type ResourceCheck, tilesOf } from './evidence-checks.ts'
import { execute, type Executed, type KernelRunner, type Sample } from './execute.ts'
import { portableSha256, type Sha256 } from './merkle.ts'
import type { Outside, Program } from './program.ts'
import { programsLike } from './programs/load.ts'
import type { AttestedRecord } from './record.ts'
import { reportOf, type AuditReport } from './report.ts'
import { verify, type VerifyOptions } from './verify.ts'
import { subjectsOf, type Subjects } from './verify-session.ts'

export interface ReplayOptions extends VerifyOptions {
  /** Digest of the code that runs here (`codeDigest` of `@tallystick/attestation/node`). */
  readonly code: Hex
  /** Where the fast kernels run: a pool, or {@link engineRunner}. */
  readonly pool: KernelRunner
  /** Rows that the reference computes again, chosen by the auditor after it has the evidence. */
  readonly sample: Sample
  /** What the fast kernels are compared with; the references of the kernel table where absent. */
  readonly referenceEngine?: Engine
  readonly sha256?: Sha256
  /** Checks preprocessed correlations; a party that used any is not replayed to the end without it. */
  readonly resources?: ResourceCheck
  /**
   * Gives what a program reads beside its committed rows, in blocks one after the other; its digest is checked here. A party
   * that read any is not replayed to the end without it.
   */
  readonly outside?: (wanted: Outside) => Promise<readonly Uint8Array[]>
  /** Rows computed by kernels so far, and effects performed. */
  readonly onProgress?: (done: { readonly effects: number; readonly rows: number }) => void
}

/** Kernels in this thread. */
export const engineRunner = (engine: Engine): KernelRunner => ({
  run: (kernel, input) => runKernel(engine, kernel, input),
})

const wrongVersion = (wanted: string, expected: Hex, found: Hex): TallyError =>
  new TallyError('evidence/wrong-version', 'self', `the terms name the code ${expected}, this is ${found}`, {
    remedy: `install Tallystick ${wanted} as it was published, and replay with it`,
  })

/**
 * Replays one party.
 * @throws TallyError evidence/wrong-version where other code runs here than the terms name; api/misuse for a protocol
 *   that is not known here
 */
export const replay = async (
  record: AttestedRecord,
  evidence: Evidence,
  options: ReplayOptions,
): Promise<AuditReport> => {
  const verified = await verify(record, options)
  if (verified.verdict === 'not well-formed') return verified
  const { terms } = record.session
  const { code, package: wanted, id } = terms.protocol
  if (code !== options.code) throw wrongVersion(wanted, code, options.code)
  const known = options.programs ?? (await programsLike(id))
  const program = Object.hasOwn(known, id) ? known[id] : undefined
  if (program === undefined) throw new TallyError('api/misuse', 'self', `${id} cannot be replayed by this program`)

  const subjects = subjectsOf(record.session, terms, known)
  const { resources, sample, pool } = options
  const tiles = sample === 'all' ? undefined : await tilesOf(pool, evidence)
  const absent = program.outside?.(evidence.role, terms.parameters)
  const outside = absent === undefined ? undefined : await options.outside?.(absent)
  const opened = [
    ...evidenceChecks(subjects, evidence, { tiles, resources }),
    ...boundChecks(subjects, evidence, program, options),
    ...(absent === undefined ? [] : [outsideCheck(evidence, absent, outside, options)]),
  ]
  // Without its commitments opened the program would run on something else than what was signed.
  const ready = opened.every(
    ({ id, status }) => status === 'passed' || (id === 'evidence-resources' && status !== 'failed'),
  )
  const executed = ready ? await run(subjects, evidence, program, outside, options) : undefined
  const checks = [...verified.checks, ...opened, ...executionChecks(subjects, evidence, executed, options.sample)]
  return reportOf({ checks, verdict: verdictOf(checks), subjects, replayed: evidence.role })
}

/** Of a program whose parameters name an input by a digest. */
const boundChecks = ({ terms }: Subjects, evidence: Evidence, { bound }: Program, options: ReplayOptions): Check[] => {
  if (bound === undefined) return []
  const { role } = evidence
  const { rows } = evidence.input
  const subject = { id: 'evidence-bound', level, what: 'input as the parameters name it', role } as const
  const find = (): Finding =>
    holds(
      bound(rows, role, terms.parameters, options.sha256 ?? portableSha256),
      'as named',
      'the committed rows are not those whose digest stands in the parameters',
    )
  return [check(subject, find)]
}

/** Of a program that reads something which its committed rows name by a digest alone. */
const outsideCheck = (
  { role }: Evidence,
  wanted: Outside,
  given: readonly Uint8Array[] | undefined,
  { sha256 = portableSha256 }: ReplayOptions,
): Check =>
  check({ id: 'evidence-outside', level, what: `${wanted.what}, which the evidence names by its digest`, role }, () => {
    if (given === undefined)
      return notChecked(`${wanted.bytes} bytes with the digest ${wanted.sha256} were not brought`)
    const bytes = given.reduce((sum, { length }) => sum + length, 0)
    return holds(
      bytes === wanted.bytes && toHex(sha256(...given)) === wanted.sha256,
      `${bytes} bytes, as committed to`,
      `${bytes} bytes were brought that are not those that the digest names`,
    )
  })

interface Ran extends Executed {
  readonly seed: Uint8Array
}

const run = async (
  { session, terms, run: of }: Subjects,
  evidence: Evidence,
  { protocol, input }: Program,
  outside: readonly Uint8Array[] | undefined,
  options: ReplayOptions,
): Promise<Ran> => {
  const shares = session.coins.map(({ share }) => fromHex(share, 32))
  const seed = sessionSeed(fromHex(evidence.seed.value, 32), jointCoin(of, shares), of, evidence.role)
  const read = (): unknown => input(evidence.input.rows, evidence.role, terms.parameters, outside)
  const executed = await execute({
    protocol,
    role: evidence.role,
    parameters: protocol.parameters(terms.parameters),
    read,
    rng: createRng(seed),
    binding: chainBinding(of),
    inbox: evidence.inbox,
    resources: evidence.resources,
    kernels: options.pool,
    reference: engineRunner(options.referenceEngine ?? referenceEngine),
    sample: options.sample,
    onProgress: options.onProgress,
  })
  return { ...executed, seed }
}

const level = 'replayed' as const

/** What was sent on a link, against what the party signed to have sent; names the first step that differs. */
const sentFinding = (
  { run: of, nameOf }: Subjects,
  evidence: Evidence,
  ran: Ran,
  link: { readonly from: string; readonly to: string; readonly digest: Hex },
): Finding => {
  const made = stepHeadsOf(ran.heads)
  if (linkDigest(chainBinding(of), link.from, link.to, made) === link.digest) {
    const frames = made.reduce((sum, one) => (one.from === link.from && one.to === link.to ? sum + one.frames : sum), 0)
    return passed(`${frames} frames, byte for byte`)
  }
  const differ = differingSteps(link, made, evidence.chains.view)
  const order = (step: string): number => {
    const at = ran.sentSteps.indexOf(step)
    return at < 0 ? ran.sentSteps.length : at
  }
  const [step] = differ.toSorted((a, b) => order(a) - order(b))
  const who = nameOf(link.from)
  return failed(
    `${who} did not send to ${nameOf(link.to)} what its program sends on its committed input and coins`,
    step,
  )
}

const endFinding = ({ nameOf }: Subjects, { role }: Evidence, ran: Ran): Finding => {
  if (ran.output !== undefined) return passed('the program ran to its end')
  const reason = ran.error instanceof Error ? ran.error.message : String(ran.error)
  return failed(`on what ${nameOf(role)} shows, its program does not end as signed: ${reason}`)
}

const checkpointFinding = ({ session, run: of }: Subjects, { role }: Evidence, ran: Ran): Finding => {
  const signed = session.checkpoint.find((item) => item.role === role)
  if (ran.openedEarly !== undefined) return failed('an opening message left before the checkpoint', ran.openedEarly)
  if (ran.checkpoint === undefined) {
    return holds(
      signed === undefined,
      'this program has no checkpoint',
      'a checkpoint was signed that the program lacks',
    )
  }
  if (signed === undefined) return failed('the program has a checkpoint that was not signed')
  const apart = differingLink(chainBinding(of), signed.heads, stepHeadsOf(ran.checkpoint))
  if (apart !== undefined) return failed(`the link ${apart.from} to ${apart.to} stood elsewhere than was signed`)
  const grew = ran.checkpoint.every((before) =>
    ran.heads.some(({ from, to, step, frames }) => same({ from, to, step }, before) && frames >= before.frames),
  )
  return holds(grew, 'all heads as signed before the first opening, and the final ones extend them', 'chains shrank')
}
const same = (a: Pick<StepHead, 'from' | 'to' | 'step'>, b: Pick<StepHead, 'from' | 'to' | 'step'>): boolean =>
  a.from === b.from && a.to === b.to && a.step === b.step

const resultFinding = ({ session, run: of, nameOf }: Subjects, { role }: Evidence, ran: Ran): Finding => {
  const signed = session.views.find((item) => item.role === role)
  if (signed === undefined || ran.output === undefined) return notChecked('there is no result to compare')
  const value = encodeValue(ran.output.value as Value)
  const result = commitment('result', of, role, value, resultNonce(ran.seed))
  return holds(result === signed.result, 'as signed', `${nameOf(role)} signed another result than its program returns`)
}

const kernelFinding = ({ recheck }: Ran, sample: Sample): Finding => {
  const { calls, rows, rowsChecked, differs } = recheck
  const choice = sample === 'all' ? '' : `, chosen by the seed ${toHex(sample.seed)}`
  if (differs !== undefined) return failed('the fast kernel and the reference differ on this machine', differs)
  return passed(`${rowsChecked} of ${rows} rows in ${calls} calls computed again by the reference: equal${choice}`)
}

/** The checks of a re-execution; not checked where it did not take place. */
const executionChecks = (subjects: Subjects, evidence: Evidence, ran: Ran | undefined, sample: Sample): Check[] => {
  const { role } = evidence
  const of = (id: string, what: string) => ({ id, level, what, role })
  const on = (find: (ran: Ran) => Finding) => (): Finding =>
    ran === undefined ? notChecked('the evidence is not that of the record, or not whole: nothing was run') : find(ran)
  const signed = subjects.session.views.find((item) => item.role === role)
  const sent = signed?.heads.filter((head) => head.from === role) ?? []
  return [
    ...sent.map((link) =>
      check(
        of('sent', `frames to ${link.to}`),
        on((done) => sentFinding(subjects, evidence, done, link)),
      ),
    ),
    check(
      of('end', 'the program ends'),
      on((done) => endFinding(subjects, evidence, done)),
    ),
    check(
      of('checkpoint-chains', 'chains before the first opening'),
      on((done) => checkpointFinding(subjects, evidence, done)),
    ),
    check(
      of('result', 'own result'),
      on((done) => resultFinding(subjects, evidence, done)),
    ),
    check(
      of('unread', 'every received frame and reserved range is used'),
      on(({ unread, unusedResources, output }) => {
        if (output === undefined) return notChecked('the program did not end')
        const [frame] = unread
        if (frame !== undefined)
          return failed(`frame ${frame.ordinal} from ${frame.from} was never awaited`, frame.step)
        return holds(unusedResources.length === 0, 'all of them', 'a reserved range was never asked for')
      }),
    ),
    check(
      of('kernels', 'sampled rows of the kernels'),
      on((done) => kernelFinding(done, sample)),
    ),
  ]
}
