/** Public bits, sliced as {@link Bits} are. */
import { planeWords, type Ring, type Words } from './backend.ts'
import { limbsOf } from './words.ts'

/** Zeros after the last element of each plane. */
export const trimPlanes = (planes: Uint32Array, length: number): Uint32Array => {
  const stride = planeWords(length)
  const out = planes.slice()
  const [whole, part] = [length >>> 5, length & 31]
  for (let at = 0; at < out.length; at += stride) {
    if (part > 0) out[at + whole]! &= 2 ** part - 1
    out.fill(0, at + whole + (part > 0 ? 1 : 0), at + stride)
  }
  return out
}

/** Each bit as an element 0 or 1 of the ring, plane by plane. */
export const elementsOfPlanes = (ring: Ring, planes: Uint32Array, length: number): Words => {
  const [limbs, stride] = [limbsOf(ring), planeWords(length)]
  const width = stride === 0 ? 0 : planes.length / stride
  const out = new Uint32Array(limbs * length * width)
  for (let plane = 0, to = 0; plane < width; plane++) {
    const at = plane * stride
    for (let i = 0; i < length; i++, to += limbs) out[to] = (planes[at + (i >>> 5)]! >>> (i & 31)) & 1
  }
  return out
}

/** One plane from bits as 0 and 1. */
export const planeOfBits = (bits: ArrayLike<number>): Uint32Array => {
  const out = new Uint32Array(planeWords(bits.length))
  for (let i = 0; i < bits.length; i++) out[i >>> 5]! |= (bits[i]! & 1) << (i & 31)
  return out
}
