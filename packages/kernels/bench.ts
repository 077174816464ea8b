/**
 * `node packages/kernels/bench.ts [--json]`: what one core does, in CPU time (best and median of short runs, taken in
 * turn so that all see the same machine), with X25519 of OpenSSL through node:crypto and of noble in the same run; then
 * what pools add, in wall time.
 */
import { createECDH, createPrivateKey, createPublicKey, diffieHellman, randomFillSync } from 'node:crypto'
import { parseArgs } from 'node:util'
import { x25519 } from '@noble/curves/ed25519.js'
import { utf8ToBytes } from '@tallystick/core'
import { wasmEngine, wasmEngineOf } from './src/engine.ts'
import { curve25519Hash, curve25519Scale, kernels } from './src/index.ts'
import { inlinePool, nodePool, type Pool } from './src/pool/node.ts'
import { loadCurve } from './src/curve25519/engine.ts'

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const print = (row: Record<string, string | number>): void => {
  const text = values.json
    ? JSON.stringify(row)
    : Object.entries(row)
        .map(([key, value]) => `${key} ${value}`)
        .join('  ')
  process.stdout.write(text + '\n')
}
const random = (length: number): Uint8Array => {
  const out = new Uint8Array(length)
  for (let at = 0; at < length; at += 65_536) randomFillSync(out.subarray(at, at + 65_536))
  return out
}
const round = (x: number): number => Number(x.toPrecision(3))

interface Candidate {
  readonly what: string
  readonly rows: number
  readonly run: () => unknown
}

/** Seconds of CPU of this process. */
const cpu = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

function race(candidates: readonly Candidate[], rounds = 12): void {
  const times = candidates.map(() => [] as number[])
  for (let round = -2; round < rounds; round++) {
    candidates.forEach(({ run }, i) => {
      const start = cpu()
      run()
      if (round >= 0) times[i]!.push(cpu() - start)
    })
  }
  candidates.forEach(({ what, rows }, i) => {
    const sorted = times[i]!.toSorted((a, b) => a - b)
    const rate = (seconds: number): number => round(rows / seconds / 1000)
    print({ what, 'k rows/cpu s best': rate(sorted[0]!), median: rate(sorted[rounds >> 1]!) })
  })
}

const n = 4096
const scalar = random(32)
scalar[0]! &= 248
const points = random(32 * n)
for (let i = 31; i < points.length; i += 32) points[i]! &= 0x7f
const dst = utf8ToBytes('tallystick/psi/ecdh/1 curve25519_XMD:SHA-512_ELL2_RO_')
const ids = { dst, bytes: random(18 * n), offsets: Uint32Array.from({ length: n + 1 }, (_, i) => 18 * i) }
const left = random(32 * 100_000)
const right = random(32 * 100_000)
right.set(left.subarray(0, 32 * 50_000))

const privatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex')
const publicPrefix = Buffer.from('302a300506032b656e032100', 'hex')
const importPublic = (row: number) =>
  createPublicKey({
    key: Buffer.concat([publicPrefix, points.subarray(32 * row, 32 * row + 32)]),
    format: 'der',
    type: 'spki',
  })
const privateKey = createPrivateKey({ key: Buffer.concat([privatePrefix, scalar]), format: 'der', type: 'pkcs8' })
const publicKeys = Array.from({ length: 512 }, (_, row) => importPublic(row))

/** The curve of psi.js: points with both coordinates, where OpenSSL gives x alone. */
const p256Candidates = (
  call: (name: 'p256/hash-scale' | 'p256/scale', input: unknown) => () => unknown,
): Candidate[] => {
  const key = new Uint8Array(32).fill(7)
  const rows = 512
  const hashed = { scalar: key, bytes: ids.bytes, offsets: ids.offsets.subarray(0, rows + 1) }
  const scaled = { scalar: key, points: call('p256/hash-scale', hashed)() as Uint8Array }
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(key)
  const openssl = (): void => {
    for (let row = 0; row < rows; row++) ecdh.computeSecret(scaled.points.subarray(33 * row, 33 * row + 33))
  }
  return [
    { what: 'fma: p256/scale', rows, run: call('p256/scale', scaled) },
    { what: 'fma: p256/hash-scale (18-byte ids)', rows, run: call('p256/hash-scale', hashed) },
    { what: 'P-256 node:crypto (OpenSSL), x alone', rows, run: openssl },
    {
      what: 'P-256 noble',
      rows: 16,
      run: () => kernels['p256/scale'].run({ ...scaled, points: scaled.points.slice(0, 33 * 16) }),
    },
  ]
}

