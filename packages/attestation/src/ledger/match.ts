/** Whether an entry is among the logs of its subject. */
import { TallyError } from '@tallystick/core'
import type { Hex } from '@tallystick/core'
import { eventDigest } from '@tallystick/session/events'
import type { Entry } from './job.ts'
import type { Place, Placed } from './log.ts'

const holds = (signers: readonly number[], wanted: readonly { party: number }[]): boolean =>
  wanted.every(({ party }) => signers.includes(party))

const conflict = (what: string): TallyError =>
  new TallyError('ledger/conflict', 'self', `the ledger holds another ${what} than the one to be recorded`, {
    remedy: 'look at the computation on the ledger: the party in question signed two different statements',
  })

/**
 * @param logs all logs of the entry's computation or root
 * @throws TallyError ledger/conflict if a different entry stands in its place for good
 */
export const matchEntry = (domain: Hex, entry: Entry, logs: readonly Placed[]): Place | undefined => {
  const all = <K extends Placed['kind']>(kind: K) =>
    logs.filter((log): log is Extract<Placed, { kind: K }> => log.kind === kind)
  switch (entry.kind) {
    case 'propose':
      return all('Agreed').find(({ signers }) => holds(signers, entry.agreements))?.at
    case 'commit': {
      const log = all('InputCommitted').find(({ party }) => party === entry.by.party)
      if (log === undefined) return undefined
      if (log.input === entry.input && log.seed === entry.seed && log.coin === entry.coin) return log.at
      throw conflict(`commitment of party ${entry.by.party}`)
    }
    case 'start': {
      const [log] = all('Started')
      if (log === undefined) return undefined
      const same = log.heads.length === entry.heads.length && log.heads.every((head, i) => head === entry.heads[i])
      if (same && log.commitments === entry.commitments) return log.at
      throw conflict('start')
    }
    case 'close': {
      const { specHash, attempt } = entry.job
      const { heads, result } = entry
      const digest = eventDigest(domain, { kind: 'Close', specHash, attempt, heads, result })
      const done = all('Completed').find(
        (log) => log.heads === heads && log.result === result && holds(log.signers, entry.signatures),
      )
      const lost = all('Contested').find((log) => log.closeDigest === digest && holds(log.signers, entry.signatures))
      return (done ?? lost)?.at
    }
    case 'abort': {
      const [log] = all('Aborted')
      if (log === undefined) return undefined
      if (log.party === entry.by.party && log.reason === entry.reason) return log.at
      throw conflict('abort')
    }
    case 'anchor':
      return all('Anchored').find(({ root }) => root === entry.root)?.at
    default:
      throw new TallyError('api/misuse', 'self', 'expected a kind of ledger entry that this version knows')
  }
}
