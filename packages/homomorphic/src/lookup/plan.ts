/** Which ring, bins and polynomials an encrypted lookup needs, from public sizes alone. */
import { TallyError } from '@tallystick/core'
import { bitLength, largestModulus, ringFor, type Ring } from '../parameters.ts'
import { packedBytes } from '../wire.ts'

/** Public parameters, as they stand in the signed terms. */
export interface Parameters {
  /** Keys that the client asks for, and rows of the holder. */
  readonly sizes: { readonly client: number; readonly holder: number }
  /** Most bytes of a row's value. */
  readonly valueBytes: number
  /** What the cells of a value are, where the parties say so. Nothing is computed from it. */
  readonly columns?: readonly string[]
}

export interface Plan {
  readonly ring: Ring
  /** Of the cuckoo table: half as many as slots, for a key has two residues. */
  readonly bins: number
  /** Polynomials that the rows of a bin are shared out to. */
  readonly partitions: number
  /** Most rows of a bin in one of them: their degree, and so many powers the client sends. */
  readonly degree: number
  /** Polynomials that carry values, of 62 bits each, beside the one that tells whether there is a row. */
  readonly labels: number
  /** The masks' noise is uniform over 2^floodBits values times t. */
  readonly floodBits: number
  /** Primes left in a reply. */
  readonly level: number
}

export const statisticalBits = 40
/** So many keys find a place in the smallest table except with probability 2^-40; see `index.ts`. */
export const maxKeys = 1024
const maxTableRows = 1 << 20
export const maxValueBytes = 1024

/** Residues of a key: both have to be those of one row. */
export const residuesOfKey = 2
/** Bits of a value in one residue. */
export const residueBits = 31
/** Before a value: its length. */
export const lengthBytes = 2
const plainBits = 32
/** Polynomials of values that one call of a kernel makes: some ten MB. */
const labelsOfCall = 12

/** [from, to) of the labels of each call; the first call makes the polynomial P besides. */
export const labelGroups = ({ labels }: Plan): readonly (readonly [from: number, to: number])[] =>
  Array.from({ length: Math.ceil(labels / labelsOfCall) }, (_, i) => [
    i * labelsOfCall,
    Math.min(labels, (i + 1) * labelsOfCall),
  ])

const whole = (n: unknown, least: number, most: number): n is number =>
  Number.isInteger(n) && Number(n) >= least && Number(n) <= most && !Object.is(n, -0)

/** @throws TallyError terms/malformed */
export const parseParameters = (value: unknown): Parameters => {
  const { sizes, valueBytes, columns, ...rest } = (value ?? {}) as Readonly<Record<string, unknown>>
  const { client, holder, ...others } = (sizes ?? {}) as Readonly<Record<string, unknown>>
  const exact = Object.keys(rest).length === 0 && Object.keys(others).length === 0
  if (exact && whole(client, 1, maxKeys) && whole(holder, 1, maxTableRows) && whole(valueBytes, 0, maxValueBytes)) {
    const plain = { sizes: { client, holder }, valueBytes }
    if (columns === undefined) return plain
    const named = Array.isArray(columns) && columns.every((name) => typeof name === 'string')
    if (named && columns.length <= 100) return { ...plain, columns }
  }
  const expected = `{ sizes: { client: 1 to ${maxKeys}, holder: 1 to ${maxTableRows} }, valueBytes: 0 to ${maxValueBytes} }, columns or not,`
  throw new TallyError(
    'terms/malformed',
    'self',
    `homomorphic/lookup parameters: expected ${expected} and nothing else`,
  )
}

/**
 * The least number that no bin exceeds except with probability 2^-41, when each of `rows` is thrown into `bins` three
 * times: the tail of a binomial distribution, times the bins. Sums and quotients of doubles only, which are the same
 * everywhere; nothing here is near enough to the bound for their rounding to matter to security.
 */
export const largestBin = (rows: number, bins: number): number => {
  const throws = 3 * rows
  const odds = 1 / (bins - 1)
  const mode = Math.floor((throws + 1) / bins)
  // Weights relative to the mode's, upwards until they are gone; the sum of all is at least that of one side.
  const weights = [1]
  for (let k = mode; k < throws && weights.at(-1) > 1e-40; k++) {
    weights.push(weights.at(-1) * ((throws - k) / (k + 1)) * odds)
  }
  const all = weights.reduce((sum, weight) => sum + weight, 0)
  let tail = 0
  for (let over = weights.length - 1; over >= 0; over--) {
    tail += weights[over]!
    if ((tail / all) * bins > 2 ** -41) return Math.min(rows, mode + over)
  }
  return Math.min(rows, mode)
}

