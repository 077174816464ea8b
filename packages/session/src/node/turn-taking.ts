/**
 * Waits for a quick answer without going to sleep. Where parties take turns in microseconds (rounds of a program on
 * shares), putting the thread to sleep and waking it costs more than the wait itself: on a virtual machine the processor
 * halts, and the host must bring it back. So for a moment after an answer left the event loop looks at its sockets
 * again and again. All else that waits in the loop runs as ever.
 *
 * A wait that ends without an answer was in vain (a slow peer, a far network, a busy machine): each doubles how many turns
 * go by before the next is tried, up to {@link mostSkipped}, so those lose next to nothing; an answer that was quick,
 * though nobody was awake for it, ends that. Streams do not take turns and
 * never come here; nor does a machine with one processor, where the peer may need it.
 */
import os from 'node:os'

/** What a round of a peer on the same machine takes while its code is still being compiled. */
const patienceMilliseconds = 0.2
const mostSkipped = 256

export interface TurnTaking {
  /** Bytes have left; what comes next is the peer's. */
  sent(): void
  /** Bytes have come. */
  received(): void
  /** The link is gone. */
  stop(): void
}

/** The event loop; another in tests. */
export interface Loop {
  now(): number
  /** Calls after the loop has looked at its sockets once. */
  soon(call: () => void): void
}

const ownLoop: Loop | undefined =
  os.availableParallelism() > 1 ? { now: () => performance.now(), soon: (call) => void setImmediate(call) } : undefined

const silent: TurnTaking = { sent: () => {}, received: () => {}, stop: () => {} }

export const createTurnTaking = (loop = ownLoop): TurnTaking => {
  if (loop === undefined) return silent
  /** Whether anything has come since bytes last left: only then is it a turn. */
  let answered = false
  let waiting = false
  let looking = false
  /** When bytes last left in a turn. */
  let since = -Infinity
  let skip = 0
  let skipped = 0

  const look = (): void => {
    looking = waiting
    if (!waiting) return
    if (loop.now() - since < patienceMilliseconds) {
      loop.soon(look)
      return
    }
    looking = waiting = false
    skip = Math.min(2 * skip + 1, mostSkipped)
    skipped = 0
  }
  return {
    sent() {
      if (!answered) return
      answered = false
      since = loop.now()
      if (skipped < skip) {
        skipped++
        return
      }
      waiting = true
      if (looking) return
      looking = true
      loop.soon(look)
    },
    received() {
      if (answered) return
      answered = true
      waiting = false
      if (loop.now() - since < patienceMilliseconds) skip = 0
    },
    stop() {
      waiting = answered = false
    },
  }
}
