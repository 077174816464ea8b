// What both fields share: moving whole elements by mask.
import { SIZE } from './field'
export { SIZE, add, carry, limb, mask, mul, setLimb, sq, sub } from './field'

/** o = m ? a : b, lane by lane, branch-free. */
@inline export function select(o: usize, a: usize, b: usize, m: v128): void {
  for (let i: usize = 0; i < SIZE; i += 16) v128.store(o + i, v128.bitselect(v128.load(a + i), v128.load(b + i), m))
}

@inline export function cswap(a: usize, b: usize, m: v128): void {
  for (let i: usize = 0; i < SIZE; i += 16) {
    const x = v128.load(a + i), y = v128.load(b + i)
    v128.store(a + i, v128.bitselect(y, x, m)); v128.store(b + i, v128.bitselect(x, y, m))
  }
}
