/** The journals of a job: one encrypted folder an attempt, under the home of the party; numbers are used once. */
import { canonicalBytes } from '@tallystick/core'
import type { JournalStore, Terms } from '@tallystick/session'
import { openJobStore } from '@tallystick/session/node'
import type { Home } from './home.ts'

export const journalsOf = ({ folder, keys: { storageKey } }: Home, terms: Terms): JournalStore =>
  openJobStore({ home: folder, storageKey }).open(canonicalBytes(terms)).journals
