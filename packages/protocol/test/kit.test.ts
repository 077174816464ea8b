/** The kit's own test: each deliberately broken protocol is caught, and by the check that is there for it. */
import { describe, expect, it } from 'vitest'
import { flatRows, invariant, readU32, TallyError, u32, type Codec } from '@tallystick/core'
import { message, type AnyProtocol, type Kernel, type Party, type Routine } from '@tallystick/protocol'
import {
  checkCoverage,
  checks,
  conformance,
  dice,
  renderFinding,
  runPlan,
  sampleOf,
  subjectOf,
  type CheckName,
  type Options,
} from '@tallystick/protocol/testing'
import { broken, maskedSum, messages, sumCase, type Ctx } from './masked-sum.ts'

const options: Options = { schedules: 30 }

/** Messages of all findings by check. */
const findings = (protocol: AnyProtocol, test: object = sumCase, more: Options = {}) => {
  const subject = subjectOf(protocol, test as typeof sumCase, { ...options, ...more })
  const found: Partial<Record<CheckName, string>> = {}
  for (const [name, check] of Object.entries(checks)) {
    const text = check(subject)
      .findings.map(({ message }) => message)
      .join('\n')
    if (text !== '') found[name as CheckName] = text
  }
  return found
}

type AnyParty = Party<any, any, any, any, any>
const codec = (change: Partial<Codec<Uint8Array>>): Codec<Uint8Array> => ({ ...messages.leftMask.codec, ...change })
const { a, b } = maskedSum.parties as unknown as Record<'a' | 'b', (ctx: Ctx, _: unknown, x: number) => Routine<number>>
const withParties = (parties: object, table: object = messages): AnyProtocol =>
  broken({ messages: table as typeof messages, parties: { a, b, ...parties } as unknown as Record<string, AnyParty> })
const withLeftMask = (change: Partial<Codec<Uint8Array>>): AnyProtocol =>
  broken({ messages: { ...messages, leftMask: { ...messages.leftMask, codec: codec(change) } } })

/** Party a with its mask drawn, or its frames sent, in another way. */
const partyA = (
  draw: (ctx: Ctx) => Routine<number> | number,
  before: (ctx: Ctx, x: number) => Routine<void> = function* () {},
) =>
  function* (ctx: Ctx, _: unknown, x: number): Routine<number> {
    const drawn = draw(ctx)
    const mask = typeof drawn === 'number' ? drawn : yield* drawn
    yield* before(ctx, x)
    yield* ctx.send('left', u32((x + mask) >>> 0))
    const right = readU32(yield* ctx.receive('right'))
    yield* ctx.checkpoint()
    yield* ctx.send('leftMask', u32(mask))
    return (x + right - readU32(yield* ctx.receive('rightMask'))) >>> 0
  }
const drawMask = (ctx: Ctx): number => readU32(ctx.rng.bytes(4))

/** Party b that treats the opened mask of a in its own way. */
const partyB = (read: (ctx: Ctx) => Routine<number>, checkpoint = true) =>
  function* (ctx: Ctx, _: unknown, y: number): Routine<number> {
    const mask = readU32(ctx.rng.bytes(4))
    yield* ctx.send('right', u32((y + mask) >>> 0))
    const left = readU32(yield* ctx.receive('left'))
    if (checkpoint) yield* ctx.checkpoint()
    yield* ctx.send('rightMask', u32(mask))
    return (y + left - (yield* read(ctx))) >>> 0
  }

conformance(maskedSum, [sumCase], options)

