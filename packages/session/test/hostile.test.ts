/** Slow, silent, oversize, wrong, replaying, flooding and lying peers: a typed error with blame, within the deadline. */
import { bytesToUtf8, TallyError, toHex, utf8ToBytes } from '@tallystick/core'
import {
  headsDigest,
  runSession,
  signEvent,
  specHash,
  type Frame,
  type LinkHead,
  type Terms,
} from '@tallystick/session'
import { describe, expect, it } from 'vitest'
import { duet, duetInputs, fastClock, inlinePool, keyOf, optionsOf, runAll, setting, trio } from './fixture.ts'
import { bare, control, on, runHostile, tampering, type Tamper } from './hostile.ts'

const quick = { deadlines: { handshake: 8, message: 8, close: 8 } }
const parameters = { rounds: 3, chunks: 4 }
const scene = (changes: Partial<Terms> = quick) => setting(duet, parameters, duetInputs, changes)
const right = { peer: 'right' }

/** What the honest left side ends with when the right side's frames are replaced. */
const against = async (tamper: Tamper, given = scene()) => {
  // The other side is patient: it is the honest one whose deadline counts.
  const { left } = await runHostile(given, { right: tamper }, { right: { clock: fastClock(1) } }, 'left')
  return left!
}

describe('in the handshake', () => {
  it('a silent peer ends in a timeout', async () => {
    const given = scene()
    const began = Date.now()
    const run = runSession(optionsOf(given, 'left', { links: bare(() => {}) }))
    await expect(run).rejects.toMatchObject({ code: 'peer/timeout', blame: right })
    expect((Date.now() - began) * 20).toBeLessThan(8000 * 3)
  })

  it.each<[string, (hello: any) => unknown, RegExp]>([
    [
      'session format',
      (h) => ({ ...h, format: 'tallystick/hello/9' }),
      /"tallystick\/hello\/9".*"tallystick\/hello\/1"/,
    ],
    ['package version', (h) => ({ ...h, package: '9.9.9' }), /"9\.9\.9".*"0\.1\.0"/],
    ['protocol version', (h) => ({ ...h, protocol: { ...h.protocol, version: 2 } }), /test\/duet version 2.*1/],
    ['protocol', (h) => ({ ...h, protocol: { ...h.protocol, id: 'test/other' } }), /"test\/other".*"test\/duet"/],
  ])('another %s is incompatible, and the error names both and who must act', async (_, change, text) => {
    const { error } = await against(control('hello', change))
    expect(error).toMatchObject({ code: 'peer/incompatible', blame: right })
    expect(error!.message).toMatch(text)
    expect(error!.remedy).toContain('right must install Tallystick 0.1.0')
  })

  it('other terms are a mismatch on both sides', async () => {
    const given = scene()
    const other = { ...given.terms, purpose: 'another' }
    const { left, right: theirs } = await runHostile(given, {}, { right: { terms: other } })
    for (const { error } of [left!, theirs!]) {
      expect(error).toMatchObject({ code: 'terms/mismatch' })
      expect(error!.message).toContain(specHash(other))
    }
  })

  it.each<[string, (hello: any) => unknown, string]>([
    ['another role', (h) => ({ ...h, role: 'left' }), 'terms/mismatch'],
    ['another addressee', (h) => ({ ...h, to: 'right' }), 'terms/mismatch'],
    ['another code', (h) => ({ ...h, code: toHex(new Uint8Array(32).fill(1)) }), 'terms/mismatch'],
    ['another party', (h) => ({ ...h, party: toHex(new Uint8Array(32)) }), 'identity/wrong-key'],
    ['the hello of another connection', (h) => ({ ...h, binding: toHex(new Uint8Array(32)) }), 'identity/wrong-key'],
    ['a forged signature', (h) => ({ ...h, signature: toHex(new Uint8Array(65)) }), 'peer/bad-signature'],
    ['a changed state', (h) => ({ ...h, state: { ...h.state, next: 3 } }), 'peer/bad-signature'],
    ['a field too many', (h) => ({ ...h, more: 1 }), 'decode/malformed'],
  ])('%s is refused', async (_, change, code) => {
    const { error } = await against(control('hello', change))
    expect(error).toMatchObject({ code, blame: right })
  })

  it('a TLS key other than the terms say is refused', async () => {
    const given = setting(duet, parameters, duetInputs, quick, () => ({
      peerKeys: [toHex(new Uint8Array(32)), undefined],
    }))
    const { left } = await runHostile(given, {})
    expect(left!.error).toMatchObject({ code: 'identity/wrong-key', blame: right })
  })

  it('a message before the handshake is refused', async () => {
    const early: Frame = { channel: 'message', step: 'test/duet/round-0/pong', ordinal: 0, body: new Uint8Array(32) }
    const { error } = await against(on('control', /^hello$/, (frame) => [early, frame]))
    expect(error).toMatchObject({ code: 'peer/unexpected-message', blame: right })
  })

  it.each<[string, (frame: Frame) => readonly Frame[], string]>([
    ['twice', (f) => [f, f], 'peer/replayed'],
    ['out of order', (f) => [{ ...f, ordinal: 1 }], 'peer/unexpected-message'],
    ['unknown', (f) => [{ ...f, step: 'surprise' }], 'peer/unexpected-message'],
    ['oversize', (f) => [{ ...f, body: new Uint8Array(1024 * 1024 + 1) }], 'decode/oversize'],
    ['no JSON', (f) => [{ ...f, body: utf8ToBytes('{') }], 'decode/non-canonical'],
  ])('a control message that comes %s is refused', async (_, replace, code) => {
    const { error } = await against(on('control', /^agreement$/, replace))
    expect(error).toMatchObject({ code, blame: right })
  })

  it.each(['agreement', 'commitment', 'checkpoint', 'view'])(
    'a forged signature on the %s is refused',
    async (kind) => {
      const { error, sent } = await against(
        control(kind, (b) => ({ ...b, signature: toHex(new Uint8Array(65).fill(1)) })),
      )
      expect(error).toMatchObject({ code: 'peer/bad-signature', blame: right })
      if (kind !== 'view') expect(sent.filter(({ step }) => step.endsWith('/show'))).toEqual([])
    },
  )

  it('a coin share other than the committed one is refused', async () => {
    const { error } = await against(control('coin', (b) => ({ ...b, share: toHex(new Uint8Array(32)) })))
    expect(error).toMatchObject({ code: 'session/commitment-mismatch', blame: right })
  })
})

