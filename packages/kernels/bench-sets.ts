/**
 * `node packages/kernels/bench-sets.ts [rows] [--json]`: CPU milliseconds of the kernels of the set protocols over 2^20
 * rows, best and median of seven calls.
 */
import { randomFillSync } from 'node:crypto'
import { parseArgs } from 'node:util'
import { nodeEngine } from './src/native/engine.ts'
import { okvsShape, okvsSize, type Digests, type EncodeOutput } from './src/index.ts'

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
})
const n = Number(positionals[0] ?? 2 ** 20)
const engine = await nodeEngine()

const random = (length: number): Uint8Array => {
  const out = new Uint8Array(length)
  for (let at = 0; at < length; at += 2 ** 20) randomFillSync(out.subarray(at, Math.min(length, at + 2 ** 20)))
  return out
}
const cpu = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const measure = <O>(name: string, input: unknown, note = ''): O => {
  const times: number[] = []
  let output: unknown
  for (let i = 0; i < 7; i++) {
    const start = cpu()
    output = engine[name]!(input as never)
    times.push(cpu() - start)
  }
  times.sort((a, b) => a - b)
  const row = { kernel: name + note, rows: n, best: Math.round(times[0]!), median: Math.round(times[3]!) }
  process.stdout.write((options.json ? JSON.stringify(row) : Object.values(row).join('  ')) + '\n')
  return output as O
}

const items = { bytes: random(18 * n), offsets: Uint32Array.from({ length: n + 1 }, (_, i) => 18 * i) }
const key = random(32)
measure('table/duplicate', items)
const { first, second } = measure<Digests>('blake3/ids', { key, ...items }, ' (18-byte ids)')
measure('blake3/masks', { key, values: random(16 * n), first, second, tweak: random(16), width: 10 })
measure('merkle/tiles', { key, first: 0, ...items }, ' (18-byte rows)')
const bins = Math.ceil(1.27 * n)
measure('cuckoo/place', { digests: first, bins })
measure('cuckoo/simple', { digests: first, bins })
const shape = okvsShape(n)
const { vector } = measure<EncodeOutput>('okvs/encode', { shape, rows: second, values: first, fill: new Uint8Array() })
measure('okvs/decode', { shape, rows: second, vector }, ` (of ${okvsSize(shape)} elements)`)
for (const width of [10, 16, 32]) {
  const [left, right] = [random(width * n), random(width * n)]
  for (let i = 0; i < n; i += 2) right.set(left.subarray(i * width, i * width + width), width * ((i * 7919) % n))
  measure('table/intersect', { left, right, width }, ` (${width} bytes, about half in common)`)
  measure('table/sort', { rows: left, width }, ` (${width} bytes)`)
}
