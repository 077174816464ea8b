/** Transposition of 16 × 16 bytes, by four rounds of interleaving row i with row i + 8. */

// @ts-ignore: decorator
@inline
function interleave(source: usize, step: usize, target: usize): void {
  for (let i: usize = 0; i < 8; i++) {
    const a = v128.load(source + i * step)
    const b = v128.load(source + (i + 8) * step)
    v128.store(target, v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23))
    v128.store(target, v128.shuffle<u8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), 16)
    target += 32
  }
}

/** Row i lies at source + step·i; the result is 256 bytes at target. `work` has 256 bytes. */
export function transposeBytes(source: usize, step: usize, target: usize, work: usize): void {
  interleave(source, step, work)
  interleave(work, 16, target)
  interleave(target, 16, work)
  interleave(work, 16, target)
}
