/** Checks of a record against a chain that the auditor chose: its node, and its contracts' addresses. */
import type { Hex } from '@tallystick/core'
import { commitmentsDigest, eventDigest, headsDigest } from '@tallystick/session'
import { jobOf } from './anchoring.ts'
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

/** Whether the anchors fit the record, without asking any chain. */
export const anchorFinding = (subjects: Subjects, anchors: Anchoring): Finding => {
  const { domain } = anchors.deployment
  if (domain !== subjects.terms.domain) return failed('the contracts have another domain than the terms')
  const id = computationId(domain, jobOf(subjects.session, anchors))
  const stray = anchors.entries.find(({ party }) => party !== null && party >= subjects.roles.length)
  if (stray !== undefined) return failed(`an entry names party ${stray.party}, of ${subjects.roles.length}`)
  return holds(id === anchors.computation, id, `the terms give ${id}, the record says ${anchors.computation}`)
}

const sameDeployment = (own: Deployment, claimed: Deployment): boolean =>
  (['domain', 'chainId', 'computationRegistry', 'partyRegistry', 'anchor'] as const).every(
    (key) => String(own[key]).toLowerCase() === String(claimed[key]).toLowerCase(),
  )

/** Who holds a signer's key, by the registry at the auditor's address; throws what the node throws. */
export const registered = async (subjects: Subjects, chain: ChainReader): Promise<ReadonlyMap<string, Finding>> => {
  const findings = new Map<string, Finding>()
  for (const { role, party, signer } of subjects.terms.parties) {
    findings.set(role, registryFinding(subjects, role, signer, await chain.findParty(party)))
  }
  return findings
}

