import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createRng, fixedBytes, taggedDigest, TallyError, toHex, u32 } from '@tallystick/core'
import { createTranscript, message, simulate, type AnyProtocol, type Fault, type Routine } from '@tallystick/protocol'
import { broken, maskedSum, messages, sumCase, type Ctx } from './masked-sum.ts'

const rng = (role: string) => createRng(taggedDigest('tallystick/test/v1', role))
const run = (protocol: AnyProtocol, fault: Fault = {}, more: object = {}) =>
  simulate(protocol, { parameters: { rounds: 1 }, inputs: sumCase.inputs, rng, fault, ...more })

/** A protocol of two parties that do what they are told. */
const acting = (a: (ctx: Ctx) => Routine<unknown>, b: (ctx: Ctx) => Routine<unknown> = function* () {}) =>
  broken({ parties: { a, b } as never })

const misuseOf = (a: (ctx: Ctx) => Routine<unknown>): string => {
  const error = run(acting(a), { close: false }).errors['a']
  expect(error).toBeInstanceOf(TallyError)
  expect((error as TallyError).code).toBe('api/misuse')
  return (error as TallyError).message
}

const flipIn = (name: string): Fault['mutate'] => {
  return ({ step, body }) => [step.endsWith(`/${name}`) ? body.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) : body]
}

describe('simulate', () => {
  it('lets no opening frame leave after a mismatch', () => {
    const honest = run(broken({}))
    expect(honest.trace.map(({ opening }) => opening)).toEqual([false, false, true, true])
    expect(honest.checkpoints).toEqual([2])
    const { trace, errors, checkpoints } = run(broken({}), { mutate: flipIn('left')! })
    expect(trace.filter(({ opening }) => opening)).toEqual([])
    expect(checkpoints).toEqual([])
    for (const role of ['a', 'b']) expect(errors[role]).toMatchObject({ code: 'session/transcript-mismatch' })
  })
  it('sees a frame that nobody awaited at the checkpoint and at the close', () => {
    for (const name of ['left', 'leftMask']) {
      const twice: Fault['mutate'] = ({ step, body }) => (step.endsWith(`/${name}`) ? [body, body] : [body])
      const { errors, outputs, trace } = run(broken({}), { mutate: twice })
      expect(outputs).toEqual({})
      expect(errors['b']).toMatchObject({ code: 'peer/unexpected-message', blame: { peer: 'a' } })
      expect(trace.some(({ opening }) => opening)).toBe(name === 'leftMask')
    }
  })
  it('releases a wrong output only where the close is left out', () => {
    const open = run(broken({}), { mutate: flipIn('leftMask')!, close: false })
    expect(open.outputs['b']).not.toBe(12)
    expect(open.outputs['a']).toBe(12)
    const closed = run(broken({}), { mutate: flipIn('leftMask')! })
    expect(closed.outputs).toEqual({})
    expect(closed.errors['a']).toMatchObject({ code: 'session/transcript-mismatch' })
  })
  it('matches repeated frames of a step by their ordinals when it resumes', () => {
    const sending = function* (ctx: Ctx): Routine<number> {
      for (let i = 0; i < 5; i++) yield* ctx.send('left', u32(i))
      return 0
    }
    const reading = function* (ctx: Ctx): Routine<string> {
      let read = ''
      for (let i = 0; i < 5; i++) read += toHex(yield* ctx.receive('left')).slice(-1)
      return read
    }
    for (let at = 0; at < 5; at++) {
      const journals = { a: new Map<string, unknown>(), b: new Map<string, unknown>() }
      run(acting(sending, reading), { crash: { role: 'b', at } }, { journals })
      expect(journals.b.size).toBe(at)
      // The reader goes first, from its journal, before the frames that it holds arrive once more.
      const { outputs, errors } = run(acting(sending, reading), { schedule: (n) => n - 1 }, { journals })
      expect(errors).toEqual({})
      expect(outputs['b']).toBe('01234')
    }
  })
  it('hands out a range of correlations once, also to a party that comes back', () => {
    const reserving = function* (ctx: Ctx): Routine<number[]> {
      const first = yield* ctx.reserve('bit', 3)
      const second = yield* ctx.reserve('bit', 2)
      return [...first, ...second]
    }
    const handed: number[] = []
    const reserve = (_: string, __: string, at: number, count: number) => {
      const range = Array.from({ length: count }, (_, i) => at + i)
      handed.push(...range)
      return Uint8Array.from(range)
    }
    const journals = { a: new Map<string, unknown>(), b: new Map<string, unknown>() }
    run(acting(reserving), { crash: { role: 'a', at: 1 } }, { journals, reserve })
    const { outputs } = run(acting(reserving), {}, { journals, reserve })
    expect(outputs['a']).toEqual([0, 1, 2, 3, 4])
    expect(handed).toEqual([0, 1, 2, 3, 4])
  })
  it('ends with a typed error where all wait for each other', () => {
    const waiting = function* (name: string, ctx: Ctx): Routine<unknown> {
      return yield* ctx.receive(name)
    }
    const deadlock = acting(
      (ctx) => waiting('right', ctx),
      (ctx) => waiting('left', ctx),
    )
    expect(run(deadlock).errors['a']).toMatchObject({ code: 'peer/timeout', blame: 'network' })
  })
  it('refuses a frame above the limit of its codec, in the name of the sender', () => {
    const { errors } = run(broken({}), {
      mutate: ({ body, step }) => [step.endsWith('leftMask') ? new Uint8Array(5) : body],
    })
    expect(errors['b']).toMatchObject({ code: 'decode/oversize', blame: { peer: 'a' } })
  })
})

