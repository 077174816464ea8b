import { createHash } from 'node:crypto'
import { concatBytes, taggedDigest, toHex, u32, utf8ToBytes } from '@tallystick/core'
import { createTranscript } from '@tallystick/protocol'
import { expect, it } from 'vitest'

const sha256 = (...parts: readonly Uint8Array[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

it('a chain starts from the tagged digest of binding, link and step, whatever hash the driver brings', () => {
  const binding = new Uint8Array(32).fill(5)
  const body = utf8ToBytes('first')
  const start = taggedDigest('tallystick/chain/v1', binding, 'left', 'right', 'a/b/c')
  for (const hash of [undefined, sha256]) {
    const transcript = createTranscript(binding, hash)
    transcript.append('left', 'right', 'a/b/c', body)
    expect(toHex(transcript.heads()[0]!.head)).toBe(toHex(sha256(start, u32(body.length), body)))
  }
})

it('the digest of a link is the tagged digest of its chains, whatever hash the driver brings', () => {
  const binding = new Uint8Array(32).fill(6)
  for (const hash of [undefined, sha256]) {
    const transcript = createTranscript(binding, hash)
    for (const step of ['p/b', 'p/a', 'p/b']) transcript.append('x', 'y', step, utf8ToBytes(step))
    const parts = transcript.heads().flatMap(({ step, frames, head }) => [step, concatBytes(u32(frames), head)])
    const expected = taggedDigest('tallystick/link/v1', binding, 'x', 'y', ...parts)
    expect(toHex(transcript.link('x', 'y'))).toBe(toHex(expected))
    expect(toHex(transcript.link('y', 'x'))).toBe(toHex(taggedDigest('tallystick/link/v1', binding, 'y', 'x')))
  }
})

it('heads come by link and step, in byte order', () => {
  const transcript = createTranscript(new Uint8Array(32))
  for (const step of ['p/b', 'p/a', 'p/ä', 'p/aa']) transcript.append('x', 'y', step, new Uint8Array(1))
  transcript.append('a', 'y', 'p/z', new Uint8Array(1))
  expect(transcript.heads().map(({ from, step }) => `${from} ${step}`)).toEqual([
    'a p/z',
    'x p/a',
    'x p/aa',
    'x p/b',
    'x p/ä',
  ])
  expect(transcript.link('y', 'x')).not.toEqual(transcript.link('x', 'y'))
})
