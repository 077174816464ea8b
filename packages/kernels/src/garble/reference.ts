/** Reference by the AES of noble, which looks bytes up in tables: not constant-time. Names as in ia.cr/2014/756, figure 2. */
import { ecb } from '@noble/ciphers/aes.js'
import { concatBytes } from '@tallystick/core'
import type { EvaluateInput, Garbled, GarbleInput, LayersInput } from './kernels.ts'
import { gatesOf, layersOf } from './shapes.ts'

const xor = (...parts: readonly Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(16)
  for (const part of parts) for (let i = 0; i < 16; i++) out[i]! ^= part[i]!
  return out
}

const nothing = new Uint8Array(16)
const colour = (label: Uint8Array): number => label[0]! & 1
const where = (bit: number, label: Uint8Array): Uint8Array => (bit === 1 ? label : nothing)

/** σ(high ‖ low) = (high ⊕ low) ‖ high in little endian: low comes first. */
const sigma = (x: Uint8Array): Uint8Array => {
  const out = new Uint8Array(16)
  for (let i = 0; i < 8; i++) {
    out[i] = x[8 + i]!
    out[8 + i] = x[8 + i]! ^ x[i]!
  }
  return out
}

/** H(x, tweak) of each of the given blocks. */
const hash = (start: Uint8Array, tweak: number, ...blocks: readonly Uint8Array[]): Uint8Array[] => {
  const counter = new Uint8Array(16)
  new DataView(counter.buffer).setBigUint64(0, BigInt(tweak), true)
  const inputs = blocks.map(sigma)
  const outputs = ecb(xor(start, counter), { disablePadding: true }).encrypt(concatBytes(...inputs))
  return inputs.map((x, i) => xor(outputs.subarray(16 * i, 16 * i + 16), x))
}

type At = (slot: number, instance: number) => Uint8Array

function free(code: Int32Array, instances: number, at: At, delta: Uint8Array): void {
  for (let gate = 0; gate < code.length; gate += 4) {
    const [kind, a, b, out] = code.subarray(gate, gate + 4) as unknown as [number, number, number, number]
    for (let i = 0; i < instances; i++) {
      const label = kind === 0 ? xor(at(a, i), at(b, i)) : kind === 2 ? xor(at(a, i), delta) : where(a, delta)
      at(out, i).set(label)
    }
  }
}

/** Runs `gate` on all AND gates and instances; `number` counts them over the layers. */
function run(
  { code, instances, labels, tweak, stride }: LayersInput,
  delta: Uint8Array,
  gate: (number: number, tweak: number, a: Uint8Array, b: Uint8Array, out: Uint8Array) => void,
): Uint8Array {
  const state = labels.slice()
  const at: At = (slot, instance) => {
    const from = 16 * (slot * instances + instance)
    return state.subarray(from, from + 16)
  }
  let before = 0
  const and = (code: Int32Array): void => {
    const results: [out: Uint8Array, label: Uint8Array][] = []
    for (let k = 0; k < (code.length / 3) * instances; k++) {
      const [g, i] = [Math.floor(k / instances), k % instances]
      const label = new Uint8Array(16)
      const gateTweak = tweak + i * stride + 2 * (before + g)
      gate(before * instances + k, gateTweak, at(code[3 * g]!, i), at(code[3 * g + 1]!, i), label)
      results.push([at(code[3 * g + 2]!, i), label])
    }
    for (const [out, label] of results) out.set(label)
    before += code.length / 3
  }
  for (const layer of layersOf(code)) {
    free(layer.free, instances, at, delta)
    and(layer.and)
  }
  return state
}

export function garble(input: GarbleInput): Garbled {
  const { code, instances, start, delta } = input
  const tables = new Uint8Array(32 * gatesOf(code) * instances)
  const labels = run(input, delta, (number, tweak, a, b, out) => {
    const [pa, pb] = [colour(a), colour(b)]
    const [a0, a1] = hash(start, tweak, a, xor(a, delta)) as [Uint8Array, Uint8Array]
    const [b0, b1] = hash(start, tweak + 1, b, xor(b, delta)) as [Uint8Array, Uint8Array]
    const tg = xor(a0, a1, where(pb, delta))
    const te = xor(b0, b1, a)
    const wg = xor(a0, where(pa, tg))
    const we = xor(b0, where(pb, xor(te, a)))
    tables.set(tg, 32 * number)
    tables.set(te, 32 * number + 16)
    out.set(xor(wg, we))
  })
  return { labels, tables }
}

export function evaluate(input: EvaluateInput): Uint8Array {
  const { start, tables } = input
  return run(input, nothing, (number, tweak, a, b, out) => {
    const [tg, te] = [0, 16].map((at) => tables.subarray(32 * number + at, 32 * number + at + 16))
    const wg = xor(hash(start, tweak, a)[0]!, where(colour(a), tg!))
    const we = xor(hash(start, tweak + 1, b)[0]!, where(colour(b), xor(te!, a)))
    out.set(xor(wg, we))
  })
}
