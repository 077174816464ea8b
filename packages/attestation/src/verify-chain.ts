/** Checks of a record against a chain that the auditor chose: its node, and its contracts' addresses. */
import type { Hex } from '@tallystick/core'
import { commitmentsDigest, eventDigest, headsDigest, type SignedClose, type Terms } from '@tallystick/session'
import { jobOf, type AnchorChoices } from './anchoring.ts'
import { check, failed, holds, notChecked, passed, type Check, type Finding } from './checks.ts'
import type { Deployment } from './ledger/deploy.ts'
import { computationId } from './ledger/job.ts'
import type { Computation, Ledger, RegisteredParty } from './ledger/ledger.ts'
import type { Placed } from './ledger/log.ts'
import type { Anchoring } from './record.ts'
import type { Subjects } from './verify-session.ts'

/** What `verify` reads of a ledger. The deployment is the auditor's own knowledge, not the record's. */
export interface ChainReader extends Pick<Ledger, 'find' | 'findParty'> {
  readonly deployment: Deployment
}

const level = 'consistent' as const
const secp256k1 = 1
const signsEvents = 1

/**
 * What a job says beside its terms. A signature on the chain binds the terms and not these, so whoever signed anything can
 * make a second job of the same attempt by another choice, and say something else there: only choices that follow from
 * the terms count, and all of them are looked at.
 */
const choicesOf = ({ expires }: Terms): readonly Required<AnchorChoices>[] =>
  [0, Math.floor(Date.parse(expires) / 1000)].flatMap((deadline) => [
    { registered: false, deadline },
    { registered: true, deadline },
  ])

/** Whether the anchors fit the record, without asking any chain. */
export const anchorFinding = (subjects: Subjects, anchors: Anchoring): Finding => {
  const { domain } = anchors.deployment
  if (domain !== subjects.terms.domain) return failed('the contracts have another domain than the terms')
  const id = computationId(domain, jobOf(subjects.session, anchors))
  if (!choicesOf(subjects.terms).some(({ deadline }) => deadline === anchors.deadline))
    return failed(`the job on the chain ends at ${anchors.deadline}, which the terms do not say`)
  const stray = anchors.entries.find(({ party }) => party !== null && party >= subjects.roles.length)
  if (stray !== undefined) return failed(`an entry names party ${stray.party}, of ${subjects.roles.length}`)
  return holds(id === anchors.computation, id, `the terms give ${id}, the record says ${anchors.computation}`)
}

const sameDeployment = (own: Deployment, claimed: Deployment): boolean =>
  (['domain', 'chainId', 'computationRegistry', 'partyRegistry', 'anchor'] as const).every(
    (key) => String(own[key]).toLowerCase() === String(claimed[key]).toLowerCase(),
  )

/** The computation on the chain, where it is there. */
export interface Located {
  readonly finding: Finding
  readonly found?: Computation
  /** Other jobs of the same attempt. */
  readonly others?: readonly Computation[]
}

/**
 * Looks for the computation by the ids that the terms give. A record that names no chain (it was made before, or somebody
 * took the anchors away) is looked up as well.
 */
export const locate = async (
  { session, terms }: Subjects,
  anchors: Anchoring | null,
  { deployment, find }: ChainReader,
): Promise<Located> => {
  if (deployment.domain.toLowerCase() !== terms.domain)
    return { finding: failed('the contracts that you trust have another domain than the terms') }
  if (anchors !== null && !sameDeployment(deployment, anchors.deployment))
    return { finding: failed('the record names other contracts than those that you trust') }
  try {
    const ids = new Set(choicesOf(terms).map((choices) => computationId(terms.domain, jobOf(session, choices))))
    const named = anchors === null ? undefined : computationId(terms.domain, jobOf(session, anchors))
    const jobs = new Map<Hex, Computation>()
    let another = false
    for (const id of named === undefined ? ids : ids.add(named)) {
      const found = await find(id)
      if (found?.id === id) jobs.set(id, found)
      else if (found !== undefined && id === named) another = true
    }
    const found = named === undefined ? [...jobs.values()][0] : jobs.get(named)
    const others = [...jobs.values()].filter((job) => job !== found)
    if (found !== undefined) {
      const unnamed = anchors === null ? ', although the record names no chain' : ''
      return { finding: passed(`found as of block ${found.head}${unnamed}`), found, others }
    }
    if (another) return { finding: failed('the chain gave another') }
  } catch (error) {
    return { finding: notChecked(`the chain does not answer: ${(error as Error).message}`) }
  }
  return {
    finding:
      anchors === null
        ? notChecked('the record names no chain, and the chain knows no job of these terms')
        : failed('the chain knows no such computation'),
  }
}

