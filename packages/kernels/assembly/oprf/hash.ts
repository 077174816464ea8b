// SHA-512 over messages: expand_message_xmd to 64 bytes (RFC 9380, section 5.3.1) and the outputs of RFC 9497. Time
// depends on the lengths of messages and tag, not on their bytes.
import { compress, start } from '../curve25519/sha512.generated'
import { POINTS, UNIFORM } from './ristretto'

/** Where the caller puts messages, one after the other, and their n + 1 end positions; each below 2^16 bytes. */
export const MESSAGES: usize = memory.data(65536, 16)
export const MESSAGES_BYTES: i32 = 65536
export const OFFSETS: usize = memory.data(4 * 257, 16)
/** Where the caller puts the tag (at most 255 bytes) before setTag. */
export const TAG: usize = memory.data(256, 16)
/** 64 bytes a row. */
export const OUTPUTS: usize = memory.data(64 * 256, 16)

const PADDED: usize = memory.data(64, 16)     // state after Z_pad, 128 zero bytes
const SUFFIX: usize = memory.data(272, 16)    // I2OSP(64, 2) || I2OSP(0, 1) || DST_prime
const STATE: usize = memory.data(64, 16)
const BUFFER: usize = memory.data(128, 16)
const SHORT: usize = memory.data(80, 16)
const FINALIZE: usize = memory.data<u8>([0x46, 0x69, 0x6e, 0x61, 0x6c, 0x69, 0x7a, 0x65])

let suffixBytes: usize = 0
let buffered: usize = 0
let total: u64 = 0

function begin(): void {
  start(STATE)
  buffered = 0
  total = 0
}

function absorb(p: usize, length: usize): void {
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

function end(out: usize): void {
  store<u8>(BUFFER + buffered, 0x80)
  memory.fill(BUFFER + buffered + 1, 0, 127 - buffered)
  if (buffered >= 112) {
    compress(STATE, BUFFER)
    memory.fill(BUFFER, 0, 112)
  }
  store<u64>(BUFFER, 0, 112); store<u64>(BUFFER, bswap<u64>(8 * total), 120)
  compress(STATE, BUFFER)
  for (let i: usize = 0; i < 64; i += 8) store<u64>(out + i, bswap<u64>(load<u64>(STATE + i)))
}

export function setTag(length: usize): void {
  memory.fill(BUFFER, 0, 128)
  start(PADDED); compress(PADDED, BUFFER)
  memory.fill(SUFFIX, 0, 272)
  store<u8>(SUFFIX + 1, 64)
  memory.copy(SUFFIX + 3, TAG, length); store<u8>(SUFFIX + 3 + length, <u8>length)
  suffixBytes = 4 + length
}

/** Uniform bytes of n messages: b_1 = H(b_0 || 1 || DST'), b_0 = H(Z_pad || message || I2OSP(64, 2) || 0 || DST'). */
export function expandRows(n: i32): void {
  for (let row = 0; row < n; row++) {
    const from = load<u32>(OFFSETS + 4 * <usize>row), to = load<u32>(OFFSETS + 4 * <usize>row, 4)
    begin()
    memory.copy(STATE, PADDED, 64); total = 128
    absorb(MESSAGES + from, to - from); absorb(SUFFIX, suffixBytes)
    end(SHORT)
    store<u8>(SHORT + 64, 1)
    begin()
    absorb(SHORT, 65); absorb(SUFFIX + 3, suffixBytes - 3)
    end(UNIFORM + 64 * <usize>row)
  }
}

/** OUTPUTS = H(I2OSP(length, 2) || message || I2OSP(32, 2) || POINTS || "Finalize"): RFC 9497, section 3.3.1. */
export function finalizeRows(n: i32): void {
  for (let row = 0; row < n; row++) {
    const from = load<u32>(OFFSETS + 4 * <usize>row), to = load<u32>(OFFSETS + 4 * <usize>row, 4)
    const length = to - from
    store<u8>(SHORT, <u8>(length >> 8)); store<u8>(SHORT + 1, <u8>length)
    begin()
    absorb(SHORT, 2); absorb(MESSAGES + from, length)
    store<u8>(SHORT, 0); store<u8>(SHORT + 1, 32)
    absorb(SHORT, 2); absorb(POINTS + 32 * <usize>row, 32); absorb(FINALIZE, 8)
    end(OUTPUTS + 64 * <usize>row)
  }
}

/** Forgets messages (the first n bytes), outputs and hash states. */
export function wipeHash(n: i32): void {
  memory.fill(MESSAGES, 0, n); memory.fill(OUTPUTS, 0, 64 * 256); memory.fill(STATE, 0, 64)
  memory.fill(BUFFER, 0, 128); memory.fill(SHORT, 0, 80)
}
