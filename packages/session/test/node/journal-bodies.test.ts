import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createBodies } from '../../src/node/journal-bodies.ts'

let folder: string
beforeEach(() => void (folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tallystick-'))))
afterEach(() => fs.rmSync(folder, { recursive: true }))

const module = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`

describe('a thread that ends before it has written', () => {
  const cases = {
    'its module is not there': 'file:///nowhere/writer.ts',
    'its module throws': module('throw new Error("no")'),
    'its module ends the thread': module('process.exit(0)'),
    'it runs out of memory': module('const all = []; for (;;) all.push(new Array(1e6).fill({}))'),
    'its module throws later': module('setTimeout(() => { throw new Error("no") }); await new Promise(() => {})'),
  }
  test.for(Object.entries(cases))('%s: told at once', ([, writer]) => {
    const file = path.join(folder, 'bodies')
    fs.writeFileSync(file, '')
    const bodies = createBodies(file, new Uint8Array(32), writer)
    const body = new Uint8Array(1024 * 1024)
    const since = performance.now()
    expect(() => {
      for (let i = 0; i < 64; i++) bodies.add(body)
      bodies.wait(bodies.put)
    }).toThrow('bodies were not written')
    expect(performance.now() - since).toBeLessThan(20_000)
    bodies.close()
  })
})
