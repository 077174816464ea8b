/**
 * Effects: all that a party can ask of the world. A party is a synchronous generator over them; it never sees a
 * socket, clock, promise, thread or ambient randomness, so it is a function of (terms, input, seed, inbox).
 */
import type { Kernel } from './kernel.ts'

/** Where in the protocol text an effect stands: `psi/ecdh/1/masked`. Repeated effects at a step are its ordinals. */
export type Step = string

export type Effect =
  | {
      readonly kind: 'send'
      readonly to: string
      readonly step: Step
      readonly opening: boolean
      readonly body: Uint8Array
    }
  | { readonly kind: 'receive'; readonly from: string; readonly step: Step; readonly maxBytes: number }
  | { readonly kind: 'compute'; readonly step: Step; readonly kernel: Kernel<any, any>; readonly input: unknown }
  /** A one-time range of preprocessed correlations, burned durably before it is handed out. */
  | { readonly kind: 'reserve'; readonly step: Step; readonly correlation: string; readonly count: number }
  /** All parties sign the commitments and all chain heads so far; no opening message leaves before it. */
  | { readonly kind: 'checkpoint'; readonly step: Step }
  | { readonly kind: 'join'; readonly branches: readonly Routine<unknown>[] }

/** One party's side of a protocol, or a part of it. */
export type Routine<T> = Generator<Effect, T, any>