const registryFinding = (
  subjects: Subjects,
  role: string,
  signer: Hex,
  found: RegisteredParty | undefined,
): Finding => {
  const name = subjects.nameOf(role)
  if (found === undefined) return notChecked(`the registry knows no party with the id of ${name}`)
  const key = found.keys.find((one) => one.key === signer && one.purpose === signsEvents && one.algorithm === secp256k1)
  if (key === undefined) return failed(`the registry has no signing key ${signer} for ${name}`)
  const signedAt = subjects.session.agreements.find((item) => item.role === role)?.at
  if (signedAt === undefined) return notChecked(`${name} agreed to nothing`)
  const seconds = BigInt(Math.floor(Date.parse(signedAt) / 1000))
  const valid = key.validFrom <= seconds && (key.validUntil === 0n || seconds < key.validUntil)
  return holds(valid, `the registry lists ${signer} for ${name}`, `the key of ${name} was not valid at ${signedAt}`)
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

const state = ({ session }: Subjects, found: Computation): Finding => {
  const expected = {
    completed: ['Completed'],
    aborted: ['Aborted', 'Failed'],
    open: ['Agreed', 'InputsCommitted', 'Running'],
  }
  if (found.contested) return failed('two different closes were signed: a party signed two statements')
  const fits = expected[session.outcome].includes(found.state)
  return holds(fits, found.state, `the chain says ${found.state}, the record ${session.outcome}`)
}

const committed = ({ session, roles }: Subjects, role: string, found: Computation): Finding => {
  const own = session.commitments.find((item) => item.role === role)
  const there = found.commitments.find((item) => item.party === roles.indexOf(role))
  if (own === undefined || there === undefined)
    return notChecked(`the ${own === undefined ? 'record' : 'chain'} has none`)
  const same = own.input === there.input && own.seed === there.seed && own.coin === there.coin
  return holds(same, `block ${there.at.block}`, 'the chain holds other commitments than the record')
}

const started = ({ session }: Subjects, found: Computation): Finding => {
  const there = found.started
  if (there === undefined || session.checkpoint.length === 0) return notChecked('no checkpoint on the chain')
  const heads = session.checkpoint.map((item) => headsDigest(item.heads))
  const same = there.commitments === commitmentsDigest(session.commitments) && heads.join() === there.heads.join()
  return holds(same, `block ${there.at.block}`, 'the chain holds another checkpoint than the record')
}

const closed = ({ session, terms }: Subjects, found: Computation): Finding => {
  if (session.close === null || found.closeDigest === undefined) return notChecked('no close on the chain')
  const { heads, result, signatures } = session.close
  const digest = eventDigest(terms.domain, {
    kind: 'Close',
    specHash: session.specHash,
    attempt: session.attempt,
    heads,
    result,
  })
  const told = `${found.signed.length} of ${terms.parties.length} signed on the chain, ${signatures.length} in the record`
  return holds(
    digest === found.closeDigest,
    told,
    `the chain holds the close ${found.closeDigest}, the record ${digest}`,
  )
}

/** A block time is an upper bound of when something was signed; clocks may differ by this much. */
const clockSlack = 300

const blockTimes = ({ session, nameOf }: Subjects, found: Computation): Finding => {
  const seconds = (at: string): number => Date.parse(at) / 1000
  const early = session.commitments.find((item, i) => {
    const there = found.commitments.find(({ party }) => party === i)
    return there !== undefined && there.at.time + clockSlack < seconds(item.at)
  })
  if (early !== undefined) return failed(`${nameOf(early.role)} claims to have committed after the block that holds it`)
  const done = found.completed?.at
  const claims = session.close?.signatures.map((item) => seconds(item.at)) ?? []
  if (done !== undefined && claims.some((claim) => claim > done.time + clockSlack)) {
    return failed('a party claims to have signed the end after the block that holds it')
  }
  const times = found.logs.map(({ at }) => at.time)
  if (times.length === 0) return notChecked('nothing on the chain')
  const utc = (time: number): string => new Date(time * 1000).toISOString()
  return passed(`block times ${utc(Math.min(...times))} to ${utc(Math.max(...times))}`)
}

/** Block times are set by validators, to about this many seconds. */
const blockSlack = 15

/**
 * Whether the chain shows that commitments came before the end. It holds entries, not events: a job anchored afterwards
 * has its entries in the right order too, so only a block well before the claimed end says more than the signatures.
 */
const order = ({ session }: Subjects, found: Computation): Finding => {
  const commitments = found.commitments.map(({ at }) => at.time)
  if (session.views.length === 0 || commitments.length === 0) return notChecked('the chain holds no commitments')
  const end = Math.min(...session.views.map((item) => Date.parse(item.at) / 1000))
  return Math.max(...commitments) + blockSlack < end
    ? passed('commitments were on the chain before the claimed end of the run')
    : passed('order: by signatures only, the chain had the commitments too late to say more')
}

export const chainChecks = async (
  subjects: Subjects,
  anchors: Anchoring | null,
  chain: ChainReader,
): Promise<Check[]> => {
  const optional = { level, optional: true }
  const of = (id: string, what: string, role?: string) => ({
    id,
    what,
    ...optional,
    ...(role === undefined ? {} : { role }),
  })
  const job = of('chain-job', 'the computation on the chain')
  if (anchors === null) return [check(job, () => notChecked('the record names no chain'))]
  if (!sameDeployment(chain.deployment, anchors.deployment)) {
    return [check(job, () => failed('the record names other contracts than those that you trust'))]
  }
  let found: Computation | undefined
  try {
    found = await chain.find(anchors.computation)
  } catch (error) {
    return [check(job, () => notChecked(`the chain does not answer: ${(error as Error).message}`))]
  }
  if (found === undefined) return [check(job, () => failed('the chain knows no such computation'))]
  const there = found
  return [
    check(job, () =>
      holds(there.id === anchors.computation, `found as of block ${there.head}`, 'the chain gave another'),
    ),
    check(of('chain-state', 'state on the chain'), () => state(subjects, there)),
    check(of('chain-entries', 'blocks and transactions in the record'), () => entriesFinding(anchors, there)),
    check(of('chain-agreed', 'agreements on the chain'), () => {
      const all = there.agreed.length === subjects.roles.length
      return all
        ? passed('of all parties')
        : notChecked(`of ${there.agreed.length} of ${subjects.roles.length} parties`)
    }),
    ...subjects.roles.map((role) =>
      check(of('chain-commitment', 'commitments on the chain', role), () => committed(subjects, role, there)),
    ),
    check(of('chain-checkpoint', 'checkpoint on the chain'), () => started(subjects, there)),
    check(of('chain-close', 'close on the chain'), () => closed(subjects, there)),
    check(of('chain-times', 'claimed times and block times'), () => blockTimes(subjects, there)),
    check(of('chain-order', 'order of commitments and end'), () => order(subjects, there)),
  ]
}
