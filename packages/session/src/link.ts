/**
 * Links and transports: authenticated, ordered frames between two parties. Nothing here knows a protocol. Frames are
 * pushed, not pulled, so a frame costs no promise; back-pressure is `send` answering false and `pause`.
 */
import type { Hex, TallyError } from '@tallystick/core'

export interface Frame {
  /** `control` frames belong to the session (handshake, signatures, close), `message` frames to the protocol. */
  readonly channel: 'control' | 'message'
  readonly step: string
  readonly ordinal: number
  readonly body: Uint8Array
}

export interface LinkReceiver {
  /** The body is the receiver's to keep; a small one may be a view of memory with others. */
  frame(frame: Frame): void
  /** Once, as the last call; `undefined` for a clean end by the peer. */
  closed(error: TallyError | undefined): void
}

export interface Link {
  /** What the transport authenticated: SHA-256 of the peer's TLS public key (SPKI), where there is one. */
  readonly peerKey: Hex | undefined
  /** 32 bytes, equal at both ends and unique to this connection: the TLS exporter, or a nonce exchange in memory. */
  readonly binding: Uint8Array
  /** Bytes that this side has sent and received on the wire so far. */
  readonly traffic: { readonly sent: number; readonly received: number }
  /** Queues a frame. False: above the high-water mark, await {@link Link.drained} before sending more. */
  send(frame: Frame): boolean
  /** Resolves at once when there is room; rejects when the link is closed. */
  drained(): Promise<void>
  /** Frames that arrived earlier are delivered first. */
  receive(receiver: LinkReceiver): void
  pause(): void
  resume(): void
  /** Flushes what is queued, then ends; with a reason, tells the peer its code before the end. Idempotent. */
  close(reason?: TallyError): Promise<void>
}

export interface LinkLimits {
  /** The largest frame that is accepted, body and header. */
  readonly frameBytes: number
  /** High-water mark of what is queued to be sent. */
  readonly queuedBytes: number
  /** The longest silence within a started frame, and of a handshake, in milliseconds. */
  readonly stallMilliseconds: number
}

export const defaultLinkLimits: LinkLimits = {
  frameBytes: 8 * 1024 * 1024,
  queuedBytes: 4 * 1024 * 1024,
  stallMilliseconds: 20_000,
}

export interface Listener {
  readonly port: number
  close(): Promise<void>
}
