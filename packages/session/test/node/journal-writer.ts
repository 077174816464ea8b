/** A process that appends until it is killed; it says each entry's number after a `flush` that covers it has returned. */
import fs from 'node:fs'
import { Secret } from '@tallystick/core'
import { openJournal } from '../../src/node/disk-journal.ts'

const [folder, generations, boot] = process.argv.slice(2) as [string, string, string]
const journal = openJournal({ folder, generations, boot, storageKey: Secret.of(new Uint8Array(32).fill(1)) })
process.send!('open')
const bytes = (length: number, seed: number): Uint8Array => new Uint8Array(length).map((_, i) => (i * 31 + seed) & 255)
/** Some are apart, and the thread that writes them takes over in mid-run. */
const sizeOf = (i: number): number => (i % 8 === 7 ? 700_000 : (i * 7919) % 20_000)
const line = (text: string): void => {
  try {
    fs.writeSync(1, text)
  } catch (error) {
    // The pipe is full until the parent reads: say it again.
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    line(text)
  }
}
for (let i = [...journal.keys('receive')].length; ; i++) {
  journal.append('receive', `s#${i}`, bytes(sizeOf(i), i))
  if (i % 16 === 0) journal.markSent()
  if (i % 64 === 0) journal.sync()
  if (i % 3 === 0) continue
  journal.flush()
  line(`${i}\n`)
}
