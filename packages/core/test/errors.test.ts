import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { exitCodes, invariant, renderError, Secret, TallyError, wipe } from '@tallystick/core'

describe('TallyError', () => {
  const error = new TallyError('peer/misbehaved', { peer: 'sender' }, 'expected 2 rows, found 3', {
    remedy: 'ask the sender',
    cause: new Error('inner text'),
  })
  it('tells area and exit code from its code', () => {
    expect([error.area, error.exitCode]).toEqual(['peer', exitCodes.peer])
  })
  it('leaves the cause out of its JSON', () => {
    const json = JSON.stringify(error)
    expect(json).not.toContain('inner text')
    expect(JSON.parse(json)).toEqual({
      code: 'peer/misbehaved',
      blame: { peer: 'sender' },
      message: 'expected 2 rows, found 3',
      remedy: 'ask the sender',
    })
    expect(JSON.parse(JSON.stringify(new TallyError('api/misuse', 'self', 'm')))).not.toHaveProperty('remedy')
  })
  it('says what happened, who must act and what to do', () => {
    expect(renderError(error)).toBe(
      'peer/misbehaved: expected 2 rows, found 3\n  must act: the peer "sender"\n  what to do: ask the sender',
    )
    expect(renderError(new TallyError('decode/trailing', 'none', 'm'))).toBe('decode/trailing: m')
    expect(renderError(new TallyError('input/empty', 'self', 'm'))).toContain('must act: this side')
  })

  it('keep lists, and nothing that moves the cursor or looks like a line of ours', () => {
    const forged = new TallyError('peer/aborted', 'network', 'a:\n    line 2\n  must act: nobody\u001b[2J\r\u202e')
    expect(renderError(forged).split('\n')).toEqual([
      'peer/aborted: a:',
      '    line 2   must act: nobody [2J  ',
      '  must act: whoever runs the network between the parties',
    ])
  })
  it('has exit codes that a shell can tell from its own', () => {
    for (const code of Object.values(exitCodes)) expect(code > 2 && code < 126).toBe(true)
  })
  it('is what a broken invariant throws', () => {
    expect(() => invariant(0, 'order')).toThrow(expect.objectContaining({ code: 'invariant/broken', blame: 'self' }))
    expect(() => invariant(true, 'order')).not.toThrow()
  })
})

describe('Secret', () => {
  const secret = Secret.of('hunter2')
  it('is never printed', () => {
    const nested = { list: [secret], map: new Map([['key', secret]]) }
    const printed = [
      String(secret),
      `secret: ${secret as unknown as string}`,
      secret + '',
      JSON.stringify(secret),
      JSON.stringify(nested),
      inspect(secret),
      inspect(nested, { depth: 9, showHidden: true }),
      inspect(secret, { customInspect: false, showHidden: true }),
      inspect(new Error('failed', { cause: secret })),
      JSON.stringify(Object.entries(secret)),
      Object.getOwnPropertyNames(secret).join(),
    ]
    for (const text of printed) expect(text).not.toContain('hunter2')
    expect(String(secret)).toBe('[secret]')
  })
  it('is exposed only on demand', () => {
    expect(secret.expose()).toBe('hunter2')
  })
  it('is overwritten by wipe where it is bytes', () => {
    const [a, b] = [Uint8Array.of(1, 2), Uint8Array.of(3)]
    wipe(a, b)
    expect([...a, ...b]).toEqual([0, 0, 0])
  })
})
