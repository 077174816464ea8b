/**
 * A page that encrypts, submits and decrypts: the clients of encrypted scoring and lookup, in whole sessions over a
 * WebSocket; and the pool of SEAL workers by itself. The test calls what is put on `window`.
 */
import { randomBytes } from '@noble/hashes/utils.js'
import { commitDataset } from '@tallystick/attestation'
import { fromHex, taggedDigest, type Hex } from '@tallystick/core'
import { largestModulus, lookup, lookupInput, ringFor, scoring, scoringInput } from '@tallystick/homomorphic'
import { browserSealPool } from '@tallystick/homomorphic/pool/browser'
import { rlweEvaluate, type RlweEvaluateInput } from '@tallystick/kernels'
import { wasmEngine } from '@tallystick/kernels/engine'
import type { AnyProtocol } from '@tallystick/protocol'
import { createSigner, dialWebSocket, memoryJournals, parseTerms, runSession } from '@tallystick/session'

/** Put in by the build: the digest of the sources that it bundled. */
declare const codeDigest: Hex

const key = randomBytes(32)
const signer = createSigner(key)

const runnable: Readonly<Record<string, { readonly protocol: AnyProtocol; readonly input: typeof scoringInput }>> = {
  [scoring.id]: { protocol: scoring, input: scoringInput },
  [lookup.id]: { protocol: lookup, input: lookupInput as never },
}

interface Rows {
  readonly bytes: readonly number[]
  readonly offsets: readonly number[]
}

/** Runs the client's side of the terms on these rows; its output, typed arrays as arrays. */
const runClient = async (text: string, rows: Rows, url: string): Promise<string> => {
  const terms = parseTerms(JSON.parse(text))
  const { protocol, input } = runnable[terms.protocol.id]!
  const committed = { bytes: Uint8Array.from(rows.bytes), offsets: Uint32Array.from(rows.offsets) }
  const [peer] = terms.parties.filter(({ role }) => role !== 'client')
  await using pool = browserSealPool({ workers: 1 })
  const session = await runSession({
    ...{ terms, role: 'client', protocol, code: codeDigest, signer, pool, journals: memoryJournals() },
    links: async (signal) => ({ [peer!.role]: await dialWebSocket(url, { peer: peer!.role, signal }) }),
    input: input(committed, 'client', terms.parameters),
    commitInput: (sessionId) =>
      commitDataset(committed, {
        partySecret: taggedDigest('tallystick/homomorphic-page/v1', key),
        sessionId: fromHex(sessionId),
        datasetId: taggedDigest('tallystick/homomorphic-page-dataset/v1'),
      }),
  })
  await session.close()
  return JSON.stringify(session.output, (_, value: unknown) =>
    ArrayBuffer.isView(value) ? Array.from(value as Uint8Array) : value,
  )
}

const inputOf = (negations: number): RlweEvaluateInput => {
  const { degree, moduli, data, plainModulus } = ringFor(17, 60, Number(Object.keys(largestModulus)[0]))!
  const residues = new BigUint64Array(2 * data.length * degree).map((_, i) => BigInt(i * 7919))
  return {
    ...{ degree, moduli, plainModulus, plains: [], outputs: [0] },
    program: [['multiply', 0, 0, 0], ...Array.from({ length: negations }, () => ['negate', 0, 0] as const)],
    inputs: [{ level: data.length, size: 2, correction: 1n, scale: 1, residues }],
    keys: { id: '', targets: new Uint32Array(), first: new BigUint64Array(), second: new BigUint64Array() },
  }
}

const nameOf = (reason: unknown): string => (reason as { code?: string; message: string }).code ?? String(reason)

/** What a pool of one worker makes of good calls, wrong ones, too many, and an abort. */
const tryPool = async (): Promise<unknown> => {
  await using pool = browserSealPool({ workers: 1, queue: 1 })
  const input = inputOf(0)
  const [mine] = await pool.run(rlweEvaluate, input)
  const engine = await wasmEngine()
  const [expected] = engine['rlwe/evaluate']!(input as never) as [{ readonly residues: BigUint64Array }]
  const misuse = await pool.run(rlweEvaluate, { ...input, program: [['relinearise', 0, 0]] }).catch(nameOf)
  const controller = new AbortController()
  const calls = [
    pool.run(rlweEvaluate, inputOf(100_000), controller.signal),
    pool.run(rlweEvaluate, input),
    pool.run(rlweEvaluate, input),
  ].map((call) => call.then(() => 'done', nameOf))
  const refused = await calls[2]!
  setTimeout(() => controller.abort(new Error('enough')), 30)
  return {
    equal: mine!.residues.every((residue, i) => residue === expected.residues[i]),
    kept: input.inputs[0]!.residues.length > 0,
    ...{ misuse, refused, aborted: await calls[0]!, after: await calls[1]! },
  }
}

Object.assign(window, { tally: { address: signer.address, runClient, tryPool } })
