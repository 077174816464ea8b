/** Real protocols through the session, and what the driver promises: slow kernels are kept, memory is bounded. */
import { flatRows, TallyError, toHex, utf8ToBytes } from '@tallystick/core'
import { programProtocol } from '@tallystick/mpc'
import { defineProtocol, message, simulate, start, type Context, type Kernel, type Routine } from '@tallystick/protocol'
import { ecdh, type Items } from '@tallystick/psi'
import { runSession, sessionSeed, jointCoin, runOf, type Progress } from '@tallystick/session'
import { createRng, fromHex } from '@tallystick/core'
import { describe, expect, it } from 'vitest'
import { maskedSum, roles, zeroCorrelation, zeroDigest, zeroShares, zeroStore, type Role } from './masked-sum.ts'
import { fastClock, inlinePool, optionsOf, runAll, setting } from './fixture.ts'

const itemsOf = (rows: readonly string[]): Items => {
  const encoded = rows.map(utf8ToBytes)
  const offsets = new Uint32Array(rows.length + 1)
  encoded.forEach((row, i) => (offsets[i + 1] = offsets[i]! + row.length))
  return { bytes: Uint8Array.from(encoded.flatMap((row) => [...row])), offsets }
}

const rowsOf = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `id-${from + i}`)

describe('psi/ecdh', () => {
  const parameters = { sizes: { receiver: 30, sender: 40 }, output: 'intersection', to: 'receiver', chunkRows: 8 }
  const data = (rows: number) => ({ source: 's', column: 'c', normalisation: 'n', duplicates: 'refuse', rows }) as const
  const changes = { receivers: ['receiver'], data: { receiver: data(30), sender: data(40) } }
  const inputs = { receiver: itemsOf(rowsOf(0, 30)), sender: itemsOf(rowsOf(20, 60)) }

  it('finds the intersection, and says nothing to who is not to learn', async () => {
    const { receiver, sender } = await runAll(setting(ecdh, parameters, inputs, changes))
    expect(receiver!.output).toEqual({ kind: 'intersection', rows: Uint32Array.from({ length: 10 }, (_, i) => 20 + i) })
    expect(sender!.output).toEqual({ kind: 'none' })
  })

  it('is a function of terms, input, seed and inbox: the evidence runs again to the attested frames', async () => {
    const given = setting(ecdh, parameters, inputs, changes)
    const results = await runAll(given, { receiver: { clock: fastClock(20) } })
    const { evidence, record } = await runSession(optionsOf(given, 'receiver'))
    const run = runOf(record.specHash, record.attempt)
    const coin = jointCoin(
      run,
      record.coins.map(({ share }) => fromHex(share)),
    )
    const seed = sessionSeed(fromHex(evidence.seed), coin, run, 'receiver')
    const routine = start(ecdh, 'receiver', ecdh.parameters(parameters), inputs.receiver, createRng(seed))
    const inbox = [...evidence.inbox]
    expect(inbox.length).toBeGreaterThan(5)
    const taken = new Map<string, number>()
    const sent: string[] = []
    const play = (r: typeof routine): unknown => {
      let next = r.next()
      for (;;) {
        if (next.done === true) return next.value
        const effect = next.value
        let value: unknown
        if (effect.kind === 'send') sent.push(`${effect.step} ${toHex(effect.body)}`)
        if (effect.kind === 'compute') value = effect.kernel.run(effect.input)
        if (effect.kind === 'join') value = effect.branches.map(play)
        if (effect.kind === 'receive') {
          const ordinal = taken.get(effect.step) ?? 0
          taken.set(effect.step, ordinal + 1)
          value = inbox.find((f) => f.step === effect.step && f.ordinal === ordinal)!.body
        }
        next = r.next(value)
      }
    }
    expect(play(routine)).toEqual(results['receiver']!.output)
    const frames = [...(await runSession(optionsOf(given, 'sender'))).evidence.inbox]
    expect(sent.toSorted()).toEqual(frames.map(({ step, body }) => `${step} ${toHex(body)}`).toSorted())
  })
})

