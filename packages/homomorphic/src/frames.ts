/**
 * Ciphertexts and keys as bytes: a header that binds what follows to one plan, one key and one place in it, then the
 * residues of `wire.ts`. A frame of another context, kind, place, level or length is refused before a kernel has it.
 *
 *     "TLHE" | version 1 | kind | scheme | components | level u16 | reserved u16 | index u32 | context, 16 bytes | residues
 */
import { concatBytes, taggedDigest, TallyError, utf8ToBytes } from '@tallystick/core'
import type { Ring } from './parameters.ts'
import { pack, packedBytes, unpack } from './wire.ts'

/** What a frame holds; `seeded` are first components whose second ones a public seed stands for. */
export type FrameKind = 'public-key' | 'switch-key' | 'seeded' | 'ciphertext' | 'result'
const kinds: readonly FrameKind[] = ['public-key', 'switch-key', 'seeded', 'ciphertext', 'result']

export interface FrameShape {
  readonly kind: FrameKind
  readonly ring: Ring
  /** {@link contextOf} the ring and the key. */
  readonly context: Uint8Array
  /** Polynomials modulo each prime. */
  readonly components: number
  /** Primes: data primes that are left, or all with the special one for switching keys. */
  readonly level: number
  readonly index: number
}

const contextBytes = 16
export const headerBytes = 16 + contextBytes
const magic = [0x54, 0x4c, 0x48, 0x45]

/** Names a key and what it is a key of: 16 bytes of a digest of ring and public seed. Another key has another name. */
export const contextOf = (ring: Ring, publicSeed: Uint8Array): Uint8Array =>
  taggedDigest(
    'tallystick/homomorphic-context/v1',
    utf8ToBytes(`${ring.degree}/${ring.moduli.join()}/${ring.plainModulus}`),
    publicSeed,
  ).slice(0, contextBytes)

const moduliOf = ({ ring, level, kind }: FrameShape): BigUint64Array =>
  kind === 'switch-key' ? ring.moduli : ring.data.subarray(0, level)

export const frameBytes = (shape: FrameShape): number =>
  headerBytes + packedBytes(shape.ring.degree, moduliOf(shape), shape.components)

const headerOf = (shape: FrameShape): Uint8Array => {
  const out = new Uint8Array(headerBytes)
  const scheme = shape.ring.plainModulus === 0n ? 2 : 1
  out.set([...magic, 1, kinds.indexOf(shape.kind), scheme, shape.components])
  const view = new DataView(out.buffer)
  view.setUint16(8, shape.level)
  view.setUint32(12, shape.index)
  out.set(shape.context, 16)
  return out
}

export const encodeFrame = (shape: FrameShape, residues: BigUint64Array): Uint8Array =>
  concatBytes(headerOf(shape), pack(shape.ring.degree, moduliOf(shape), residues))

const refused = (peer: string, expected: string): TallyError =>
  new TallyError('peer/misbehaved', { peer }, `expected ${expected} from ${peer}, found another`, {
    remedy: `ask ${peer} which software it runs, and for which job and key this was made`,
  })

/** Fields of the header that can be wrong, in order. */
const fields: readonly (readonly [from: number, to: number, what: string])[] = [
  [0, 5, 'a frame of this format and version'],
  [5, 6, 'another kind of frame here: a frame of the kind that stands at this place'],
  [6, 7, 'a frame of the scheme of the plan'],
  [7, 8, 'as many components as stand at this place'],
  [8, 12, 'a frame of the level of the plan'],
  [12, 16, 'the frame whose turn it is'],
  [16, headerBytes, 'a frame under the key and the ring of this job'],
]

/** @throws TallyError peer/misbehaved for any frame but one of this shape, and for residues that are not below their primes */
export const decodeFrame = (shape: FrameShape, bytes: Uint8Array, peer: string): BigUint64Array => {
  if (bytes.length !== frameBytes(shape)) {
    throw refused(peer, `a frame of ${frameBytes(shape)} bytes (found ${bytes.length})`)
  }
  const header = headerOf(shape)
  for (const [from, to, what] of fields) {
    for (let i = from; i < to; i++) if (bytes[i] !== header[i]) throw refused(peer, what)
  }
  return unpack(shape.ring.degree, moduliOf(shape), shape.components, bytes.subarray(headerBytes), peer)
}