describe('the kit catches', () => {
  it('an output that is not the ideal one', () => {
    const wrong = withParties({
      a: partyA(drawMask),
      b: partyB(function* (ctx) {
        return readU32(yield* ctx.receive('leftMask')) + 1
      }),
    })
    expect(findings(wrong).ideal).toContain('output of b is not the ideal one')
  })
  it('an output beyond the bound of its case, and nothing of one within', () => {
    const off = withParties({
      a: partyA(drawMask),
      b: partyB(function* (ctx) {
        return (readU32(yield* ctx.receive('leftMask')) - 1) >>> 0
      }),
    })
    const within = (bound: number) => ({
      ...sumCase,
      equal: (output: number, ideal: number, role: string) => Math.abs(output - ideal) <= (role === 'b' ? bound : 0),
    })
    expect(findings(off, within(1))).toEqual({})
    expect(findings(off, within(0.5)).ideal).toContain('output of b is not the ideal one')
  })
  it('a message that opens without a checkpoint', () => {
    const reading = partyB(function* (ctx) {
      return readU32(yield* ctx.receive('leftMask'))
    }, false)
    expect(findings(withParties({ b: reading })).openings).toContain('expected one checkpoint')
  })
  it('a protocol that marks nothing as opening', () => {
    const unmarked = { ...messages, leftMask: message('a', 'b', codec({})), rightMask: message('b', 'a', codec({})) }
    expect(findings(broken({ messages: unmarked })).openings).toContain('no message is marked')
    expect(findings(broken({ messages: unmarked }), sumCase, { opens: false }).openings).toBeUndefined()
  })
  it('a frame whose size follows a secret', () => {
    const leaky = { ...messages, left: message('a', 'b', flatRows(1, 16)) }
    const sizes = function* (ctx: Ctx, _: unknown, x: number): Routine<number> {
      const mask = readU32(ctx.rng.bytes(4))
      yield* ctx.send('left', new Uint8Array([...u32((x + mask) >>> 0), ...new Uint8Array(x & 3)]))
      const right = readU32(yield* ctx.receive('right'))
      yield* ctx.checkpoint()
      yield* ctx.send('leftMask', u32(mask))
      return (x + right - readU32(yield* ctx.receive('rightMask'))) >>> 0
    }
    const inputs = { inputs: { a: 4, b: 7 }, alternative: { a: 6, b: 7 } }
    const found = findings(withParties({ a: sizes }, leaky), { ...sumCase, ...inputs })
    expect(found.observer).toContain('the secrets decide frame')
    expect(found.ideal).toBeUndefined()
  })
  it('a number of frames that follows a secret', () => {
    const more = { ...messages, more: message('a', 'b', codec({})) }
    const sometimes = partyA(drawMask, function* (ctx, x) {
      if (x === 5) yield* ctx.send('more', u32(0))
    })
    expect(findings(withParties({ a: sometimes }, more)).observer).toContain('number of frames')
  })
  it('bytes that are not declared', () => {
    const extra = { ...messages, note: message('a', 'b', codec({})) }
    const sending = partyA(drawMask, function* (ctx) {
      yield* ctx.send('note', u32(0))
    })
    const reading = function* (ctx: Ctx, _: unknown, y: number): Routine<number> {
      yield* ctx.receive('note')
      return yield* b(ctx, _, y)
    }
    const found = findings(withParties({ a: sending, b: reading }, extra))
    expect(found).toEqual({ cost: expect.stringContaining('declares 16 bytes, measured 20') })
  })
  it('a round more than declared', () => {
    const cost = () => ({ ...maskedSum.cost({ rounds: 1 }), rounds: 1 })
    expect(findings(broken({ cost })).cost).toContain('declares 1 rounds, measured 2')
  })
  it('coins that are not declared', () => {
    const drawing = partyA((ctx) => {
      ctx.narrow('more').rng.bytes(1)
      return drawMask(ctx)
    })
    expect(findings(withParties({ a: drawing })).cost).toContain('declares 4 bytes of coins of a, measured 5')
  })
  it('correlations that are not declared', () => {
    const reserving = partyA(function* (ctx) {
      yield* ctx.reserve('triple', 3)
      return drawMask(ctx)
    })
    const reserve = (_: string, __: string, at: number, count: number) => new Uint8Array(count).fill(at)
    const found = findings(withParties({ a: reserving }), { ...sumCase, reserve })
    expect(found.cost).toContain('declares 0 units of triple, measured 3')
  })
  it('coins that follow the schedule', () => {
    const racing = partyA(function* (ctx) {
      const shared = ctx.narrow('shared').rng
      const draw = function* (sub: Ctx): Routine<number> {
        yield* sub.compute(identity, new Uint8Array(1))
        return shared.bytes(2)[0]!
      }
      const [first, second] = yield* ctx.join(draw, draw)
      return first! * 256 + second!
    })
    expect(findings(withParties({ a: racing })).schedules).toContain('the schedule changed the frames')
  })
  it('something outside of inputs and coins that has a say', () => {
    let runs = 0
    const stateful = partyA((ctx) => drawMask(ctx) ^ runs++)
    expect(findings(withParties({ a: stateful })).ideal).toContain('two runs on the same inputs')
  })
  it('a result of a kernel that is written into, so that the journal changes', () => {
    const writing = partyA(function* (ctx) {
      const result: Uint8Array = yield* ctx.compute(identity, ctx.rng.bytes(4))
      result[0]!++
      return readU32(result)
    })
    expect(findings(withParties({ a: writing })).crashes).toContain('resumed (all): the frames differ')
  })
  it('a survivor that makes up an output, or ends without a type', () => {
    const surviving = (end: () => number) =>
      partyB(function* (ctx) {
        try {
          return readU32(yield* ctx.receive('leftMask'))
        } catch (error) {
          if (error instanceof TallyError && error.code === 'peer/gone') return end()
          throw error
        }
      })
    const inventing = findings(withParties({ b: surviving(() => 0) }))
    expect(inventing).toEqual({ crashes: expect.stringContaining('survivor b has a wrong output') })
    const throwing = surviving(() => {
      throw new Error('gone')
    })
    expect(findings(withParties({ b: throwing })).crashes).toContain('survivor b ended with an untyped exception')
  })
  it('a kernel that is no function', () => {
    let calls = 0
    const kernel: Kernel<Uint8Array, Uint8Array> = { name: 'test/count', run: () => u32(calls++) }
    const counting = partyA(function* (ctx) {
      return readU32(yield* ctx.compute(kernel, ctx.rng.bytes(4)))
    })
    expect(findings(withParties({ a: counting })).ideal).toContain('is a function of its input')
  })
  it('an exception without a type', () => {
    const throwing = withLeftMask({
      decode(bytes) {
        if (bytes.length !== 4) throw new RangeError('length')
        return bytes
      },
    })
    expect(findings(throwing).mutations).toContain('untyped exception')
    const choking = partyB(function* (ctx) {
      const mask = readU32(yield* ctx.receive('leftMask'))
      if (mask > 2 ** 31) throw new Error('too large')
      return mask
    })
    const seeds = ['1', '2', '3', '4'].map((seed) => findings(withParties({ b: choking }), sumCase, { seed }))
    expect(seeds.some(({ mutations }) => mutations?.includes('untyped exception'))).toBe(true)
  })
  it('a bad frame that is swallowed', () => {
    const swallowing = partyB(function* (ctx) {
      try {
        return readU32(yield* ctx.receive('leftMask'))
      } catch (error) {
        if (error instanceof TallyError && error.area === 'decode') return 0
        throw error
      }
    })
    const found = findings(withParties({ b: swallowing }))
    expect(found).toEqual({ mutations: expect.stringContaining('did not blame a, but ended with an output') })
  })
  it('a bad frame for which the receiver blames itself', () => {
    const bytes = { ...messages, leftMask: { ...messages.leftMask, codec: flatRows(1, 8) } }
    const blaming = partyB(function* (ctx) {
      const mask = yield* ctx.receive('leftMask')
      invariant(mask.length === 4, 'a mask has 4 bytes')
      return readU32(mask)
    })
    expect(findings(withParties({ b: blaming }, bytes)).mutations).toContain('made b blame itself')
  })
  it('a codec that accepts two encodings of a value', () => {
    const lax = withLeftMask({
      maxBytes: 512,
      decode(bytes) {
        if (bytes.length < 4) throw new TallyError('decode/truncated', 'none', 'expected 4 bytes')
        return bytes.subarray(0, 4)
      },
    })
    expect(findings(lax).mutations).toContain('accepts two encodings')
  })
  it('parameters that are not what is signed', () => {
    const parameters = (value: unknown) => ({ rounds: (value as { rounds: number }).rounds + 1 })
    expect(findings(broken({ parameters })).ideal).toContain('do not survive canonical JSON')
  })
})

