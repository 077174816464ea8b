/**
 * Residues as bytes: each in as many bytes as its prime needs, little endian, primes and components in order. Nothing of
 * it is a format of SEAL: a partner's bytes are checked here, each residue against its prime, and SEAL is given what we
 * write (`seal/format.ts`).
 */
import { TallyError } from '@tallystick/core'
import { bitLength } from './parameters.ts'

const widthOf = (q: bigint): number => Math.ceil(bitLength(q) / 8)

/** Bytes of `components` polynomials modulo each prime. */
export const packedBytes = (degree: number, moduli: BigUint64Array, components: number): number =>
  components * degree * moduli.reduce((sum, q) => sum + widthOf(q), 0)

const halves = (residues: BigUint64Array): Uint32Array =>
  new Uint32Array(residues.buffer, residues.byteOffset, 2 * residues.length)

/** `residues`: components × primes × degree. */
export const pack = (degree: number, moduli: BigUint64Array, residues: BigUint64Array): Uint8Array => {
  const components = residues.length / (degree * moduli.length)
  const out = new Uint8Array(packedBytes(degree, moduli, components))
  const words = halves(residues)
  let at = 0
  for (let part = 0; part < components * moduli.length; part++) {
    const width = widthOf(moduli[part % moduli.length]!)
    for (let i = 2 * part * degree; i < 2 * (part + 1) * degree; i += 2) {
      let [low, high] = [words[i]!, words[i + 1]!]
      for (let byte = 0; byte < 4; byte++, low >>>= 8) out[at + byte] = low
      for (let byte = 4; byte < width; byte++, high >>>= 8) out[at + byte] = high
      at += width
    }
  }
  return out
}

const refused = (peer: string, message: string): TallyError =>
  new TallyError('peer/misbehaved', { peer }, message, { remedy: `ask ${peer} which software it runs` })

/** @throws TallyError peer/misbehaved for another length, or a residue that is not below its prime */
export const unpack = (
  degree: number,
  moduli: BigUint64Array,
  components: number,
  bytes: Uint8Array,
  peer: string,
): BigUint64Array => {
  const length = packedBytes(degree, moduli, components)
  if (bytes.length !== length) {
    throw refused(peer, `expected a ciphertext of ${length} bytes from ${peer}, found ${bytes.length}`)
  }
  const out = new BigUint64Array(components * moduli.length * degree)
  const words = halves(out)
  const to = new Uint8Array(out.buffer)
  let at = 0
  for (let part = 0; part < components * moduli.length; part++) {
    const q = moduli[part % moduli.length]!
    const width = widthOf(q)
    const [qLow, qHigh] = [Number(q & 0xffffffffn), Number(q >> 32n)]
    let above = 0
    for (let i = part * degree; i < (part + 1) * degree; i++) {
      for (let byte = 0; byte < width; byte++) to[8 * i + byte] = bytes[at + byte]!
      at += width
      const high = words[2 * i + 1]!
      if (high > qHigh || (high === qHigh && words[2 * i]! >= qLow)) above++
    }
    if (above > 0) throw refused(peer, `expected residues below their prime from ${peer}, found ${above} above`)
  }
  return out
}