describe('in the run', () => {
  it.each<[string, RegExp, (frame: Frame) => readonly Frame[], string]>([
    ['silence', /round-1\/pong/, () => [], 'peer/timeout'],
    ['an oversize message', /round-1\/pong/, (f) => [{ ...f, body: new Uint8Array(33) }], 'decode/oversize'],
    ['a short message', /round-1\/pong/, (f) => [{ ...f, body: new Uint8Array(31) }], 'decode/truncated'],
    ['a repeated message', /round-1\/pong/, (f) => [f, f], 'peer/replayed'],
    ['a skipped ordinal', /round-1\/pong/, (f) => [{ ...f, ordinal: 1 }], 'peer/unexpected-message'],
    [
      'a step of another protocol',
      /round-1\/pong/,
      (f) => [{ ...f, step: 'test/other/pong' }],
      'peer/unexpected-message',
    ],
    [
      'a message that is the other role’s',
      /round-1\/pong/,
      (f) => [{ ...f, step: f.step.replace('pong', 'ping') }],
      'peer/unexpected-message',
    ],
    [
      'an opening in place of a message',
      /round-1\/pong/,
      (f) => [{ ...f, step: 'test/duet/tell', body: new Uint8Array(8) }],
      'peer/timeout',
    ],
    [
      'a message that nobody awaits',
      /tell/,
      (f) => [{ ...f, step: 'test/duet/round-9/pong', body: new Uint8Array(32) }, f],
      'peer/unexpected-message',
    ],
    ['a swapped message', /round-1\/pong/, (f) => [{ ...f, step: 'test/duet/round-2/pong' }], 'peer/timeout'],
  ])('%s', async (_, step, replace, code) => {
    const { error, result, seconds } = await against(on('message', step, replace))
    expect(result).toBeUndefined()
    expect(error).toMatchObject({ code, blame: right })
    expect(seconds).toBeLessThan(30)
  })

  it('bytes that trickle in do not pass for progress', async () => {
    const timers: ReturnType<typeof setInterval>[] = []
    const given = scene()
    const dial = given.network.dial('right')
    const links: typeof dial = async (signal) => {
      const opened = await dial(signal)
      let begun = false
      let ordinal = 0
      const trickle = () =>
        begun &&
        opened['left']!.send({
          channel: 'message',
          step: 'test/duet/0.1/back',
          ordinal: ordinal++,
          body: new Uint8Array(8),
        })
      timers.push(setInterval(trickle, 20))
      return tampering(
        () => Promise.resolve(opened),
        (frame) => {
          begun ||= frame.channel === 'message'
          return frame.channel === 'message' ? [] : [frame]
        },
      )(signal)
    }
    const { left } = await runHostile(given, {}, { right: { links, clock: fastClock(1) } }, 'left')
    for (const timer of timers) clearInterval(timer)
    expect(left!.error).toMatchObject({ code: 'peer/timeout', blame: right })
    expect(left!.seconds).toBeLessThan(20)
  })

  it('a flood of unawaited messages is cut off within the buffer', async () => {
    let flooded = 0
    const flood = on('message', /round-1\/pong/, () => {
      const frames: Frame[] = []
      for (let ordinal = 0; ordinal < 3000; ordinal++) {
        flooded++
        frames.push({ channel: 'message', step: 'test/duet/0.1/back', ordinal, body: new Uint8Array(128) })
      }
      return frames
    })
    const { left } = await runHostile(scene(), { right: flood }, { left: { inboxBytes: 64 * 1024 } })
    expect(flooded).toBe(3000)
    expect(left!.error).toMatchObject({ code: 'peer/flooding', blame: right })
  })

  it('what was changed on the way is found before anything is opened, and the step is named on both sides', async () => {
    const given = scene()
    const flip = on('message', /round-1\/pong/, (f) => [{ ...f, body: f.body.map((b) => b ^ 1) }])
    const { left, right: theirs } = await runHostile(given, { right: flip })
    for (const { error, sent } of [left!, theirs!]) {
      expect(error).toMatchObject({ code: 'session/transcript-mismatch' })
      expect(error!.message).toMatch(/right sent to left.*round-1\/pong/)
      expect(sent.filter(({ step }) => /show|tell/.test(step))).toEqual([])
    }
  })

  it('what was changed after the checkpoint is found before any output is released', async () => {
    const { left, right: theirs } = await runHostile(scene(), {
      right: on('message', /tell/, (f) => [{ ...f, body: f.body.map((b) => b ^ 1) }]),
    })
    for (const { error, result } of [left!, theirs!]) {
      expect(result).toBeUndefined()
      expect(error).toMatchObject({ code: 'session/transcript-mismatch' })
    }
  })

  it('no output without the peer’s view', async () => {
    const { error, result } = await against(on('control', /^view$/, () => []))
    expect(result).toBeUndefined()
    expect(error).toMatchObject({ code: 'peer/timeout', blame: right })
  })

  it.each<[string, (frame: Frame) => readonly Frame[]]>([
    ['never comes', () => []],
    ['is forged', (f) => control('close', (b) => ({ ...b, signature: toHex(new Uint8Array(65).fill(1)) }))(f, 'left')],
    [
      'comes as an abort',
      (f) => [
        {
          ...f,
          step: 'abort',
          body: utf8ToBytes('{"attempt":null,"code":"session/aborted","message":"no","signature":null}'),
        },
      ],
    ],
  ])('a signature of the close that %s holds nothing up: completed, 1 of 2 signed', async (_, replace) => {
    const { result, seconds } = await against(on('control', /^close$/, replace))
    expect(result!.output).toEqual(duetInputs.right)
    expect(result!.record.outcome).toBe('completed')
    expect(result!.record.close!.signatures.map((s) => s.role)).toEqual(['left'])
    expect(seconds).toBeGreaterThan(6)
    expect(seconds).toBeLessThan(30)
  })
})

