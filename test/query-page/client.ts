/**
 * What asks, in a worker: it loads a version of a table by its digests, prepares queries ahead of time, and runs whole
 * sessions over a WebSocket. Units live in memory: a closed page has burned them.
 */
import { randomBytes } from '@noble/hashes/utils.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { commitDataset } from '@tallystick/attestation'
import {
  bytesToUtf8,
  concatBytes,
  createRng,
  fromHex,
  taggedDigest,
  toHex,
  utf8ToBytes,
  type Hex,
} from '@tallystick/core'
import { resident, wasmEngine } from '@tallystick/kernels/engine'
import { inlinePool } from '@tallystick/kernels/pool/browser'
import {
  answerAt,
  askerRows,
  bindUnits,
  computing,
  expandMatrix,
  linesOf,
  listDigest,
  makeUnits,
  pirInput,
  runLocally,
  simplePirQuery,
  versionDigest,
  wordsOver,
  type Answers,
  type PirParameters,
  type PirVersion,
} from '@tallystick/query'
import { createSigner, dialWebSocket, memoryJournals, parseTerms, runSession, type Terms } from '@tallystick/session'

/** Put in by the build: the digest of the sources that it bundled. */
declare const codeDigest: Hex

export interface Asked {
  readonly status: 'found' | 'absent' | 'spoiled'
  readonly value?: string
  readonly milliseconds: number
}

export interface Client {
  /** Fetches a version of a table and checks it; tells the address of this asker's key. */
  load(url: string): Promise<Hex>
  /** Makes units; tells how many are there. */
  prepare(): Promise<number>
  /** @param holder where the holder listens: it answers a GET at /terms?address=…&root=… and WebSockets at /query */
  ask(id: string, holder: string): Promise<Asked>
}

const bytesAt = async (url: string): Promise<Uint8Array> => new Uint8Array(await (await fetch(url)).arrayBuffer())

interface Loaded {
  readonly version: PirVersion
  readonly a: Uint32Array<ArrayBuffer>
  readonly hint: Uint32Array<ArrayBuffer>
  readonly stash: Uint8Array
}

const unitsAtOnce = 4

export const createClient = (): Client => {
  const key = randomBytes(32)
  const signer = createSigner(key)
  let loaded: Loaded | undefined
  let prepared: { readonly root: Hex; readonly units: readonly Uint8Array[]; used: number } | undefined

  const load = async (url: string): Promise<Hex> => {
    const version = JSON.parse(bytesToUtf8(await bytesAt(`${url}table.json`))) as PirVersion
    const [hintBytes, stash] = await Promise.all([bytesAt(`${url}hint.bin`), bytesAt(`${url}stash.bin`)])
    if (toHex(sha256(hintBytes)) !== version.hint || listDigest(stash) !== version.stash) {
      throw new Error('the table is not the one that its description names')
    }
    const engine = await wasmEngine()
    const a = wordsOver(resident(4096 * version.shape.columns))
    const aBytes = new Uint8Array(a.buffer, a.byteOffset, a.byteLength)
    runLocally(expandMatrix(computing, fromHex(version.seed), version.shape, aBytes), engine)
    const hint = resident(4096 * linesOf(version.shape))
    hint.set(hintBytes)
    loaded = { version, a, hint: wordsOver(hint), stash }
    return signer.address
  }

  const prepare = async (): Promise<number> => {
    const { version, a, hint } = loaded!
    const rng = createRng(randomBytes(32))
    const bodies = runLocally(makeUnits(computing, version.shape, a, hint, rng, unitsAtOnce), await wasmEngine())
    prepared = { ...bindUnits(bodies), used: 0 }
    return unitsAtOnce
  }

  const termsFrom = async (holder: string, root: Hex): Promise<Terms> => {
    const terms = parseTerms(await (await fetch(`${holder}/terms?address=${signer.address}&root=${root}`)).json())
    const { table, matrix, publicKey } = terms.parameters as unknown as PirParameters
    const { version } = loaded!
    const own = terms.parties.find(({ role }) => role === 'asker')
    const ours = terms.resources?.['asker']?.['query/prepared'] === root && own?.signer === signer.address
    if (!ours || table !== versionDigest(version) || matrix !== version.matrix || publicKey !== version.publicKey) {
      throw new Error('the terms are not about this asker, its prepared queries and this version')
    }
    return terms
  }

  const ask = async (id: string, holder: string): Promise<Asked> => {
    if (prepared === undefined || prepared.used === prepared.units.length) await prepare()
    const store = prepared!
    const terms = await termsFrom(holder, store.root)
    const began = performance.now()
    const bytes = utf8ToBytes(id)
    const rows = askerRows({ bytes, offsets: Uint32Array.of(0, bytes.length) }, loaded!.stash)
    const commit = (sessionId: Hex): { readonly root: Uint8Array } =>
      commitDataset(rows, {
        partySecret: taggedDigest('tallystick/query-page/v1', key),
        sessionId: fromHex(sessionId),
        datasetId: taggedDigest('tallystick/query-page-dataset/v1'),
      })
    const burned = new Map<string, Uint8Array>()
    const session = await runSession({
      terms,
      role: 'asker',
      protocol: simplePirQuery,
      code: codeDigest,
      signer,
      links: async (signal) => ({
        holder: await dialWebSocket(`${holder.replace(/^http/, 'ws')}/query`, { peer: 'holder', signal }),
      }),
      input: pirInput(rows, 'asker', terms.parameters),
      commitInput: commit,
      pool: inlinePool(),
      journals: memoryJournals(),
      correlations: {
        digest: () => store.root,
        async reserve(_, count, step) {
          const units = burned.get(step) ?? concatBytes(...store.units.slice(store.used, (store.used += count)))
          burned.set(step, units)
          return units
        },
      },
    })
    await session.close()
    const answer = answerAt(session.output as Answers, 0)
    const milliseconds = performance.now() - began
    return answer.status === 'found'
      ? { status: 'found', value: bytesToUtf8(answer.value), milliseconds }
      : { status: answer.status, milliseconds }
  }

  return { load, prepare, ask }
}
