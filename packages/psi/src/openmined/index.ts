/**
 * The wire format of `@openmined/psi.js` 2.0.6 (OpenMined PSI, C++), both ends: private set intersection by
 * Diffie-Hellman on P-256 with protobuf messages, for partners who run that library.
 *
 *     client (n rows X, key c)                                  server (m rows Y, key s)
 *     ------------------------------------------------------------------------------------------
 *                          setup: s H(Y), sorted; raw, Golomb-coded or in a Bloom filter
 *                          <--------------------------------
 *                          request: c H(X), in order; whether places are to be revealed
 *                          -------------------------------->
 *                          response: s c H(X); sorted unless revealed
 *                          <--------------------------------
 *     c^-1 s c H(x) in the setup: rows (revealed), or how many
 *
 * **An interop codec, and no protocol of this library**: nothing here is attested, committed, journaled, signed or
 * replayed, the bytes are those of psi.js and are carried by the caller. Between two parties who both run Tallystick, take
 * `psi/ecdh` or `psi/rr22`.
 *
 * Adversary. Semi-honest, under decisional Diffie-Hellman on P-256 with the hash as a random oracle (about 128 bits). A
 * client may ask about guessed rows, as many as it likes; a server may answer from another set. `reveal: false` hides
 * which rows are common from an honest client only as long as each setup is used with one request: a server that answers
 * one client twice under one key lets it compare two sizes.
 *
 * Leakage. The client learns m (raw: exactly; Golomb-coded or Bloom: about) and, with a setup kept, may later learn more
 * from the same server key by asking again. The server learns n. A setup reused over time shows the client which of the
 * server's rows stayed (raw: equal points). Golomb-coded sets and Bloom filters give false positives at the rate agreed,
 * for the whole request and not for a row.
 *
 * Constant time. By the kernels `p256/*`: in the scalar, where the machine fuses multiply-add in WebAssembly; elsewhere
 * noble's BigInt arithmetic runs, which is **not**. The hash tries until it finds a point, so its time depends on the rows
 * everywhere. The inverse of the client's key is a BigInt.
 */
import { concatBytes, TallyError, utf8ToBytes } from '@tallystick/core'
import { p256HashScale, p256PointBytes, p256Scale } from '@tallystick/kernels'
import { referenceEngine, runKernel, type Engine } from '@tallystick/protocol'
import { checkKey, inverseKey } from './key.ts'
import { decodeRequest, decodeResponse, decodeSetup, encodeRequest, encodeResponse, encodeSetup } from './messages.ts'
import { members, setupOf, sortRows, type Structure } from './structures.ts'

export { keyBytes, keyFromCoins } from './key.ts'
export type { Structure } from './structures.ts'

export interface Options {
  /** 32 bytes, big endian, in [1, n): {@link keyFromCoins} makes one. A key serves one client, and one setup if it can. */
  readonly key: Uint8Array
  /** Whether the client learns which rows are common, or only how many; both ends must say the same. */
  readonly reveal: boolean
  /** `nodeEngine()` under Node: ten times faster than the reference. */
  readonly engine?: Engine
}

export interface SetupOptions {
  readonly structure: Structure
  /** Probability that any of the client's rows is taken for common without being so; `raw` has none. */
  readonly falsePositiveRate: number
  /** How many rows the client will ask about. */
  readonly clientRows: number
}

export interface Server {
  /** @throws TallyError api/misuse for a rate that the structure cannot have */
  setup(rows: readonly string[], options: SetupOptions): Uint8Array
  /** @throws TallyError decode/*, peer/misbehaved, peer/incompatible, each with the blame on the client */
  respond(request: Uint8Array): Uint8Array
}

export interface Client {
  request(rows: readonly string[]): Uint8Array
  /**
   * Places in the request of the common rows, ascending.
   * @throws TallyError decode/*, peer/misbehaved with the blame on the server; api/misuse where nothing is revealed
   */
  intersection(setup: Uint8Array, response: Uint8Array): number[]
  intersectionSize(setup: Uint8Array, response: Uint8Array): number
}

const messagesOf = (rows: readonly string[]) => {
  const encoded = rows.map((row) => utf8ToBytes(row))
  const offsets = new Uint32Array(rows.length + 1)
  for (const [i, row] of encoded.entries()) offsets[i + 1] = offsets[i]! + row.length
  return { bytes: concatBytes(...encoded), offsets }
}

/** What does not decode is the fault of who sent it. */
const from = <T>(peer: string, decode: () => T): T => {
  try {
    return decode()
  } catch (error) {
    if (!(error instanceof TallyError) || error.area !== 'decode') throw error
    const remedy = `ask the ${peer} for a message of @openmined/psi.js 2.0.6`
    throw new TallyError(error.code, { peer }, `from the ${peer}: ${error.message}`, { remedy, cause: error })
  }
}

const scaled = (peer: string, engine: Engine, scalar: Uint8Array, points: Uint8Array): Uint8Array => {
  const { points: out, bad } = runKernel(engine, p256Scale, { scalar, points })
  if (bad < 0) return out
  throw new TallyError('peer/misbehaved', { peer }, `element ${bad} of the ${peer} is no point of P-256`, {
    remedy: `ask the ${peer} which software it runs`,
  })
}

/** @throws TallyError api/misuse unless the key is in range */
export const createServer = ({ key, reveal, engine = referenceEngine }: Options): Server => {
  const scalar = checkKey(key)
  return {
    setup(rows, { structure, falsePositiveRate, clientRows }) {
      const points = runKernel(engine, p256HashScale, { scalar, ...messagesOf(rows) })
      return encodeSetup(setupOf(structure, points, falsePositiveRate, clientRows))
    },
    respond(bytes) {
      const request = from('client', () => decodeRequest(bytes))
      if (request.reveal !== reveal) {
        const [wanted, agreed] = [request.reveal, reveal].map((flag) => (flag ? 'reveals' : 'hides'))
        throw new TallyError(
          'peer/incompatible',
          { peer: 'client' },
          `the client's request ${wanted} which rows are common, this server ${agreed} it`,
          { remedy: 'agree on one of both' },
        )
      }
      const points = scaled('client', engine, scalar, request.points)
      return encodeResponse(reveal ? points : sortRows(points))
    },
  }
}

/** @throws TallyError api/misuse unless the key is in range */
export const createClient = ({ key, reveal, engine = referenceEngine }: Options): Client => {
  const scalar = checkKey(key)
  /** Rows of the last request; a client that another process asked for does not know. */
  let asked: number | undefined
  const common = (setup: Uint8Array, response: Uint8Array): number[] => {
    const points = scaled(
      'server',
      engine,
      inverseKey(scalar),
      from('server', () => decodeResponse(response)),
    )
    const answered = points.length / p256PointBytes
    if (answered !== (asked ?? answered)) {
      const message = `asked about ${asked} rows, the server answers ${answered}`
      throw new TallyError('peer/misbehaved', { peer: 'server' }, message, {
        remedy: 'ask the server for the response to this request',
      })
    }
    const found = from('server', () => members(decodeSetup(setup), points, engine))
    return found.flatMap((member, i) => (member ? [i] : []))
  }
  return {
    request(rows) {
      asked = rows.length
      return encodeRequest({ reveal, points: runKernel(engine, p256HashScale, { scalar, ...messagesOf(rows) }) })
    },
    intersection(setup, response) {
      if (reveal) return common(setup, response)
      throw new TallyError('api/misuse', 'self', 'openmined: this client agreed to learn the size alone')
    },
    intersectionSize: (setup, response) => common(setup, response).length,
  }
}
