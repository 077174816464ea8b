import { flatRows, flatWords32 } from '@tallystick/core'
import { message } from '@tallystick/protocol'
import { correlatedMessages } from '../extension/messages.ts'

/** 4 MiB a frame. */
export const maxFrameWords = 2 ** 20

/** Any two roles can run the blocks of this folder and of `gmw`; both ends send both ways. */
export const tripleMessages = {
  ...correlatedMessages('each', 'each'),
  /** What turns random transfers into correlated ones over Z_2^64, low bytes only where only these count. */
  otProducts: message('each', 'each', flatRows(1, 4 * maxFrameWords)),
  /** Masked operands of AND gates. */
  gmwMasked: message('each', 'each', flatWords32(maxFrameWords)),
} as const

export type TripleMessages = typeof tripleMessages