describe('among three', () => {
  const inputs = { a: 1, b: 2, c: 3 }
  const lie = (kind: 'commitment' | 'view', change: (body: any, terms: Terms) => any): Tamper => {
    const given = setting(trio, {}, inputs, quick)
    const tell = control(kind, (body) => change(body, given.terms))
    return (frame, to) => (to === 'b' ? tell(frame, to) : [frame])
  }

  it('two commitments of one party come to light', async () => {
    const given = setting(trio, {}, inputs, quick)
    const c = lie('commitment', (body, terms) => {
      const { at, signature: _, ...values } = body
      const event = {
        kind: 'Commitment',
        specHash: specHash(terms),
        attempt: 0,
        party: 2,
        ...values,
        seed: toHex(new Uint8Array(32)),
      } as const
      return { ...values, seed: event.seed, at, signature: signEvent(keyOf('c'), terms.domain, event) }
    })
    const endings = await runHostile(given, { c })
    const blamed = [endings['a']!, endings['b']!].filter(({ error }) => error?.code === 'peer/misbehaved')
    expect(blamed.length).toBeGreaterThan(0)
    for (const { error } of blamed) {
      expect(error!.blame).toEqual({ peer: 'c' })
      expect(error!.message).toContain('two different commitments')
    }
    for (const role of ['a', 'b']) expect(endings[role]!.result).toBeUndefined()
  })

  it('two views of one party come to light before the output is released', async () => {
    const given = setting(trio, {}, inputs, quick)
    const c = lie('view', (body: { heads: LinkHead[] }, terms) => {
      const result = toHex(new Uint8Array(32).fill(9))
      const event = {
        kind: 'View',
        specHash: specHash(terms),
        attempt: 0,
        party: 2,
        heads: headsDigest(body.heads),
        result,
      } as const
      return { ...body, result, signature: signEvent(keyOf('c'), terms.domain, event) }
    })
    const endings = await runHostile(given, { c })
    const blamed = ['a', 'b'].filter((role) => endings[role]!.error?.code === 'session/transcript-mismatch')
    expect(blamed.length).toBeGreaterThan(0)
    for (const role of blamed) {
      expect(endings[role]!.error!.blame).toEqual({ peer: 'c' })
      // A restart does not forget: nothing is released, and the second signature is kept.
      await expect(runSession(optionsOf(given, role))).rejects.toMatchObject({ code: 'session/transcript-mismatch' })
      const journal = given.journals[role]!.open(0)
      expect(bytesToUtf8(journal.get('state', 'proof/view/c')!)).toContain('"signature"')
      journal.close()
    }
  })
})

