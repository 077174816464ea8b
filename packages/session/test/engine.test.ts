/** Real protocols through the session, and what the driver promises: slow kernels are kept, memory is bounded. */
import { flatRows, taggedDigest, TallyError, toHex, utf8ToBytes } from '@tallystick/core'
import { araki16, zeroCorrelation, zeroShares, type Input, type Role } from '@tallystick/mpc'
import { defineProtocol, message, simulate, start, type Context, type Kernel, type Routine } from '@tallystick/protocol'
import { ecdh, type Items } from '@tallystick/psi'
import { runSession, sessionSeed, jointCoin, runOf, type CorrelationStore, type Progress } from '@tallystick/session'
import { createRng, fromHex } from '@tallystick/core'
import { describe, expect, it } from 'vitest'
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

describe('mpc/araki16', () => {
  const shape = { products: 2, length: 3 }
  const roles: Role[] = ['p0', 'p1', 'p2']
  const words = (label: string) =>
    new Uint32Array(createRng(taggedDigest('tallystick/test/v1', label)).bytes(12).buffer)
  const deal = (): Record<Role, Input> => {
    const values = ['l0', 'l1', 'r0', 'r1'].map((label) => [words(`${label}a`), words(`${label}b`), words(`${label}c`)])
    const input = (i: number): Input => {
      const [l0, l1, r0, r1] = values.map((v) => ({ own: v[i]!, next: v[(i + 1) % 3]! }))
      return { left: [l0!, l1!], right: [r0!, r1!] }
    }
    return { p0: input(0), p1: input(1), p2: input(2) }
  }
  const reserve = (role: Role, at: number, count: number): Uint8Array => {
    const key = (i: number) => taggedDigest('tallystick/test/key/v1', String(i % 3))
    const i = Number(role[1])
    return new Uint8Array(zeroShares(key(i), key(i + 1), at, count).buffer)
  }
  const digest = toHex(taggedDigest('tallystick/test/zero/v1'))
  const store = (role: Role, found = digest): CorrelationStore => {
    const ranges = new Map<string, Uint8Array>()
    let at = 0
    return {
      digest: () => found,
      reserve(_, count, key) {
        if (!ranges.has(key)) ranges.set(key, reserve(role, at, count))
        at += count
        return Promise.resolve(ranges.get(key)!)
      },
    }
  }
  const stores = (found?: string) =>
    Object.fromEntries(roles.map((role) => [role, { correlations: store(role, found as typeof digest) }]))
  const resources = Object.fromEntries(roles.map((role) => [role, { [zeroCorrelation]: digest }]))

  it('multiplies over reserved zero shares, which the evidence shows', async () => {
    const inputs = deal()
    const results = await runAll(setting(araki16, shape, inputs, { resources }), stores())
    const ideal = araki16.ideal(shape, inputs)
    for (const role of roles) expect(results[role]!.output).toEqual(ideal[role])
    const [range] = results['p1']!.evidence.reserved
    expect(range).toMatchObject({ correlation: zeroCorrelation })
    const rng = () => createRng(new Uint8Array(32))
    const simulated = simulate(araki16, {
      parameters: shape,
      inputs,
      rng,
      reserve: (role, _, at, count) => reserve(role, at, count),
    })
    expect(simulated.outputs.p0).toEqual(results['p0']!.output)
  })

  it('refuses a correlation that the terms do not name', async () => {
    const given = setting(araki16, shape, deal(), { resources })
    const run = Promise.allSettled(
      roles.map((role) => runSession(optionsOf(given, role, { correlations: store(role, `0x${'00'.repeat(32)}`) }))),
    )
    for (const ending of await run) {
      expect(ending.status).toBe('rejected')
      expect(['terms/mismatch', 'peer/aborted']).toContain(
        ((ending as PromiseRejectedResult).reason as TallyError).code,
      )
    }
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
