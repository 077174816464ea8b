/** The journals of a job: one encrypted folder an attempt, under the home of the party. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Secret } from '@tallystick/core'
import type { JournalStore } from '@tallystick/session'
import { openJournal } from '@tallystick/session/node'

const prefix = 'attempt-'

export const journalsIn = (folder: string, storageKey: Secret<Uint8Array>): JournalStore => ({
  attempts() {
    if (!existsSync(folder)) return []
    const names = readdirSync(folder).filter((name) => /^attempt-[0-9]+$/.test(name))
    return names.map((name) => Number(name.slice(prefix.length))).sort((a, b) => a - b)
  },
  open(attempt) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    return openJournal({ folder: join(folder, `${prefix}${attempt}`), storageKey })
  },
})
