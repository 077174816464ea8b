/**
 * `node packages/kernels/campaign.ts [--seconds 60]`: random campaigns longer than the test suite: both WebAssembly
 * variants against OpenSSL (scaling, random and extreme u, clamped random scalars) and against the edwards25519 suite of
 * noble (hashing, messages of random length). Exit code 1 and the input in hex at the first difference.
 */
import { createPrivateKey, createPublicKey, diffieHellman, randomBytes, randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { ed25519, ed25519_hasher } from '@noble/curves/ed25519.js'
import { loadVariant } from './src/curve25519/engine.ts'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } })
const end = performance.now() + 1000 * Number(values.seconds)
const privatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex')
const publicPrefix = Buffer.from('302a300506032b656e032100', 'hex')
const engines = (await Promise.all([loadVariant('fma'), loadVariant('integer')])).filter(
  (engine) => engine !== undefined,
)

/** Random bytes of which runs are set to 00 or ff, so that limbs are often extreme. */
function u(): Uint8Array {
  const out = Uint8Array.from(randomBytes(32))
  for (let runs = randomInt(4); runs > 0; runs--) {
    const from = randomInt(32)
    out.fill(randomInt(2) * 255, from, from + randomInt(32))
  }
  out[31]! &= 0x7f
  return out
}

function openssl(scalar: Uint8Array, point: Uint8Array): Uint8Array {
  const privateKey = createPrivateKey({ key: Buffer.concat([privatePrefix, scalar]), format: 'der', type: 'pkcs8' })
  const publicKey = createPublicKey({ key: Buffer.concat([publicPrefix, point]), format: 'der', type: 'spki' })
  try {
    return diffieHellman({ privateKey, publicKey })
  } catch {
    return new Uint8Array(32)
  }
}

function differ(what: string, row: number, found: Uint8Array, wanted: Uint8Array, input: Uint8Array): void {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  const got = found.subarray(32 * row, 32 * row + 32)
  if (Buffer.compare(got, wanted) === 0) return
  process.stdout.write(`${what}: found ${hex(got)}, wanted ${hex(wanted)}, input ${hex(input)}\n`)
  process.exit(1)
}

let [scaled, hashed] = [0, 0]
while (performance.now() < end) {
  const scalar = Uint8Array.from(randomBytes(32))
  scalar[0]! &= 248
  scalar[31] = (scalar[31]! & 127) | 64
  // u in [p, 2^255) would be refused; there are 19 such values.
  const rows = Array.from({ length: 1 + randomInt(1500) }, u).filter((row) =>
    row.subarray(1, 31).some((x) => x !== 255),
  )
  const points = new Uint8Array(Buffer.concat(rows))
  const wanted = rows.map((row) => openssl(scalar, row))
  for (const engine of engines) {
    const out = engine.scale({ scalar, points }).points
    rows.forEach((row, i) =>
      differ(`${engine.variant} scale by ${Buffer.from(scalar).toString('hex')}`, i, out, wanted[i]!, row),
    )
    scaled += rows.length
  }
  const dst = Uint8Array.from(randomBytes(1 + randomInt(300)))
  const messages = Array.from({ length: 40 }, () => Uint8Array.from(randomBytes(randomInt(400))))
  const offsets = new Uint32Array(messages.length + 1)
  messages.forEach((message, i) => (offsets[i + 1] = offsets[i]! + message.length))
  const bytes = new Uint8Array(Buffer.concat(messages))
  const curve = messages.map((message) =>
    ed25519.utils.toMontgomery(ed25519_hasher.hashToCurve(message, { DST: dst }).toBytes()),
  )
  for (const engine of engines) {
    const out = engine.hash({ dst, bytes, offsets })
    messages.forEach((message, i) => differ(`${engine.variant} hash`, i, out, curve[i]!, message))
    hashed += messages.length
  }
}
process.stdout.write(
  `${engines.map((engine) => engine.variant).join(', ')}: ${scaled} products and ${hashed} hashes agree\n`,
)