describe('a context refuses', () => {
  it('a peer that there is none', () => {
    const each = { ...messages, any: message('each', 'each', fixedBytes(4)) }
    for (const peer of ['a', 'c']) {
      const talking = function* (ctx: Ctx): Routine<void> {
        yield* ctx.send('any', u32(0), ...([peer] as never))
      }
      const protocol = { ...acting(talking), messages: each }
      expect(run(protocol).errors['a']).toMatchObject({ code: 'api/misuse' })
    }
  })
  it('an opening message before the checkpoint', () => {
    const early = function* (ctx: Ctx): Routine<void> {
      yield* ctx.send('leftMask', u32(0))
    }
    expect(misuseOf(early)).toContain('opens before any checkpoint')
  })
  it('a second checkpoint', () => {
    const twice = function* (ctx: Ctx): Routine<void> {
      yield* ctx.checkpoint()
      yield* ctx.checkpoint()
    }
    const once = function* (ctx: Ctx): Routine<void> {
      yield* ctx.checkpoint()
    }
    expect(run(acting(twice, once)).errors['a']).toMatchObject({ code: 'api/misuse' })
  })
  it.each(['checkpoint', 'reserve'] as const)('%s inside a join, on any context', (effect) => {
    const act = (ctx: Ctx): Routine<unknown> => (effect === 'checkpoint' ? ctx.checkpoint() : ctx.reserve('bit', 1))
    const own = function* (ctx: Ctx): Routine<unknown> {
      return yield* ctx.join(act)
    }
    const other = function* (ctx: Ctx): Routine<unknown> {
      const outside: Ctx = ctx.narrow('outside')
      return yield* ctx.join(() => act(outside))
    }
    expect(misuseOf(own)).toContain(`${effect} inside a join`)
    expect(misuseOf(other)).toContain(`${effect} inside a join`)
  })
  it('to serve two branches', () => {
    const uses: ((ctx: Ctx) => Routine<unknown>)[] = [
      (ctx) => ctx.send('left', u32(0)),
      (ctx) => ctx.receive('right'),
      (ctx) => ctx.join(),
      (ctx) => ctx.send('left', ctx.rng.bytes(4)),
      (ctx) => ctx.narrow('step').receive('right'),
    ]
    for (const use of uses) {
      const outer = function* (ctx: Ctx): Routine<unknown> {
        return yield* ctx.join(() => use(ctx))
      }
      expect(misuseOf(outer)).toContain('inside its own join')
    }
  })
  it('steps that could be taken for others', () => {
    for (const step of ['', '0.0', 'a//b', 'a/', '/a', 'A', 'a b', '-a']) {
      const narrowing = function* (ctx: Ctx): Routine<void> {
        yield* ctx.narrow(step).checkpoint()
      }
      expect(misuseOf(narrowing)).toContain('lower-case words')
    }
    const twice = function* (ctx: Ctx): Routine<void> {
      ctx.narrow('round/1')
      yield* ctx.narrow('round/1').checkpoint()
    }
    expect(misuseOf(twice)).toContain('narrowed twice')
  })
})

describe('the transcript', () => {
  const binding = new Uint8Array(32).fill(7)
  const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
    const hash = createHash('sha256')
    for (const part of parts) hash.update(part)
    return hash.digest()
  }
  it('chains as its header says', () => {
    const transcript = createTranscript(binding)
    transcript.append('a', 'b', 'p/x', Uint8Array.of(1, 2))
    transcript.append('a', 'b', 'p/x', Uint8Array.of())
    const text = (value: string): Buffer => Buffer.concat([u32(value.length), Buffer.from(value)])
    const tagged = [text('tallystick/chain/v1'), u32(32), binding, text('a'), text('b'), text('p/x')]
    const first = sha256(sha256(...tagged), u32(2), Uint8Array.of(1, 2))
    expect(transcript.heads()).toEqual([
      { from: 'a', to: 'b', step: 'p/x', frames: 2, head: new Uint8Array(sha256(first, u32(0))) },
    ])
  })
  it('does not depend on the order of steps, but on all else', () => {
    type Frame = readonly [from: string, to: string, step: string, body: number]
    const links = (frames: readonly Frame[], bound = binding) => {
      const transcript = createTranscript(bound)
      for (const [from, to, step, body] of frames) transcript.append(from, to, step, Uint8Array.of(body))
      return toHex(transcript.link('a', 'b'))
    }
    const frames: Frame[] = [
      ['a', 'b', 'x', 1],
      ['a', 'b', 'y', 2],
      ['a', 'b', 'y', 3],
    ]
    const [x, y2, y3] = frames as [Frame, Frame, Frame]
    expect(links([y2, x, y3])).toBe(links(frames))
    const others = [
      [x, y3, y2],
      [x, y2],
      [['a', 'b', 'x', 9], y2, y3],
      [x, y2, ['a', 'b', 'z', 3]],
      [x, x, y2, y3],
    ]
    const heads = others.map((other) => links(other as Frame[]))
    expect(new Set([...heads, links(frames), links(frames, new Uint8Array(32))]).size).toBe(others.length + 2)
    expect(links([...frames, ['b', 'a', 'x', 1]])).toBe(links(frames))
  })
  it('is the same at both ends and another in another session', () => {
    const [one, other] = [binding, new Uint8Array(32)].map((binding) => run(broken({}), {}, { binding }))
    expect(one!.transcript).not.toBe(other!.transcript)
    expect(one!.heads.map(({ from, to, frames }) => [from, to, frames])).toEqual([
      ['a', 'b', 1],
      ['a', 'b', 1],
      ['b', 'a', 1],
      ['b', 'a', 1],
    ])
    expect(maskedSum.id).toBe('test/masked-sum')
  })
})
