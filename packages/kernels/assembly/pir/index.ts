// Scans of the oblivious query: byte matrix times words of Z_2^32, words times words, patches of a hint, and the
// discrete Gaussian. The caller owns the memory (imported) and passes addresses; everything is 16-byte aligned.
//
// A word x of a query stands as two signed halves, x = lo + 2^16 hi mod 2^32, for i32x4.dot_i16x8_s: for each 16
// columns 64 bytes, [lo of even columns][lo of odd][hi of even][hi of odd], 8 halves each. Products are at most
// 255 · 2^15 < 2^23, a dot adds two, and sums of lo and of hi wrap modulo 2^32 as they shall.
//
// No branch and no address depends on the content of matrix, query, coins or table.

/** Masks are loaded, not constants in the code: V8 makes those again in every turn of a loop. */
const BYTES: usize = memory.data<u16>([255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255], 32)

@inline function sum(v: v128): u32 {
  return <u32>i32x4.extract_lane(v, 0) + <u32>i32x4.extract_lane(v, 1) + <u32>i32x4.extract_lane(v, 2) + <u32>i32x4.extract_lane(v, 3)
}

/** Splits `columns` words at `from` into halves at `to`: 4 bytes a column, as above. */
export function split(from: usize, columns: i32, to: usize): void {
  for (let j = 0; j < columns; j += 16) {
    for (let i: usize = 0; i < 8; i++) {
      const even = load<u32>(from + 8 * i), odd = load<u32>(from + 8 * i, 4)
      store<u16>(to + 2 * i, <u16>even); store<u16>(to + 2 * i, <u16>odd, 16)
      // Rounds up where lo is negative.
      store<u16>(to + 2 * i, <u16>((even + 0x8000) >> 16), 32); store<u16>(to + 2 * i, <u16>((odd + 0x8000) >> 16), 48)
    }
    from += 64; to += 64
  }
}

/** out[r] = sum_j matrix[r][j] · query[j] for `rows` rows, a multiple of 4, over `columns`, a multiple of 16. */
export function scan(matrix: usize, columns: usize, rows: i32, query: usize, out: usize): void {
  const M = v128.load(BYTES)
  for (let r = 0; r < rows; r += 4) {
    let l0 = i32x4.splat(0), l1 = l0, l2 = l0, l3 = l0, h0 = l0, h1 = l0, h2 = l0, h3 = l0
    const p0 = matrix + <usize>r * columns, p1 = p0 + columns, p2 = p1 + columns, p3 = p2 + columns
    let b = query
    for (let j: usize = 0; j < columns; j += 16) {
      const le = v128.load(b), lo = v128.load(b, 16), he = v128.load(b, 32), ho = v128.load(b, 48)
      b += 64
      let w = v128.load(p0 + j), e = v128.and(w, M)
      w = i16x8.shr_u(w, 8)
      l0 = i32x4.add(l0, i32x4.dot_i16x8_s(e, le)); h0 = i32x4.add(h0, i32x4.dot_i16x8_s(e, he))
      l0 = i32x4.add(l0, i32x4.dot_i16x8_s(w, lo)); h0 = i32x4.add(h0, i32x4.dot_i16x8_s(w, ho))
      w = v128.load(p1 + j); e = v128.and(w, M); w = i16x8.shr_u(w, 8)
      l1 = i32x4.add(l1, i32x4.dot_i16x8_s(e, le)); h1 = i32x4.add(h1, i32x4.dot_i16x8_s(e, he))
      l1 = i32x4.add(l1, i32x4.dot_i16x8_s(w, lo)); h1 = i32x4.add(h1, i32x4.dot_i16x8_s(w, ho))
      w = v128.load(p2 + j); e = v128.and(w, M); w = i16x8.shr_u(w, 8)
      l2 = i32x4.add(l2, i32x4.dot_i16x8_s(e, le)); h2 = i32x4.add(h2, i32x4.dot_i16x8_s(e, he))
      l2 = i32x4.add(l2, i32x4.dot_i16x8_s(w, lo)); h2 = i32x4.add(h2, i32x4.dot_i16x8_s(w, ho))
      w = v128.load(p3 + j); e = v128.and(w, M); w = i16x8.shr_u(w, 8)
      l3 = i32x4.add(l3, i32x4.dot_i16x8_s(e, le)); h3 = i32x4.add(h3, i32x4.dot_i16x8_s(e, he))
      l3 = i32x4.add(l3, i32x4.dot_i16x8_s(w, lo)); h3 = i32x4.add(h3, i32x4.dot_i16x8_s(w, ho))
    }
    const o = out + (<usize>r << 2)
    store<u32>(o, sum(l0) + (sum(h0) << 16)); store<u32>(o, sum(l1) + (sum(h1) << 16), 4)
    store<u32>(o, sum(l2) + (sum(h2) << 16), 8); store<u32>(o, sum(l3) + (sum(h3) << 16), 12)
  }
}

