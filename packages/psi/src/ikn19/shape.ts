/** What both roles share. */
import { TallyError } from '@tallystick/core'
import type { Parameters as Masking } from '../ecdh/messages.ts'
import type { Parameters, Role } from './messages.ts'

/** The steps of `psi/ecdh` that mask sets twice, under its names. */
export const shapeOf = ({ sizes, chunkRows }: Parameters): Masking => ({
  ...{ sizes, chunkRows, output: 'cardinality', to: 'both' },
})

export const peerSent = (peer: Role, found: string, expected: string): TallyError =>
  new TallyError('peer/misbehaved', { peer }, `the ${peer} sent ${found}, expected ${expected}`, {
    remedy: `ask the ${peer} which software it runs: the agreed protocol does not send this; keep the journal`,
  })
