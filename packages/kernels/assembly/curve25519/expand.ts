// expand_message_xmd with SHA-512 to 96 bytes (RFC 9380 section 5.3.1): two field elements of 48 bytes for each message.
// Time depends on the lengths of message and tag, not on their bytes.
import { UNIFORM } from './curve'
import { compress, start } from './sha512.generated'

/** Where the caller puts messages, one after the other, and their n + 1 end positions. */
export const MESSAGES: usize = memory.data(65536, 16)
export const MESSAGES_BYTES: i32 = 65536
export const OFFSETS: usize = memory.data(4 * 1025, 16)
/** Where the caller puts the tag (at most 255 bytes) before setTag. */
export const TAG: usize = memory.data(256, 16)

const PADDED: usize = memory.data(64, 16)     // state after Z_pad, 128 zero bytes
const SUFFIX: usize = memory.data(272, 16)    // I2OSP(96, 2) || I2OSP(0, 1) || DST_prime
const FINAL: usize = memory.data(384, 16)     // b || i || DST_prime, padded: 1 to 3 blocks
const STATE: usize = memory.data(64, 16)
const FIRST: usize = memory.data(64, 16)
const BUFFER: usize = memory.data(128, 16)

let suffixBytes: usize = 0
let finalBlocks: usize = 0
let buffered: usize = 0
let total: u64 = 0

export function setTag(length: usize): void {
  const prime = length + 1
  memory.fill(BUFFER, 0, 128)
  start(PADDED); compress(PADDED, BUFFER)
  memory.fill(SUFFIX, 0, 272)
  store<u8>(SUFFIX + 1, 96)
  memory.copy(SUFFIX + 3, TAG, length); store<u8>(SUFFIX + 3 + length, <u8>length)
  suffixBytes = 3 + prime
  const bytes = 65 + prime
  finalBlocks = (bytes + 17 + 127) >> 7
  memory.fill(FINAL, 0, 384)
  memory.copy(FINAL + 65, SUFFIX + 3, prime)
  store<u8>(FINAL + bytes, 0x80)
  store<u64>(FINAL + 128 * finalBlocks - 8, bswap<u64>(8 * bytes))
}

export function begin(): void {
  memory.copy(STATE, PADDED, 64)
  buffered = 0
  total = 128
}

export function absorb(p: usize, length: usize): void {
  total += length
  if (buffered > 0) {
    const part = min(128 - buffered, length)
    memory.copy(BUFFER + buffered, p, part)
    buffered += part; p += part; length -= part
    if (buffered < 128) return
    compress(STATE, BUFFER)
  }
  while (length >= 128) {
    compress(STATE, p)
    p += 128; length -= 128
  }
  memory.copy(BUFFER, p, length)
  buffered = length
}

@inline function bigEndian(o: usize, state: usize, words: usize): void {
  for (let i: usize = 0; i < 8 * words; i += 8) store<u64>(o + i, bswap<u64>(load<u64>(state + i)))
}

/** One of b_1, b_2: SHA-512 of the prepared final blocks, with the first 64 bytes already in place. */
@inline function last(index: u8): void {
  store<u8>(FINAL + 64, index)
  start(STATE)
  for (let i: usize = 0; i < finalBlocks; i++) compress(STATE, FINAL + 128 * i)
}

/** Ends the message and writes the uniform bytes of `row`. */
export function finish(row: usize): void {
  absorb(SUFFIX, suffixBytes)
  const bits = 8 * total
  store<u8>(BUFFER + buffered, 0x80)
  memory.fill(BUFFER + buffered + 1, 0, 127 - buffered)
  if (buffered >= 112) {
    compress(STATE, BUFFER)
    memory.fill(BUFFER, 0, 112)
  }
  store<u64>(BUFFER, 0, 112); store<u64>(BUFFER, bswap<u64>(bits), 120)
  compress(STATE, BUFFER)
  memory.copy(FIRST, STATE, 64)
  const out = UNIFORM + 96 * row
  bigEndian(FINAL, STATE, 8)
  last(1)
  bigEndian(out, STATE, 8)
  for (let i: usize = 0; i < 64; i += 8) store<u64>(FINAL + i, bswap<u64>(load<u64>(FIRST + i) ^ load<u64>(STATE + i)))
  last(2)
  bigEndian(out + 64, STATE, 4)
}

/** The messages at MESSAGES, ends in OFFSETS, into the uniform bytes of rows `row` to `row + n - 1`. */
export function expandRows(row: usize, n: usize): void {
  for (let i: usize = 0; i < n; i++) {
    const from = load<u32>(OFFSETS + 4 * i), to = load<u32>(OFFSETS + 4 * i, 4)
    begin(); absorb(MESSAGES + from, to - from); finish(row + i)
  }
}

/** Forgets messages (the first n bytes of MESSAGES) and hash states. */
export function wipeExpand(n: i32): void {
  memory.fill(MESSAGES, 0, n); memory.fill(STATE, 0, 64); memory.fill(FIRST, 0, 64)
  memory.fill(BUFFER, 0, 128); memory.fill(FINAL, 0, 64)
}