/** `split` for `scanWide`: for each 32 columns 128 bytes, in the same order. */
export function splitWide(from: usize, columns: i32, to: usize): void {
  for (let j = 0; j < columns; j += 32) {
    for (let i: usize = 0; i < 16; i++) {
      const even = load<u32>(from + 8 * i), odd = load<u32>(from + 8 * i, 4)
      store<u16>(to + 2 * i, <u16>even); store<u16>(to + 2 * i, <u16>odd, 32)
      store<u16>(to + 2 * i, <u16>((even + 0x8000) >> 16), 64); store<u16>(to + 2 * i, <u16>((odd + 0x8000) >> 16), 96)
    }
    from += 128; to += 128
  }
}

@inline function both(at: usize): u32 { return sum(i32x4.add(v128.load(at), v128.load(at, 16))) }

/**
 * `scan` in pairs of vectors side by side, a and b, down to the stores: what V8 makes vectors of 32 bytes from where it is
 * told to. `columns` is a multiple of 32; `sums` are 256 bytes of scratch. Slower than `scan` where it is not told to.
 */
export function scanWide(matrix: usize, columns: usize, rows: i32, query: usize, out: usize, sums: usize): void {
  const Ma = v128.load(BYTES), Mb = v128.load(BYTES, 16)
  for (let r = 0; r < rows; r += 4) {
    const z = i32x4.splat(0)
    let l0a = z, l0b = z, h0a = z, h0b = z, l1a = z, l1b = z, h1a = z, h1b = z
    let l2a = z, l2b = z, h2a = z, h2b = z, l3a = z, l3b = z, h3a = z, h3b = z
    let p = matrix + <usize>r * columns, b = query
    const end = p + columns
    for (; p < end; p += 32, b += 128) {
      const lea = v128.load(b), leb = v128.load(b, 16), loa = v128.load(b, 32), lob = v128.load(b, 48)
      const hea = v128.load(b, 64), heb = v128.load(b, 80), hoa = v128.load(b, 96), hob = v128.load(b, 112)
      let q = p
      let wa = v128.load(q), wb = v128.load(q, 16)
      let ea = v128.and(wa, Ma), eb = v128.and(wb, Mb), oa = i16x8.shr_u(wa, 8), ob = i16x8.shr_u(wb, 8)
      l0a = i32x4.add(l0a, i32x4.add(i32x4.dot_i16x8_s(ea, lea), i32x4.dot_i16x8_s(oa, loa)))
      l0b = i32x4.add(l0b, i32x4.add(i32x4.dot_i16x8_s(eb, leb), i32x4.dot_i16x8_s(ob, lob)))
      h0a = i32x4.add(h0a, i32x4.add(i32x4.dot_i16x8_s(ea, hea), i32x4.dot_i16x8_s(oa, hoa)))
      h0b = i32x4.add(h0b, i32x4.add(i32x4.dot_i16x8_s(eb, heb), i32x4.dot_i16x8_s(ob, hob)))
      q += columns
      wa = v128.load(q); wb = v128.load(q, 16)
      ea = v128.and(wa, Ma); eb = v128.and(wb, Mb); oa = i16x8.shr_u(wa, 8); ob = i16x8.shr_u(wb, 8)
      l1a = i32x4.add(l1a, i32x4.add(i32x4.dot_i16x8_s(ea, lea), i32x4.dot_i16x8_s(oa, loa)))
      l1b = i32x4.add(l1b, i32x4.add(i32x4.dot_i16x8_s(eb, leb), i32x4.dot_i16x8_s(ob, lob)))
      h1a = i32x4.add(h1a, i32x4.add(i32x4.dot_i16x8_s(ea, hea), i32x4.dot_i16x8_s(oa, hoa)))
      h1b = i32x4.add(h1b, i32x4.add(i32x4.dot_i16x8_s(eb, heb), i32x4.dot_i16x8_s(ob, hob)))
      q += columns
      wa = v128.load(q); wb = v128.load(q, 16)
      ea = v128.and(wa, Ma); eb = v128.and(wb, Mb); oa = i16x8.shr_u(wa, 8); ob = i16x8.shr_u(wb, 8)
      l2a = i32x4.add(l2a, i32x4.add(i32x4.dot_i16x8_s(ea, lea), i32x4.dot_i16x8_s(oa, loa)))
      l2b = i32x4.add(l2b, i32x4.add(i32x4.dot_i16x8_s(eb, leb), i32x4.dot_i16x8_s(ob, lob)))
      h2a = i32x4.add(h2a, i32x4.add(i32x4.dot_i16x8_s(ea, hea), i32x4.dot_i16x8_s(oa, hoa)))
      h2b = i32x4.add(h2b, i32x4.add(i32x4.dot_i16x8_s(eb, heb), i32x4.dot_i16x8_s(ob, hob)))
      q += columns
      wa = v128.load(q); wb = v128.load(q, 16)
      ea = v128.and(wa, Ma); eb = v128.and(wb, Mb); oa = i16x8.shr_u(wa, 8); ob = i16x8.shr_u(wb, 8)
      l3a = i32x4.add(l3a, i32x4.add(i32x4.dot_i16x8_s(ea, lea), i32x4.dot_i16x8_s(oa, loa)))
      l3b = i32x4.add(l3b, i32x4.add(i32x4.dot_i16x8_s(eb, leb), i32x4.dot_i16x8_s(ob, lob)))
      h3a = i32x4.add(h3a, i32x4.add(i32x4.dot_i16x8_s(ea, hea), i32x4.dot_i16x8_s(oa, hoa)))
      h3b = i32x4.add(h3b, i32x4.add(i32x4.dot_i16x8_s(eb, heb), i32x4.dot_i16x8_s(ob, hob)))
    }
    v128.store(sums, l0a); v128.store(sums, l0b, 16); v128.store(sums, h0a, 32); v128.store(sums, h0b, 48)
    v128.store(sums, l1a, 64); v128.store(sums, l1b, 80); v128.store(sums, h1a, 96); v128.store(sums, h1b, 112)
    v128.store(sums, l2a, 128); v128.store(sums, l2b, 144); v128.store(sums, h2a, 160); v128.store(sums, h2b, 176)
    v128.store(sums, l3a, 192); v128.store(sums, l3b, 208); v128.store(sums, h3a, 224); v128.store(sums, h3b, 240)
    const o = out + (<usize>r << 2)
    store<u32>(o, both(sums) + (both(sums + 32) << 16)); store<u32>(o, both(sums + 64) + (both(sums + 96) << 16), 4)
    store<u32>(o, both(sums + 128) + (both(sums + 160) << 16), 8)
    store<u32>(o, both(sums + 192) + (both(sums + 224) << 16), 12)
  }
}