describe('reserved correlations', () => {
  const shape = { length: 3 }
  const inputs = { p0: Uint32Array.of(1, 2, 3), p1: Uint32Array.of(10, 20, 30), p2: Uint32Array.of(5, 2 ** 32 - 1, 0) }
  const resources = Object.fromEntries(roles.map((role) => [role, { [zeroCorrelation]: zeroDigest }]))

  it('are handed out, and the evidence shows them', async () => {
    const stores = Object.fromEntries(roles.map((role) => [role, { correlations: zeroStore(role) }]))
    const results = await runAll(setting(maskedSum, shape, inputs, { resources }), stores)
    const ideal = maskedSum.ideal(shape, inputs)
    for (const role of roles) expect(results[role]!.output).toEqual(ideal[role])
    const [range] = results['p1']!.evidence.reserved
    expect(range).toMatchObject({ correlation: zeroCorrelation })
    const rng = () => createRng(new Uint8Array(32))
    const reserve = (role: Role, _: string, at: number, count: number) => zeroShares(role, at, count)
    const simulated = simulate(maskedSum, { parameters: shape, inputs, rng, reserve })
    expect(simulated.outputs.p0).toEqual(results['p0']!.output)
  })

  it('are refused where the terms do not name them', async () => {
    const given = setting(maskedSum, shape, inputs, { resources })
    const run = Promise.allSettled(
      roles.map((role) =>
        runSession(optionsOf(given, role, { correlations: zeroStore(role, `0x${'00'.repeat(32)}`) })),
      ),
    )
    for (const ending of await run) {
      expect(ending.status).toBe('rejected')
      expect(['terms/mismatch', 'peer/aborted']).toContain(
        ((ending as PromiseRejectedResult).reason as TallyError).code,
      )
    }
  })
})

describe('a program over shares', () => {
  it('runs among its computing parties and an owner, through sessions with journals', async () => {
    const program = programProtocol<{ readonly length: number }, Uint32Array, Uint32Array>({
      id: 'mpc/products',
      version: 1,
      owners: ['owner'],
      parameters: (value) => value as { readonly length: number },
      inputs: ({ length }) => [
        { name: 'x', owner: 'owner', ring: 64, length },
        { name: 'y', owner: 'p1', ring: 64, length },
      ],
      receivers: () => ['p2', 'owner'],
      encode: (_, role, words) => ({ [role === 'owner' ? 'x' : 'y']: words }),
      *compute(backend, _, { x, y }) {
        return { product: yield* backend.multiply(x!, y!) }
      },
      decode: (_, { product }) => product!,
    })
    const none = new Uint32Array(0)
    const inputs = { owner: Uint32Array.of(7, 0, 3, 1), p0: none, p1: Uint32Array.of(5, 0, 0, 1), p2: none }
    const changes = { receivers: ['p2', 'owner'] }
    const results = await runAll(setting(program, { length: 2 }, inputs, changes))
    expect(results['p2']!.output).toEqual(Uint32Array.of(35, 0, 0, 3))
    expect(results['owner']!.output).toEqual(results['p2']!.output)
    expect(results['p0']!.output).toBeUndefined()
  })
})

const common = {
  version: 1,
  roles: ['left', 'right'],
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 128,
    statistical: 40,
    assumptions: [],
    refusal: 'nothing',
  },
  leakage: { left: 'nothing', right: 'nothing' },
} as const

