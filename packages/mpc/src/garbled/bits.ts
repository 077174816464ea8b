/** Bits of wires over instances: bit `wire · instances + instance`, packed least significant first. */
import { planeWords } from '@tallystick/circuits'
import { labelBytes } from './messages.ts'

export const bitAt = (bits: Uint8Array, i: number): number => (bits[i >> 3]! >> (i & 7)) & 1

/** From planes of whole words a wire. */
export const packPlanes = (planes: Uint32Array, wires: number, instances: number): Uint8Array => {
  const out = new Uint8Array(Math.ceil((wires * instances) / 8))
  const words = planeWords(instances)
  for (let wire = 0, to = 0; wire < wires; wire++) {
    for (let i = 0; i < instances; i++, to++) {
      out[to >> 3]! |= ((planes[wire * words + (i >> 5)]! >>> (i & 31)) & 1) << (to & 7)
    }
  }
  return out
}

export const unpackPlanes = (bits: Uint8Array, wires: number, instances: number): Uint32Array => {
  const words = planeWords(instances)
  const out = new Uint32Array(wires * words)
  for (let wire = 0, from = 0; wire < wires; wire++) {
    for (let i = 0; i < instances; i++, from++) out[wire * words + (i >> 5)]! |= bitAt(bits, from) << (i & 31)
  }
  return out
}

/** Sets the colours (lowest bits) of the labels in the given slots of a block of instances. */
export const collectColours = (
  bits: Uint8Array,
  instances: number,
  block: { readonly from: number; readonly to: number },
  slots: Int32Array,
  labels: Uint8Array,
): void => {
  const width = block.to - block.from
  slots.forEach((slot, wire) => {
    for (let i = 0; i < width; i++) {
      const to = wire * instances + block.from + i
      bits[to >> 3]! |= (labels[labelBytes * (slot * width + i)]! & 1) << (to & 7)
    }
  })
}

/** out[i] = labels[i] ⊕ bit[i]·Δ for labels from … from + n of a wire, without a branch on a bit. */
export const activate = (
  out: Uint8Array,
  labels: Uint8Array,
  bits: Uint8Array,
  firstBit: number,
  difference: (i: number) => Uint8Array,
): void => {
  for (let i = 0; i < labels.length / labelBytes; i++) {
    const mask = -bitAt(bits, firstBit + i)
    const delta = difference(i)
    for (let k = 0; k < labelBytes; k++) out[labelBytes * i + k] = labels[labelBytes * i + k]! ^ (mask & delta[k]!)
  }
}
