/**
 * Starts the thread behind journal-bodies.ts and hears of its end. A thread that runs out of memory is stopped without a
 * word of its own, and whoever waits for it hears no event, since it stands still: this thread hears it, and tells it.
 */
import { constants } from 'node:os'
import { Worker, workerData } from 'node:worker_threads'
import type { WriterData } from './journal-bodies.ts'

const { ring, control } = workerData as WriterData
/** What the thread itself has told stands. */
const tell = (errno: number): void => {
  Atomics.compareExchange(ring.words, control.failed, 0, -errno)
  for (const word of [control.taken, control.written]) Atomics.notify(ring.words, word)
}
const { ENOMEM, EIO } = constants.errno
// Its garbage is ciphertext outside the heap: a small heap is collected often, and lets go of it early.
const resourceLimits = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64 }
try {
  const thread = new Worker(new URL('./journal-bodies-thread.ts', import.meta.url), { workerData, resourceLimits })
  thread.on('error', (error: NodeJS.ErrnoException) => tell(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? ENOMEM : EIO))
  thread.on('exit', (code) => {
    if (code !== 0) tell(EIO)
  })
} catch {
  tell(EIO)
}