/**
 * Who holds a signer's key, by the registry at the auditor's address; throws what the node throws.
 * @param now milliseconds since the epoch, by the auditor's clock
 */
export const registered = async (
  subjects: Subjects,
  { found }: Located,
  chain: ChainReader,
  now: number,
): Promise<ReadonlyMap<string, Finding>> => {
  const findings = new Map<string, Finding>()
  for (const [i, { role, party, signer }] of subjects.terms.parties.entries()) {
    const agreed = found?.logs.find((log) => log.kind === 'Agreed' && log.signers.includes(i))?.at.time
    const times = { now: BigInt(Math.floor(now / 1000)), agreed: agreed === undefined ? undefined : BigInt(agreed) }
    findings.set(role, registryFinding(subjects.nameOf(role), signer, await chain.findParty(party), times))
  }
  return findings
}

/**
 * Whether the key was valid when its party signed. The time in a record is only a claim, so whoever holds a key that was
 * revoked could claim an earlier one: a signature is older than the end of its key where that end is still to come, or
 * where a block from before the end holds it.
 * @param times Unix seconds: of the auditor's clock, and of the block that first held the party's agreement
 */
const registryFinding = (
  name: string,
  signer: Hex,
  found: RegisteredParty | undefined,
  { now, agreed }: { readonly now: bigint; readonly agreed: bigint | undefined },
): Finding => {
  if (found === undefined) return notChecked(`the registry knows no party with the id of ${name}`)
  const key = found.keys.find((one) => one.key === signer && one.purpose === signsEvents && one.algorithm === secp256k1)
  if (key === undefined) return failed(`the registry has no signing key ${signer} for ${name}`)
  if (key.validFrom > now) return failed(`the key of ${name} is not valid yet`)
  if (key.validUntil === 0n || now < key.validUntil) return passed(`the registry lists ${signer} for ${name}`)
  const utc = new Date(Number(key.validUntil) * 1000).toISOString()
  if (agreed !== undefined && agreed < key.validUntil)
    return passed(`the registry listed ${signer} for ${name} until ${utc}, and a block from before holds its agreement`)
  return notChecked(`the key of ${name} ended at ${utc}, and no block from before holds its agreement`)
}

const placesOf = (log: Placed): string =>
  `${log.at.block} ${log.at.blockHash} ${log.at.transaction} ${log.at.time}`.toLowerCase()

/** Logs that an entry of the record may point at. */
const kinds = {
  propose: 'Agreed',
  commit: 'InputCommitted',
  start: 'Started',
  close: 'Completed',
  abort: 'Aborted',
  anchor: 'Anchored',
} as const

const entriesFinding = (anchors: Anchoring, { logs }: Computation): Finding => {
  const lost = anchors.entries.find(
    ({ kind, party, at }) =>
      !logs.some(
        (log) =>
          log.kind === kinds[kind] &&
          placesOf(log) === placesOf({ ...log, at }) &&
          (party === null || ('party' in log ? log.party === party : 'signers' in log && log.signers.includes(party))),
      ),
  )
  if (lost === undefined) return passed(`${anchors.entries.length} entries where the record says they are`)
  return failed(`the chain has no ${kind(lost)} in block ${lost.at.block}, transaction ${lost.at.transaction}`)
}
const kind = (entry: Anchoring['entries'][number]): string =>
  entry.party === null ? `"${entry.kind}"` : `"${entry.kind}" of party ${entry.party}`

const closeDigestOf = ({ session, terms }: Subjects, { heads, result }: Pick<SignedClose, 'heads' | 'result'>): Hex => {
  const { specHash, attempt } = session
  return eventDigest(terms.domain, { kind: 'Close', specHash, attempt, heads, result })
}

/** Every close that the chain ever held, with the parties that signed it there. */
const closesOf = (subjects: Subjects, { logs }: Computation) =>
  logs.flatMap((log) => {
    if (log.kind === 'Contested') return [{ digest: log.closeDigest, signers: log.signers }]
    return log.kind === 'Completed' ? [{ digest: closeDigestOf(subjects, log), signers: log.signers }] : []
  })

/**
 * What to say where parties signed something else on the chain than the record has. Anyone can add to a chain what it
 * signed, so what the record's own party did not sign there cannot make its record false: where the signers have signed
 * the record's version too, they are the ones who told two stories.
 * @param signers of what the chain holds
 * @param same those who signed the record's version
 */
