/**
 * What one party knows, shared by it: component k + 2 is zero, component k + 1 comes from the key that the dealer k has
 * with the next party, and component k, the difference, is the one message. The party k + 2 sees a value masked by a
 * stream that it does not know, the party k + 1 nothing.
 */
import type { Routine } from '@tallystick/protocol'
import type { Components, Index, Party } from './party.ts'
import { after, roleOf } from './party.ts'
import { expandPlace } from './multiply.ts'
import { transfer, vector } from './transfer.ts'

/** `value` at the dealer, ignored at the others; `minus` in the group that the vector lives in. One round. */
export function* deal(
  party: Party,
  dealer: Index,
  words: number,
  value: Uint32Array | undefined,
  minus: (a: Uint32Array, b: Uint32Array) => Uint32Array,
): Routine<Components> {
  const place = (party.index - dealer + 3) % 3
  const nothing = new Uint32Array(words)
  if (place === 0) {
    const mask = yield* expandPlace(party, party.shared.next(words), words)
    const own = minus(value!, mask)
    yield* transfer(party, 'deal', words, [vector(roleOf(dealer, 2), own)], [])
    return { own, next: mask }
  }
  if (place === 1) {
    yield* transfer(party, 'deal', words, [], [])
    return { own: yield* expandPlace(party, party.shared.own(words), words), next: nothing }
  }
  const [received] = yield* transfer(party, 'deal', words, [], [{ from: roleOf(dealer), words }])
  return { own: nothing, next: received! }
}

/** Component `k` of a value that both its holders know, the others zero; no message. `value` is ignored at the third. */
export const known = (index: Index, component: Index, value: Uint32Array): Components => {
  const nothing = new Uint32Array(value.length)
  return {
    own: index === component ? value : nothing,
    next: after(index, 1) === component ? value : nothing,
  }
}
