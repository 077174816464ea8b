/** Progress of a session for people: phases as they begin, frames and bytes now and then. */
import type { AnyProtocol } from '@tallystick/protocol'
import type { Clock } from './clock.ts'
import type { DriveStatistics } from './drive.ts'
import type { Terms } from './terms.ts'

export type Phase = 'connecting' | 'handshake' | 'committing' | 'running' | 'checkpoint' | 'closing' | 'closed'

export interface Progress extends Readonly<DriveStatistics> {
  readonly phase: Phase
  readonly attempt: number | undefined
  /** Payload of all messages of all parties, as the protocol declares it. */
  readonly declaredBytes: number
  /** Payload bytes that this party sent and received a second, over the run or since the resume. */
  readonly bytesPerSecond: number
}

export interface Reporter {
  phase(phase: Phase, attempt: number | undefined): void
  /** For every frame: reports not more often than a person can read. */
  frame(statistics: DriveStatistics): void
}

const millisecondsBetween = 100
/** The clock is read now and then only: a frame costs microseconds. */
const framesPerLook = 16

const nothing: DriveStatistics = { framesSent: 0, framesReceived: 0, bytesSent: 0, bytesReceived: 0, step: '' }

export const createReporter = (
  protocol: AnyProtocol,
  terms: Terms,
  clock: Clock,
  tell: ((progress: Progress) => void) | undefined,
): Reporter => {
  if (tell === undefined) return { phase: () => {}, frame: () => {} }
  const declaredBytes = protocol.cost(protocol.parameters(terms.parameters)).bytes
  let phase: Phase = 'connecting'
  let attempt: number | undefined
  let statistics = nothing
  let frames = 0
  let began: number | undefined
  let last = 0
  let bytesPerSecond = 0
  const report = (): void => {
    last = clock.now()
    const bytes = statistics.bytesSent + statistics.bytesReceived
    // The rate of the run stays as it was when the run ended.
    if (phase === 'running' && began !== undefined && last > began) bytesPerSecond = (1000 * bytes) / (last - began)
    tell({ ...statistics, phase, attempt, declaredBytes, bytesPerSecond })
  }
  return {
    phase(next, number) {
      phase = next
      attempt = number
      if (next === 'committing') statistics = nothing
      if (next === 'committing') began = undefined
      if (next === 'running') began ??= clock.now()
      report()
    },
    frame(now) {
      statistics = now
      if (frames++ % framesPerLook === 0 && clock.now() - last >= millisecondsBetween) report()
    },
  }
}