const contradiction = (
  { session, nameOf }: Subjects,
  what: string,
  signers: readonly string[],
  same: readonly string[],
): Finding => {
  const who = signers.map(nameOf).join(' and ')
  if (signers.includes(session.role)) return failed(`the chain holds another ${what} than the record, signed by ${who}`)
  if (signers.every((role) => same.includes(role)))
    return notChecked(`against ${who}: signed another ${what} on the chain than in this record; keep both`)
  return failed(
    `the chain holds another ${what}, signed by ${who}: ask for the record of ${who}, and compare the views`,
  )
}

const behind: readonly string[] = ['Proposed', 'Agreed', 'InputsCommitted', 'Running', 'Failed']

const state = (subjects: Subjects, found: Computation): Finding => {
  const { session, roles, nameOf } = subjects
  const told = `the chain says ${found.state}, the record ${session.outcome}`
  const own = session.close === null ? undefined : closeDigestOf(subjects, session.close)
  const standing = (found.completed?.signers ?? []).map((i) => roles[i]!)
  if (session.outcome === 'completed') {
    const signed = session.close?.signatures.map(({ role }) => role) ?? []
    const other = closesOf(subjects, found).find(({ digest }) => digest !== own && digest !== found.closeDigest)
    if (other !== undefined)
      return contradiction(
        subjects,
        'close',
        other.signers.map((i) => roles[i]!),
        signed,
      )
    if (found.state === 'Completed') return passed(found.state)
    if (behind.includes(found.state)) return notChecked(`${told}: the end is not there yet`)
    const by = roles[found.aborted?.party ?? -1]
    if (by === undefined || by === session.role) return failed(told)
    return notChecked(
      `against ${nameOf(by)}: it ${signed.includes(by) ? 'signed the end and' : ''} aborted on the chain`,
    )
  }
  const expected = session.outcome === 'aborted' ? ['Aborted', 'Failed'] : ['Agreed', 'InputsCommitted', 'Running']
  if (expected.includes(found.state)) return passed(found.state)
  if (behind.includes(found.state)) return notChecked(told)
  const ended = found.state === 'Aborted' ? [roles[found.aborted?.party ?? -1]] : standing
  // What others say alone on the chain is theirs; what this record's party said there belongs into its record.
  return ended.includes(session.role) || ended.length === 0
    ? failed(told)
    : notChecked(`${told}, which this record's party did not sign`)
}

const committed = (subjects: Subjects, role: string, found: Computation): Finding => {
  const { session, roles } = subjects
  const own = session.commitments.find((item) => item.role === role)
  const there = found.commitments.find((item) => item.party === roles.indexOf(role))
  if (there === undefined) return notChecked('the chain has none')
  if (own === undefined) {
    const lacks = 'the chain has them, the record does not'
    return session.outcome === 'completed' ? failed(lacks) : notChecked(lacks)
  }
  const same = own.input === there.input && own.seed === there.seed && own.coin === there.coin
  return same ? passed(`block ${there.at.block}`) : contradiction(subjects, 'commitment', [role], [role])
}

/** A start bears the signatures of all parties, so that of the record's own party as well. */
const started = (subjects: Subjects, found: Computation): Finding => {
  const { session, roles, nameOf } = subjects
  const there = found.started
  if (there === undefined) return notChecked('no checkpoint on the chain')
  const all = session.commitments.length === roles.length
  if (all && there.commitments !== commitmentsDigest(session.commitments))
    return failed('the chain holds a checkpoint over other commitments than the record')
  const headsOf = (role: string) => session.checkpoint.find((item) => item.role === role)?.heads
  const differs = roles.filter((role, i) => {
    const heads = headsOf(role)
    return heads !== undefined && headsDigest(heads) !== there.heads[i]
  })
  if (differs.length > 0) return contradiction(subjects, 'checkpoint', differs, differs)
  const lacking = roles.find((role) => headsOf(role) === undefined)
  if (lacking === undefined) return passed(`block ${there.at.block}`)
  const lacks = `the chain has the checkpoint of ${nameOf(lacking)}, the record does not`
  return session.outcome === 'completed' ? failed(lacks) : notChecked(lacks)
}

const closed = (subjects: Subjects, found: Computation): Finding => {
  const { session, roles } = subjects
  if (session.close === null || found.closeDigest === undefined) return notChecked('no close on the chain')
  const signed = session.close.signatures.map(({ role }) => role)
  const told = `${found.signed.length} of ${roles.length} signed on the chain, ${signed.length} in the record`
  if (closeDigestOf(subjects, session.close) === found.closeDigest) return passed(told)
  return contradiction(
    subjects,
    'close',
    found.signed.map((i) => roles[i]!),
    signed,
  )
}

