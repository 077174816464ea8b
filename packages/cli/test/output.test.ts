import { expect, test, vi } from 'vitest'
import { createOutput } from '../src/output.ts'
import { oneLine } from '../src/text.ts'

test('what a partner brought cannot act on the terminal', () => {
  const written: string[] = []
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation((text) => written.push(String(text)) > 0),
  )
  const output = createOutput(false)
  const row = 'reason \u001b[2J\u001b[1;31m\u001b[8mhidden\r\u009b2J \u202eright to left\u0007'
  output.report({ event: 'answer', row }, `id: ${row}\nnext`)
  output.say(row)
  output.note(row)
  output.say('\u001b[1mbold\u001b[22m \u001b[31mred\u001b[39m')
  createOutput(true).report({ event: 'answer', row })
  for (const spy of spies) spy.mockRestore()
  const clean = 'reason \ufffd[2J\ufffd[1;31m\ufffd[8mhidden\ufffd\ufffd2J \ufffdright to left\ufffd'
  const json = written.pop()!
  expect(written).toEqual([
    `id: ${clean}\nnext\n`,
    `${clean}\n`,
    `${clean}\n`,
    '\u001b[1mbold\u001b[22m \u001b[31mred\u001b[39m\n',
  ])
  expect(JSON.parse(json)).toEqual({ event: 'answer', row })
})

test('a value of a partner stays on its line', () => {
  expect(oneLine('=cmd()\n  must act: nobody\r\nid\u2028x')).toBe('=cmd()   must act: nobody id x')
})