const candidates: Candidate[] = [
  {
    what: 'X25519 node:crypto (OpenSSL), keys imported before',
    rows: 512,
    run: () => publicKeys.forEach((publicKey) => diffieHellman({ privateKey, publicKey })),
  },
  {
    what: 'X25519 node:crypto (OpenSSL), with key import',
    rows: 512,
    run: () => publicKeys.forEach((_, row) => diffieHellman({ privateKey, publicKey: importPublic(row) })),
  },
  {
    what: 'X25519 noble',
    rows: 32,
    run: () => {
      for (let row = 0; row < 32; row++) x25519.getSharedSecret(scalar, points.subarray(32 * row, 32 * row + 32))
    },
  },
]
for (const variant of ['fma', 'integer'] as const) {
  const engine = await wasmEngineOf(variant)
  if (!engine) continue
  const call = (name: keyof typeof kernels, input: unknown) => () => engine[name]!(input as never)
  const scale = { scalar, points }
  const half = { ...ids, scalar }
  candidates.push(
    { what: `${variant}: curve25519/scale`, rows: n, run: call('curve25519/scale', scale) },
    { what: `${variant}: curve25519/hash (18-byte ids)`, rows: n, run: call('curve25519/hash', ids) },
    { what: `${variant}: curve25519/hash-scale`, rows: n, run: call('curve25519/hash-scale', half) },
    {
      what: `${variant}: a party's share of an ECDH-PSI pair (hash-scale + scale)`,
      rows: n,
      run: () => [call('curve25519/hash-scale', half)(), call('curve25519/scale', scale)()],
    },
  )
  if (variant === 'fma') {
    const input = { left, right, width: 32 }
    candidates.push(...p256Candidates(call))
    candidates.push({ what: 'table/intersect 100 k x 100 k', rows: 200_000, run: call('table/intersect', input) })
  }
}
race(candidates)
print({ what: 'default variant', variant: (await loadCurve()).variant })

/** Best wall milliseconds of a call. */
async function wall(rounds: number, run: () => Promise<unknown>): Promise<number> {
  let best = Infinity
  for (let i = 0; i < rounds; i++) {
    const start = performance.now()
    await run()
    best = Math.min(best, performance.now() - start)
  }
  return best
}

const engine = await wasmEngine()
const many = { scalar, points: new Uint8Array(32 * n * 8) }
for (let i = 0; i < 8; i++) many.points.set(points, 32 * n * i)
const pools: [string, Pool][] = [
  ['inline', inlinePool(engine)],
  ['1 worker', nodePool({ workers: 1, inlineBelow: 0 })],
  ['2 workers', nodePool({ workers: 2, inlineBelow: 0 })],
]
for (const [what, pool] of pools) {
  const hop = await wall(300, () => pool.run(curve25519Hash, { dst, bytes: dst, offsets: Uint32Array.of(0, 1) }))
  const megabytes = random(32 * 32_768)
  const move = await wall(30, () =>
    pool.run(kernels['table/intersect'], { left: megabytes, right: new Uint8Array(), width: 32 }),
  )
  const rate = (8 * n) / (await wall(5, () => pool.run(curve25519Scale, many)))
  print({
    what: `pool ${what}`,
    'one-row call us': round(1000 * hop),
    '1 MiB input us': round(1000 * move),
    'scale k rows/s wall': round(rate),
  })
  await pool[Symbol.asyncDispose]()
}