/** Columns of a panel of the batched scan: two queries' halves of a panel stay in the first cache. */
const PANEL: usize = 2048
/** Rows of a block of it: a block of a panel stays in the second. */
const BLOCK: i32 = 64

/**
 * The same for `count` queries, an even number, their halves 4·columns bytes apart; out is count × rows. Tiles of 2
 * rows by 2 queries: each byte is unpacked once for two queries and each half loaded once for two rows.
 */
export function scanBatch(matrix: usize, columns: usize, rows: i32, queries: usize, out: usize, count: i32): void {
  const M = v128.load(BYTES), apart = columns << 2, wide = <usize>rows << 2
  memory.fill(out, 0, <usize>count * wide)
  for (let r0 = 0; r0 < rows; r0 += BLOCK) {
    const r1 = min(r0 + BLOCK, rows)
    for (let c0: usize = 0; c0 < columns; c0 += PANEL) {
      const c1 = min(c0 + PANEL, columns)
      for (let k = 0; k < count; k += 2) {
        const Q0 = queries + <usize>k * apart, Q1 = Q0 + apart
        for (let r = r0; r < r1; r += 2) {
          let l00 = i32x4.splat(0), h00 = l00, l01 = l00, h01 = l00, l10 = l00, h10 = l00, l11 = l00, h11 = l00
          const p0 = matrix + <usize>r * columns, p1 = p0 + columns
          for (let j = c0; j < c1; j += 16) {
            const t = j << 2
            let w0 = v128.load(p0 + j); const e0 = v128.and(w0, M); w0 = i16x8.shr_u(w0, 8)
            let w1 = v128.load(p1 + j); const e1 = v128.and(w1, M); w1 = i16x8.shr_u(w1, 8)
            let x = v128.load(Q0 + t)
            l00 = i32x4.add(l00, i32x4.dot_i16x8_s(e0, x)); l10 = i32x4.add(l10, i32x4.dot_i16x8_s(e1, x))
            x = v128.load(Q0 + t, 16)
            l00 = i32x4.add(l00, i32x4.dot_i16x8_s(w0, x)); l10 = i32x4.add(l10, i32x4.dot_i16x8_s(w1, x))
            x = v128.load(Q0 + t, 32)
            h00 = i32x4.add(h00, i32x4.dot_i16x8_s(e0, x)); h10 = i32x4.add(h10, i32x4.dot_i16x8_s(e1, x))
            x = v128.load(Q0 + t, 48)
            h00 = i32x4.add(h00, i32x4.dot_i16x8_s(w0, x)); h10 = i32x4.add(h10, i32x4.dot_i16x8_s(w1, x))
            x = v128.load(Q1 + t)
            l01 = i32x4.add(l01, i32x4.dot_i16x8_s(e0, x)); l11 = i32x4.add(l11, i32x4.dot_i16x8_s(e1, x))
            x = v128.load(Q1 + t, 16)
            l01 = i32x4.add(l01, i32x4.dot_i16x8_s(w0, x)); l11 = i32x4.add(l11, i32x4.dot_i16x8_s(w1, x))
            x = v128.load(Q1 + t, 32)
            h01 = i32x4.add(h01, i32x4.dot_i16x8_s(e0, x)); h11 = i32x4.add(h11, i32x4.dot_i16x8_s(e1, x))
            x = v128.load(Q1 + t, 48)
            h01 = i32x4.add(h01, i32x4.dot_i16x8_s(w0, x)); h11 = i32x4.add(h11, i32x4.dot_i16x8_s(w1, x))
          }
          let o = out + <usize>k * wide + (<usize>r << 2)
          store<u32>(o, load<u32>(o) + sum(l00) + (sum(h00) << 16))
          store<u32>(o, load<u32>(o, 4) + sum(l10) + (sum(h10) << 16), 4)
          o += wide
          store<u32>(o, load<u32>(o) + sum(l01) + (sum(h01) << 16))
          store<u32>(o, load<u32>(o, 4) + sum(l11) + (sum(h11) << 16), 4)
        }
      }
    }
  }
}