describe('the driver', () => {
  const rows = 64 * 1024
  const stream = defineProtocol({
    ...common,
    id: 'test/stream',
    messages: { flow: message('left', 'right', flatRows(1, rows)) },
    parameters: (value) => value as { chunks: number },
    cost: ({ chunks }) => ({ rounds: 1, bytes: chunks * rows, coins: { left: 0, right: 0 }, correlations: {} }),
    ideal: (_, _inputs: { left: null; right: null }) => ({ left: null, right: null }),
    parties: {
      *left(ctx, { chunks }, _: null) {
        for (let i = 0; i < chunks; i++) yield* ctx.send('flow', new Uint8Array(rows).fill(i))
        return null
      },
      *right(ctx, { chunks }, _: null) {
        let sum = 0
        for (let i = 0; i < chunks; i++) sum += (yield* ctx.receive('flow'))[0]!
        if (sum !== (chunks * (chunks - 1)) / 2) throw new Error('a chunk is missing')
        return null
      },
    },
  })

  it('holds a sender back while its peer is slow to read, and reports progress', async () => {
    let most = 0
    let waiting = 0
    const given = setting(stream, { chunks: 200 }, { left: null, right: null }, {}, () => ({
      queuedBytes: 512 * 1024,
      deliver(frame) {
        if (frame.channel === 'message') most = Math.max(most, (waiting += frame.body.length))
        return [frame]
      },
    }))
    given.journals['right']!.onAppend = (kind) => {
      if (kind === 'receive') waiting -= rows
    }
    const seen: Progress[] = []
    await runAll(given, { right: { onProgress: (p) => seen.push(p), clock: fastClock(200) } })
    expect(most).toBeLessThan(1024 * 1024)
    expect(most).toBeGreaterThanOrEqual(512 * 1024)
    expect([...new Set(seen.map(({ phase }) => phase))]).toEqual([
      'connecting',
      'handshake',
      'committing',
      'running',
      'closing',
      'closed',
    ])
    expect(seen.every(({ declaredBytes }) => declaredBytes === 200 * rows)).toBe(true)
    expect(Math.max(...seen.map(({ bytesReceived }) => bytesReceived))).toBe(200 * rows)
  })

  it('keeps the results of slow kernels, so that a resume does not compute them again', async () => {
    let runs = 0
    const slow: Kernel<Uint8Array, Uint8Array> = { name: 'test/slow', run: (input) => (runs++, input) }
    const protocol = defineProtocol({
      ...common,
      id: 'test/slow',
      messages: {
        flow: message('left', 'right', flatRows(1, rows)),
        back: message('right', 'left', flatRows(1, rows)),
      },
      parameters: (value) => value as object,
      cost: () => ({ rounds: 2, bytes: 2, coins: { left: 0, right: 0 }, correlations: {} }),
      ideal: (_, _inputs: { left: Uint8Array; right: Uint8Array }) => ({ left: _inputs.left, right: _inputs.right }),
      parties: {
        *left(ctx, _, input: Uint8Array) {
          const value = yield* ctx.compute(slow, input)
          yield* ctx.send('flow', value)
          yield* ctx.receive('back')
          return value
        },
        *right(ctx, _, input: Uint8Array) {
          yield* ctx.receive('flow')
          yield* ctx.send('back', input)
          return input
        },
      },
    })
    const input = new Uint8Array([1, 2, 3])
    const given = setting(protocol, {}, { left: input, right: input })
    const journals = given.journals['left']!
    let died = false
    journals.onAppend = (kind) => {
      if (kind !== 'receive' || died) return
      died = true
      throw new TallyError('journal/io', 'self', 'killed')
    }
    const pool = {
      run: async (kernel: Kernel<any, any>, value: any) => (
        await new Promise((r) => setTimeout(r, 5)),
        inlinePool.run(kernel, value)
      ),
    }
    const left = () => runSession(optionsOf(given, 'left', { pool }))
    const [first, second] = await Promise.all([left().catch(left), runSession(optionsOf(given, 'right'))])
    expect(died).toBe(true)
    expect(first.output).toEqual(input)
    expect(runs).toBe(1)
    await Promise.all([first.close(), second.close()])
  })

  it('needs no stack for ten thousand joins in a row', async () => {
    const protocol = defineProtocol({
      ...common,
      id: 'test/joins',
      messages: { flow: message('left', 'right', flatRows(1, 8)) },
      parameters: (value) => value as object,
      cost: () => ({ rounds: 0, bytes: 0, coins: { left: 0, right: 0 }, correlations: {} }),
      ideal: (_, _inputs: { left: null; right: null }) => ({ left: 30_000, right: 30_000 }),
      parties: { left: joins, right: joins },
    })
    function* joins(ctx: Context<any, any>): Routine<number> {
      let sum = 0
      for (let i = 0; i < 10_000; i++) {
        const values: unknown[][] = yield* ctx.join(
          (branch: Context<any, any>) => branch.join(),
          (branch: Context<any, any>) => branch.join(),
        )
        sum += values.length + values[0]!.length + 1
      }
      return sum
    }
    const { left } = await runAll(setting(protocol, {}, { left: null, right: null }))
    expect(left!.output).toBe(30_000)
  })
})