/** A block time is an upper bound of when something was signed; clocks may differ by this much. */
const clockSlack = 300

/** Where a claim and a block differ the block counts: claims are signed by nobody, and fail nothing. */
const blockTimes = ({ session, nameOf }: Subjects, found: Computation): Finding => {
  const seconds = (at: string): number => Date.parse(at) / 1000
  const times = found.logs.map(({ at }) => at.time)
  if (times.length === 0) return notChecked('nothing on the chain')
  const utc = (time: number): string => new Date(time * 1000).toISOString()
  const told = `block times ${utc(Math.min(...times))} to ${utc(Math.max(...times))}`
  const early = session.commitments.find((item, i) => {
    const there = found.commitments.find(({ party }) => party === i)
    return there !== undefined && there.at.time + clockSlack < seconds(item.at)
  })
  if (early !== undefined)
    return passed(`${told}; not as ${nameOf(early.role)} claims: it committed before the block that holds it`)
  const done = found.completed?.at
  const late = session.close?.signatures.find((item) => done !== undefined && seconds(item.at) > done.time + clockSlack)
  if (late !== undefined)
    return passed(`${told}; not as ${nameOf(late.role)} claims: it signed the end before the block that holds it`)
  return passed(told)
}

/** Block times are set by validators, to about this many seconds. */
const blockSlack = 15

/**
 * Whether the chain shows that commitments came before the end. It holds entries, not events: a job anchored afterwards
 * has its entries in the right order too, so only a block well before the claimed end says more than the signatures.
 */
const order = ({ session, nameOf }: Subjects, found: Computation): Finding => {
  const commitments = found.commitments.map(({ at }) => at.time)
  if (session.views.length === 0 || commitments.length === 0) return notChecked('the chain holds no commitments')
  const end = Math.min(...session.views.map((item) => Date.parse(item.at) / 1000))
  return Math.max(...commitments) + blockSlack < end
    ? passed(`commitments were on the chain before the end of the run, as ${nameOf(session.role)} recorded it`)
    : passed('order: by signatures only, the chain had the commitments too late to say more')
}

/** What parties say in other jobs of the attempt must not be another story either. */
const elsewhere = (subjects: Subjects, others: readonly Computation[]): Finding => {
  const findings = others.flatMap((other) => [
    state(subjects, other),
    started(subjects, other),
    closed(subjects, other),
    ...subjects.roles.map((role) => committed(subjects, role, other)),
  ])
  const wrong =
    findings.find(({ status }) => status === 'failed') ?? findings.find(({ detail }) => detail.startsWith('against '))
  if (wrong !== undefined) return { ...wrong, detail: `${wrong.detail} (in another job of this attempt)` }
  return passed(others.length === 0 ? 'none' : `${others.length}, which say nothing else`)
}

export const chainChecks = (
  subjects: Subjects,
  anchors: Anchoring | null,
  { finding, found, others = [] }: Located,
): Check[] => {
  const optional = { level, optional: true }
  const of = (id: string, what: string, role?: string) => ({
    id,
    what,
    ...optional,
    ...(role === undefined ? {} : { role }),
  })
  const job = check(of('chain-job', 'the computation on the chain'), () => finding)
  if (found === undefined) return [job]
  return [
    job,
    check(of('chain-state', 'state on the chain'), () => state(subjects, found)),
    check(of('chain-entries', 'blocks and transactions in the record'), () =>
      anchors === null ? notChecked('the record names none') : entriesFinding(anchors, found),
    ),
    check(of('chain-agreed', 'agreements on the chain'), () => {
      const all = found.agreed.length === subjects.roles.length
      return all
        ? passed('of all parties')
        : notChecked(`of ${found.agreed.length} of ${subjects.roles.length} parties`)
    }),
    ...subjects.roles.map((role) =>
      check(of('chain-commitment', 'commitments on the chain', role), () => committed(subjects, role, found)),
    ),
    check(of('chain-checkpoint', 'checkpoint on the chain'), () => started(subjects, found)),
    check(of('chain-close', 'close on the chain'), () => closed(subjects, found)),
    check(of('chain-others', 'other jobs of this attempt on the chain'), () => elsewhere(subjects, others)),
    check(of('chain-times', 'claimed times and block times'), () => blockTimes(subjects, found)),
    check(of('chain-order', 'order of commitments and end'), () => order(subjects, found)),
  ]
}