/** out[r] = sum_k matrix[r][k] · vector[k] over words; `inner` is a multiple of 8, `rows` of 4. */
export function multiply(matrix: usize, inner: usize, rows: i32, vector: usize, out: usize): void {
  const apart = inner << 2
  for (let r = 0; r < rows; r += 4) {
    let a0 = i32x4.splat(0), a1 = a0, a2 = a0, a3 = a0
    const p0 = matrix + <usize>r * apart, p1 = p0 + apart, p2 = p1 + apart, p3 = p2 + apart
    for (let k: usize = 0; k < apart; k += 32) {
      let v = v128.load(vector + k)
      a0 = i32x4.add(a0, i32x4.mul(v128.load(p0 + k), v)); a1 = i32x4.add(a1, i32x4.mul(v128.load(p1 + k), v))
      a2 = i32x4.add(a2, i32x4.mul(v128.load(p2 + k), v)); a3 = i32x4.add(a3, i32x4.mul(v128.load(p3 + k), v))
      v = v128.load(vector + k, 16)
      a0 = i32x4.add(a0, i32x4.mul(v128.load(p0 + k, 16), v)); a1 = i32x4.add(a1, i32x4.mul(v128.load(p1 + k, 16), v))
      a2 = i32x4.add(a2, i32x4.mul(v128.load(p2 + k, 16), v)); a3 = i32x4.add(a3, i32x4.mul(v128.load(p3 + k, 16), v))
    }
    const o = out + (<usize>r << 2)
    store<u32>(o, sum(a0)); store<u32>(o, sum(a1), 4); store<u32>(o, sum(a2), 8); store<u32>(o, sum(a3), 12)
  }
}

