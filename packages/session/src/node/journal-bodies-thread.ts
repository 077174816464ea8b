/**
 * The thread behind journal-bodies.ts. Whoever waits for it stands still and hears no event, so whatever ends it is told
 * in the control words: this file imports nothing of ours before it can tell.
 */
import { workerData } from 'node:worker_threads'
import type { WriterData } from './journal-bodies.ts'

const { ring, control, writer } = workerData as WriterData
let ended = false
/** EIO where the error names nothing else. */
const fail = (errno = -5): void => {
  if (!ended) Atomics.store(ring.words, control.failed, errno)
  ended = true
  for (const word of [control.taken, control.written]) Atomics.notify(ring.words, word)
}
// Also an error that nobody caught, and an exit that nobody asked for.
process.once('exit', () => fail())
try {
  await import(writer)
  ended = true
} catch (error) {
  fail((error as NodeJS.ErrnoException).errno)
}