/** Polynomials for values: 62 bits each. */
export const labelsFor = (valueBytes: number): number =>
  Math.ceil((8 * (lengthBytes + valueBytes)) / (residuesOfKey * residueBits))

/** Most of a centred binomial error. */
const errorBound = 21n

/**
 * Noise, over t. The phase of a power is t·e + m with |e| ≤ 21 and |m| ≤ t/2, below 22·t. Times a plaintext, whose n
 * coefficients are at most t/2, it is below 11·n·t²; a polynomial sums `degree` of them and a constant. The mask adds
 * t·(u·e' + e_0 + e_1·s), at most t·21·(2n + 1), and the flood. Uniform over 2^b values the flood hides a shift of up to B
 * within B/2^b a coefficient: b = 40 + the bits of B + those of the number of coefficients of all replies.
 */
const noiseOf = (ringDegree: number, degree: number, replies: number) => {
  const hidden =
    2n + 11n * BigInt(ringDegree) * (1n << BigInt(plainBits)) * BigInt(degree) + errorBound * BigInt(2 * ringDegree + 1)
  const floodBits = statisticalBits + bitLength(hidden) + bitLength(BigInt(replies * ringDegree))
  return { hidden, floodBits }
}

/**
 * Fewest primes that a reply may be brought down to: switching divides the phase by the primes that go and adds less than
 * t·(n + 2) for each. What is switched is masked already, so that this takes nothing from the mask.
 */
const levelOf = ({ degree, data, plainModulus }: Ring, hidden: bigint, floodBits: number): number => {
  const phase = plainModulus * ((1n << BigInt(floodBits - 1)) + hidden + 1n)
  for (let level = 1; level < data.length; level++) {
    const product = (primes: BigUint64Array): bigint => primes.reduce((all, q) => all * q, 1n)
    const left = phase / product(data.subarray(level)) + BigInt(data.length - level) * plainModulus * BigInt(degree + 2)
    if (2n * left < product(data.subarray(0, level))) return level
  }
  return data.length
}

/** The chance that a key without a row is taken for one with: both residues met in one polynomial by different rows. */
const isRare = ({ sizes }: Parameters, partitions: number, degree: number, t: bigint): boolean =>
  (BigInt(sizes.client) * BigInt(partitions) * BigInt(degree) ** 2n) << BigInt(statisticalBits) <= t * t

const shared = (parameters: Parameters, ringDegree: number, partitions: number): Plan | undefined => {
  const bins = ringDegree / residuesOfKey
  const degree = Math.ceil(largestBin(parameters.sizes.holder, bins) / partitions)
  const labels = labelsFor(parameters.valueBytes)
  const { hidden, floodBits } = noiseOf(ringDegree, degree, partitions * (1 + labels))
  const ring = ringFor(plainBits, plainBits + floodBits + 2, ringDegree)
  if (ring === undefined || !isRare(parameters, partitions, degree, ring.plainModulus)) return undefined
  return { ring, bins, partitions, degree, labels, floodBits, level: levelOf(ring, hidden, floodBits) }
}

/** Bytes of powers and replies. */
export const ciphertextBytes = ({ ring, partitions, degree, labels, level }: Plan) => ({
  power: packedBytes(ring.degree, ring.data, 1),
  powers: degree * packedBytes(ring.degree, ring.data, 1),
  reply: packedBytes(ring.degree, ring.data.subarray(0, level), 2),
  replies: partitions * (1 + labels) * packedBytes(ring.degree, ring.data.subarray(0, level), 2),
})

const plans = new Map<string, Plan>()

/** The fewest bytes that do it. @throws TallyError terms/unsupported where no ring has room for it */
export const planOf = (parameters: Parameters): Plan => {
  const name = JSON.stringify([parameters.sizes, parameters.valueBytes])
  const known = plans.get(name)
  if (known !== undefined) return known
  for (const ringDegree of Object.keys(largestModulus).map(Number)) {
    const most = largestBin(parameters.sizes.holder, ringDegree / residuesOfKey)
    const choices = Array.from({ length: Math.min(most, 64) }, (_, i) => shared(parameters, ringDegree, i + 1))
    const bytesOf = (plan: Plan): number => ciphertextBytes(plan).powers + ciphertextBytes(plan).replies
    const [best] = choices.filter((plan) => plan !== undefined).toSorted((a, b) => bytesOf(a) - bytesOf(b))
    if (best === undefined) continue
    plans.clear()
    plans.set(name, best)
    return best
  }
  throw new TallyError('terms/unsupported', 'self', 'no ring of 128 bits of security has room for this lookup', {
    remedy: 'ask for fewer keys at a time',
  })
}