describe('an end that one side causes', () => {
  const broken = { ...inlinePool, run: () => Promise.reject(new TallyError('input/invalid-value', 'self', 'cannot')) }

  it('is told to the other, signed by both, and counted in the next attempt', async () => {
    const given = scene({})
    const { left, right: theirs } = await runHostile(given, {}, { left: { pool: broken } })
    expect(left!.error).toMatchObject({ code: 'input/invalid-value', blame: 'self' })
    expect(theirs!.error).toMatchObject({ code: 'peer/aborted', blame: { peer: 'left' } })
    // Of a party's own data the peer learns neither the code nor the text.
    expect(theirs!.error!.message).toContain('session/aborted')
    expect(theirs!.error!.message).not.toContain('input/')
    const { left: again } = await runAll(given)
    expect(again!.attempt).toBe(1)
    expect(again!.record.aborts.map(({ role, attempt, code }) => ({ role, attempt, code }))).toEqual([
      { role: 'left', attempt: 0, code: 'session/aborted' },
      { role: 'right', attempt: 0, code: 'peer/aborted' },
    ])
  })

  it('uses up the attempts of the terms', async () => {
    const given = scene({ attempts: 2 })
    for (let i = 0; i < 2; i++) await runHostile(given, {}, { left: { pool: broken } })
    const { left, right: theirs } = await runHostile(given, {})
    for (const { error } of [left!, theirs!]) expect(error).toMatchObject({ code: 'terms/attempts-exhausted' })
  })

  it('is not the user, who may stop a side and go on later', async () => {
    const given = scene({ attempts: 1 })
    const cancel = new AbortController()
    const dropped = on('message', /round-1\/pong/, () => (setTimeout(() => cancel.abort(), 5), []))
    const { left, right } = await runHostile(given, { right: dropped }, { left: { signal: cancel.signal } }, 'left')
    for (const { error } of [left!, right!]) expect(error).toMatchObject({ code: 'session/cancelled', blame: 'self' })
    const again = await runHostile(given, {})
    for (const { result } of [again['left']!, again['right']!]) {
      expect(result!.record).toMatchObject({ outcome: 'completed', attempt: 0 })
    }
  })
})