/**
 * words[b] += sum_p differences[b][p] · rows[p] for b < width, a multiple of 4, over `inner` words, a multiple of 4. Differences are
 * 16-bit, `pairs` pairs a row, an even number; `rows` are 2·pairs rows of `inner` words, taken through `halves`: 32 bytes for a pair and
 * 4 words, [lo a, lo b]×4 then [hi a, hi b]×4.
 */
export function patch(words: usize, inner: usize, width: i32, differences: usize, pairs: usize, rows: usize, halves: usize): void {
  const apart = inner << 2
  for (let k: usize = 0; k < apart; k += 16) {
    for (let p: usize = 0; p < pairs; p++) {
      const a = v128.load(rows + 2 * p * apart + k), b = v128.load(rows + (2 * p + 1) * apart + k)
      const low = v128.bitselect(a, i32x4.shl(b, 16), i32x4.splat(0xffff))
      // hi = (x + 2^15) >> 16, so that x = lo + 2^16 hi with lo signed.
      const half = i32x4.splat(0x8000)
      const high = v128.bitselect(i32x4.shr_u(i32x4.add(a, half), 16), i32x4.add(b, half), i32x4.splat(0xffff))
      v128.store(halves + 32 * p, low); v128.store(halves + 32 * p, high, 16)
    }
    for (let b = 0; b < width; b += 4) {
      const d0 = differences + <usize>b * 4 * pairs, d1 = d0 + 4 * pairs, d2 = d1 + 4 * pairs, d3 = d2 + 4 * pairs
      let l0 = i32x4.splat(0), h0 = l0, l1 = l0, h1 = l0, l2 = l0, h2 = l0, l3 = l0, h3 = l0
      for (let p: usize = 0; p < 4 * pairs; p += 8) {
        let low = v128.load(halves + 8 * p), high = v128.load(halves + 8 * p, 16)
        let x = v128.load32_splat(d0 + p)
        l0 = i32x4.add(l0, i32x4.dot_i16x8_s(x, low)); h0 = i32x4.add(h0, i32x4.dot_i16x8_s(x, high))
        x = v128.load32_splat(d1 + p)
        l1 = i32x4.add(l1, i32x4.dot_i16x8_s(x, low)); h1 = i32x4.add(h1, i32x4.dot_i16x8_s(x, high))
        x = v128.load32_splat(d2 + p)
        l2 = i32x4.add(l2, i32x4.dot_i16x8_s(x, low)); h2 = i32x4.add(h2, i32x4.dot_i16x8_s(x, high))
        x = v128.load32_splat(d3 + p)
        l3 = i32x4.add(l3, i32x4.dot_i16x8_s(x, low)); h3 = i32x4.add(h3, i32x4.dot_i16x8_s(x, high))
        low = v128.load(halves + 8 * p, 32); high = v128.load(halves + 8 * p, 48)
        x = v128.load32_splat(d0 + p, 4)
        l0 = i32x4.add(l0, i32x4.dot_i16x8_s(x, low)); h0 = i32x4.add(h0, i32x4.dot_i16x8_s(x, high))
        x = v128.load32_splat(d1 + p, 4)
        l1 = i32x4.add(l1, i32x4.dot_i16x8_s(x, low)); h1 = i32x4.add(h1, i32x4.dot_i16x8_s(x, high))
        x = v128.load32_splat(d2 + p, 4)
        l2 = i32x4.add(l2, i32x4.dot_i16x8_s(x, low)); h2 = i32x4.add(h2, i32x4.dot_i16x8_s(x, high))
        x = v128.load32_splat(d3 + p, 4)
        l3 = i32x4.add(l3, i32x4.dot_i16x8_s(x, low)); h3 = i32x4.add(h3, i32x4.dot_i16x8_s(x, high))
      }
      let o = words + <usize>b * apart + k
      v128.store(o, i32x4.add(v128.load(o), i32x4.add(l0, i32x4.shl(h0, 16)))); o += apart
      v128.store(o, i32x4.add(v128.load(o), i32x4.add(l1, i32x4.shl(h1, 16)))); o += apart
      v128.store(o, i32x4.add(v128.load(o), i32x4.add(l2, i32x4.shl(h2, 16)))); o += apart
      v128.store(o, i32x4.add(v128.load(o), i32x4.add(l3, i32x4.shl(h3, 16))))
    }
  }
}

