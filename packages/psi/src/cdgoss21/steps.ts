import type { TripleMessages } from '@tallystick/ot'
import type { Context } from '@tallystick/protocol'
import type { messages } from './messages.ts'

export type Ctx = Context<typeof messages & TripleMessages, any>

export type Outcome =
  /** Ascending rows of the leader's own list. */
  { readonly kind: 'rows'; readonly rows: Uint32Array } | { readonly kind: 'none' }
