/** The jobs of a party: an encrypted journal for each attempt; the number of an attempt is used once on a machine. */
import { canonicalBytes } from '@tallystick/core'
import { specHash, type Terms } from '@tallystick/session'
import { openJobStore, type AttemptInfo, type Job as StoredJob, type JobStore } from '@tallystick/session/node'
import type { Home } from './home.ts'

export const jobsOf = ({ folder, keys: { storageKey } }: Home): JobStore => openJobStore({ home: folder, storageKey })

/** Made where it is not there yet. */
export const storedJob = (home: Home, terms: Terms): StoredJob => jobsOf(home).open(canonicalBytes(terms))

/** The attempt that was begun last, if any was. */
export const lastAttempt = (home: Home, terms: Terms): AttemptInfo | undefined =>
  jobsOf(home).find(specHash(terms))?.attempts().at(-1)

/** Whether the last attempt can still be finished, or is: what is begun may end after the expiry of the terms. */
export const isBegun = (last: AttemptInfo | undefined): boolean => last?.state === 'running' || last?.state === 'closed'