describe('the kit says when it could not have failed', () => {
  const messagesOf = (test: object) => {
    const one = subjectOf(broken({}), test as typeof sumCase, options)
    return checkCoverage([one], [checks.mutations(one)]).map(({ message }) => message)
  }
  it('for want of other inputs', () => {
    const { name, parameters, inputs } = sumCase
    expect(messagesOf({ name, parameters, inputs })).toEqual([expect.stringContaining('no case gives alternative')])
    expect(messagesOf(sumCase)).toEqual([])
    expect(findings(broken({}), { ...sumCase, alternative: inputs }).observer).toContain('could not fail')
  })
  it('for want of a mutation that changes an output', () => {
    const deaf = (party: typeof a) =>
      function* (ctx: Ctx, _: unknown, x: number): Routine<number> {
        yield* party(ctx, _, x)
        return 0
      }
    const indifferent = { ...withParties({ a: deaf(a), b: deaf(b) }), ideal: () => ({ a: 0, b: 0 }) }
    const one = subjectOf(indifferent, sumCase, options)
    expect(checkCoverage([one], [checks.mutations(one)])[0]!.message).toContain('the mutations change nothing')
  })
})

it('a finding prints the seed and the plan, and the plan reproduces it', () => {
  const throwing = withLeftMask({
    decode(bytes) {
      if (bytes.length !== 4) throw new RangeError('length')
      return bytes
    },
  })
  const subject = subjectOf(throwing, sumCase, options)
  const finding = checks.mutations(subject).findings[0]!
  const text = renderFinding(subject, finding)
  expect(text).toContain('runPlan(protocol, case, {"mutation":{"kind":"')
  expect(text).toContain('seed tallystick/test/masked-sum/two words')
  const plan = JSON.parse(/runPlan\(protocol, case, (.*)\)$/.exec(text)![1]!)
  expect(runPlan(throwing, sumCase, plan, options).errors['b']).toBeInstanceOf(RangeError)
})