/**
 * Discrete Gaussian samples from 16 coin bytes each, by a cumulative table of `entries` pairs of 63-bit words (each
 * twice, for two lanes): magnitude = how many entries are at most u, sign from the top bit of the second word. Every
 * sample looks at every entry. `count` is even.
 */
export function gauss(coins: usize, count: i32, table: usize, entries: i32, out: usize): void {
  const low63 = i64x2.splat(0x7fffffffffffffff)
  for (let i = 0; i < count; i += 2) {
    const c = coins + 16 * <usize>i, a = v128.load(c), b = v128.load(c, 16)
    const first = v128.and(i8x16.shuffle(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), low63)
    const signed = i8x16.shuffle(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
    const second = v128.and(signed, low63)
    let magnitude = i64x2.splat(0)
    for (let t = table, end = table + 32 * <usize>entries; t < end; t += 32) {
      const high = v128.load(t), low = v128.load(t, 16)
      // u < entry: first < high, or first = high and second < low; the masks are -1.
      const below = v128.or(i64x2.lt_s(first, high), v128.and(i64x2.eq(first, high), i64x2.lt_s(second, low)))
      magnitude = i64x2.add(magnitude, i64x2.add(i64x2.splat(1), below))
    }
    const sign = i64x2.shr_s(signed, 63)
    const value = i64x2.sub(v128.xor(magnitude, sign), sign)
    store<u64>(out + 4 * <usize>i, <u64><u32>i64x2.extract_lane(value, 0) | (<u64>i64x2.extract_lane(value, 1) << 32))
  }
}

/** What memory can give: reads `bytes`, a multiple of 128, in 8 streams. For the bench only. */
export function read(from: usize, bytes: usize): i32 {
  let a = i32x4.splat(0), b = a, c = a, d = a
  const part = bytes >> 3
  for (let j: usize = 0; j < part; j += 16) {
    const p = from + j
    a = v128.xor(a, v128.load(p)); b = v128.xor(b, v128.load(p + part)); c = v128.xor(c, v128.load(p + 2 * part))
    d = v128.xor(d, v128.load(p + 3 * part)); a = v128.xor(a, v128.load(p + 4 * part)); b = v128.xor(b, v128.load(p + 5 * part))
    c = v128.xor(c, v128.load(p + 6 * part)); d = v128.xor(d, v128.load(p + 7 * part))
  }
  return <i32>sum(v128.xor(v128.xor(a, b), v128.xor(c, d)))
}
