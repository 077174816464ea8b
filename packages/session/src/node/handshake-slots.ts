/** Connections in their handshake: bounded in all, and for each address, so that one cannot take every place. */
export interface HandshakeLimits {
  /** Connections that may be in their handshake at the same time, 64 by default; more are dropped at once. */
  readonly handshakes?: number
  /** Of these from one address, 32 by default. */
  readonly handshakesPerAddress?: number
}

export interface HandshakeSlots {
  /** Gives a function that frees the place, once; undefined where there is none left. */
  take(address: string): (() => void) | undefined
}

export const createHandshakeSlots = ({
  handshakes = 64,
  handshakesPerAddress = 32,
}: HandshakeLimits): HandshakeSlots => {
  const taken = new Map<string, number>()
  let all = 0
  return {
    take(address) {
      const here = taken.get(address) ?? 0
      if (all >= handshakes || here >= handshakesPerAddress) return undefined
      all++
      taken.set(address, here + 1)
      let freed = false
      return () => {
        if (freed) return
        freed = true
        all--
        const left = taken.get(address)! - 1
        if (left === 0) taken.delete(address)
        else taken.set(address, left)
      }
    },
  }
}