it('a sample leaves out no sender, message or kind of mutation, and is the same each time', () => {
  const subject = (sample: number) => subjectOf(maskedSum, sumCase, { ...options, sample })
  const counts = (sample: number) => ({
    crashes: checks.crashes(subject(sample)).counts['crashes']!,
    mutations: checks.mutations(subject(sample)).counts['mutations']!,
  })
  const { crashes, mutations } = counts(Infinity)
  expect(counts(10_000)).toEqual({ crashes, mutations })
  expect(counts(40)).toEqual({ crashes: Math.min(20, crashes), mutations: Math.min(40, mutations) })
  const items = Array.from({ length: 300 }, (_, i) => ({
    i,
    groups: [`a${i % 7}`, `b${i % 11}`, ...(i === 5 ? ['c'] : [])],
  }))
  const sampled = (most: number) => sampleOf(items, most, ({ groups }) => groups, dice('sample'))
  for (const most of [1, 30]) {
    expect(new Set(sampled(most).flatMap(({ groups }) => groups)).size).toBe(7 + 11 + 1)
    expect(sampled(most)).toEqual(sampled(most))
  }
  expect(sampled(1).length).toBeLessThan(25)
  expect(sampled(30).length).toBe(30)
  expect(sampled(30).map(({ i }) => i)).toEqual(
    sampled(30)
      .map(({ i }) => i)
      .toSorted((a, b) => a - b),
  )
})

const identity: Kernel<Uint8Array, Uint8Array> = { name: 'test/identity', run: (bytes) => bytes.slice() }
