/**
 * Links over a message port: two tabs, or a tab and its worker. As with WebSocket the binding is a digest of a nonce of
 * each side and the session's handshake authenticates; frames never leave the browser.
 */
import { TallyError } from '@tallystick/core'
import type { ByteChannel } from './framed-link.ts'
import type { Link } from './link.ts'
import { createCreditLink, type PeerOptions } from './websocket.ts'

/** What `MessagePort`, `Worker` and a worker's global scope have in common. */
export interface Port {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  addEventListener(type: 'message', listener: (event: MessageEvent) => void): void
  removeEventListener(type: 'message', listener: (event: MessageEvent) => void): void
  /** Ports deliver nothing before it; workers do not have it. */
  start?(): void
  close?(): void
}

/**
 * A link over one end of a port; the peer does the same with the other end. The port is the link's from here on.
 * Resolves when the peer has answered.
 */
export const portLink = async (port: Port, options: PeerOptions = {}): Promise<Link> => {
  const peer = options.peer ?? 'the other end of the port'
  let open = true
  const stop = (): void => {
    if (!open) return
    open = false
    port.removeEventListener('message', listen)
    port.close?.()
  }
  const channel: ByteChannel = {
    write(piece, done) {
      if (!open) return
      // A copy that is transferred: the piece may be a view of what the caller keeps.
      const copy = piece.slice()
      port.postMessage(copy.buffer, [copy.buffer])
      queueMicrotask(done)
    },
    pause() {},
    resume() {},
    // A port has no end of its own; an empty message is it. The port stays up until the other side's end.
    end() {
      if (open) port.postMessage(null, [])
    },
    destroy: stop,
  }
  const framed = createCreditLink(channel, peer, options)
  const listen = ({ data }: MessageEvent): void => {
    if (data === null) framed.ended()
    else if (data instanceof ArrayBuffer) framed.chunk(new Uint8Array(data))
    else framed.ended(new TallyError('decode/malformed', { peer }, 'expected bytes in a message, found something else'))
  }
  port.addEventListener('message', listen)
  port.start?.()
  await framed.ready
  return framed.link
}
